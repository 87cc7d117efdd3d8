"""Workers and schedulers killed at 20 random moments each: the same command goes on from there."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.pipeline.cluster import ClusterLostError
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.job import Watch, run_job
from tests.fault_builders import PATIENCE_SECONDS, assert_same
from tests.faults.deadly import DeadlyStage, one_shard, slow_stage
from tests.faults.nursery import LOST, nursery
from tests.stage_builders import listed
from tests.toys import ToyStage, frames_of, toy_workspace

HERE = RunnerConfig(workers=0)
NUM_KILLS = 20


def delays(shortest: float, longest: float, seed: int) -> list[float]:
    return [random.Random(seed + number).uniform(shortest, longest) for number in range(NUM_KILLS)]


@contextmanager
def a_scheduler() -> Iterator[str]:
    """A scheduler without workers, in this process; its address."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as cluster:
        yield str(cluster.scheduler_address)


def test_workers_killed_at_20_random_moments_change_nothing(
    source: Path, undisturbed: Workspace, workspace: Workspace, tmp_path: Path
) -> None:
    listed(workspace, source)
    through = tmp_path / "through"
    with a_scheduler() as address, nursery("fork_workers", address, delays(0.1, 1.1, 3), through) as workers:
        config = RunnerConfig(scheduler=address)
        tell = Watch(on_tally=lambda tally: print(file=workers.stdin, flush=True))
        for which in (0, 1) * NUM_KILLS:
            with suppress(ConfigError):  # which is the answer where the only worker is killed while it is asked
                run_job(slow_stage(workspace, which), config, watch=tell)
            if through.exists():
                break
        assert through.exists()
        tally = run_job(slow_stage(workspace, 0), config)
    assert (tally.clips, tally.left, tally.deaths) == (19, 0, [])
    assert_same(workspace, undisturbed)


def test_a_clip_for_which_a_worker_has_too_little_memory_is_made_beside_it(tmp_path: Path) -> None:
    found, wanted = (Workspace(tmp_path / name) for name in ("found", "wanted"))
    for workspace in (found, wanted):
        _, numbers = one_shard(workspace, 4)
    run_job(ToyStage(workspace=wanted), HERE)
    stage = DeadlyStage(workspace=found, fates={numbers[1]: "swell"})
    with a_scheduler() as address, nursery("fork_small_worker", address, 600 << 20):
        tally = run_job(stage, RunnerConfig(scheduler=address))
    assert (tally.clips, tally.left, tally.deaths) == (4, 0, [])
    assert (found.root / f"met-{numbers[1]}").read_text().count("met") == 2
    assert frames_of(found) == frames_of(wanted)


def test_schedulers_killed_at_20_random_moments_change_nothing(
    source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    listed(workspace, source)
    with nursery("fork_schedulers", workspace.root, delays(0.05, 0.8, 4)) as commands:
        out, err = commands.communicate(timeout=PATIENCE_SECONDS)
    ends = out.split()
    assert len(ends) == NUM_KILLS, err
    assert set(ends) <= {"0", str(LOST)}, err
    assert ends.count(str(LOST)) > NUM_KILLS / 2
    assert run_job(slow_stage(workspace, 0), HERE).left == 0
    assert_same(workspace, undisturbed)


def test_a_scheduler_that_goes_away_is_said(workspace: Workspace) -> None:
    from distributed import LocalCluster

    stage = ToyStage(workspace=toy_workspace(workspace))
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster:
        config = RunnerConfig(scheduler=cluster.scheduler_address)
        with pytest.raises(ClusterLostError, match="the Dask scheduler is gone; start it again"):
            run_job(stage, config, watch=Watch(on_tally=lambda tally: cluster.close()))
    again = run_job(stage, HERE)
    assert (again.clips, again.left) == (12, 0)
    assert again.kept >= 1
