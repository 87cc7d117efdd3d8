"""The runner gives the same result whatever ran it, starts no more workers than make sense, and stops when told."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.manifests.places import Place
from tcae.manifests.workspace import Workspace
from tcae.pipeline.runner import (
    CLIPS_PER_TASK,
    TASKS_PER_WORKER,
    RunnerConfig,
    _on_one_gpu,
    crew_for,
    num_cores,
    pack,
    run_tasks,
)
from tcae.pipeline.stages.base import Tally
from tcae.pipeline.stages.job import Watch, run_job
from tests.toys import ToyStage, frames_of, toy_workspace


@given(st.dictionaries(st.integers(0, 4095), st.integers(0, 900), max_size=60), st.integers(1, 40))
def test_packing_loses_no_shard_and_gives_enough_tasks(sizes: dict[int, int], num_workers: int) -> None:
    tasks = pack(sizes, num_workers)
    assert sorted(shard for task in tasks for shard in task) == sorted(sizes)
    for task in tasks:
        assert sum(sizes[shard] for shard in task) <= max(CLIPS_PER_TASK, *(sizes[shard] for shard in task))


def test_there_are_four_tasks_per_worker_where_clips_allow() -> None:
    assert len(pack(dict.fromkeys(range(48), 1), 2)) == TASKS_PER_WORKER * 2
    assert len(pack(dict.fromkeys(range(4096), 312), 32)) == 4096


@pytest.mark.parametrize(
    ("config", "num_items", "num", "bound"),
    [
        (RunnerConfig(workers=0), 100, 0, "--workers"),
        (RunnerConfig(workers=1), 100, 1, "--workers"),
        (RunnerConfig(workers=10_000), 10**6, num_cores(), "cores"),
        (RunnerConfig(workers=10_000), 0, 0, "clips to do"),
        (RunnerConfig(workers=10_000, gpus=(1,)), 100, 1, "GPU memory"),
        (RunnerConfig(workers=10_000, gpus=(99, 50)), 10**6, num_cores(), "cores"),
    ],
)
def test_no_more_workers_start_than_make_sense(config: RunnerConfig, num_items: int, num: int, bound: str) -> None:
    crew = crew_for(config, num_items)
    assert crew.num <= num
    assert crew.bound in (bound, "free memory")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": -1}, "at least 0, got -1"),
        ({"scheduler": "host"}, r"an address such as tcp://host:8786, got 'host'"),
    ],
)
def test_nonsense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RunnerConfig(**options)  # type: ignore[arg-type]


def test_processes_and_a_cluster_give_the_rows_of_this_process(tmp_path: Path) -> None:
    from distributed import LocalCluster

    here, processes, cluster = (toy_workspace(Workspace(tmp_path / name)) for name in ("here", "processes", "cluster"))
    expected = run_job(ToyStage(workspace=here), RunnerConfig(workers=0))
    tallies = [run_job(ToyStage(workspace=processes), RunnerConfig(workers=2))]
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0") as running:
        config = RunnerConfig(scheduler=running.scheduler_address)
        tallies.append(run_job(ToyStage(workspace=cluster), config))
    for workspace, tally in zip((processes, cluster), tallies, strict=True):
        assert frames_of(workspace) == frames_of(here)
        assert (tally.clips, tally.made, tally.done, tally.rejected) == (
            expected.clips,
            expected.made,
            expected.done,
            expected.rejected,
        )


def test_a_bug_in_a_worker_process_reaches_the_caller(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run_job(ToyStage(workspace=toy_workspace(workspace), bug_at=0), RunnerConfig(workers=1))


def test_a_scheduler_that_is_not_there_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcae.pipeline.cluster.CONNECT_SECONDS", 0.2)
    config = RunnerConfig(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_job(ToyStage(workspace=toy_workspace(workspace)), config)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_clip_in_hand(tmp_path: Path, number: int) -> None:
    seen: list[int] = []

    def work(task: int, stop: Place) -> int:
        if task == 1:
            os.kill(os.getpid(), number)
        return task

    config = RunnerConfig(workers=0)
    assert not run_tasks(work, [0, 1, 2], config, crew_for(config, 3), tmp_path, seen.append)
    assert seen == [0, 1]
    assert not any(tmp_path.iterdir())


def test_a_second_interrupt_ends_at_once(tmp_path: Path) -> None:
    def work(task: int, stop: Place) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return task

    config = RunnerConfig(workers=0)
    with pytest.raises(KeyboardInterrupt):
        run_tasks(work, [0], config, crew_for(config, 1), tmp_path, lambda _: None)
    assert not any(tmp_path.iterdir())


def test_a_stopped_job_goes_on_where_it_was(workspace: Workspace) -> None:
    def interrupt(tally: Tally) -> None:
        if tally.made:
            os.kill(os.getpid(), signal.SIGINT)

    stage = ToyStage(workspace=toy_workspace(workspace))
    first = run_job(stage, RunnerConfig(workers=0), watch=Watch(on_tally=interrupt))
    assert first.is_stopped
    assert 0 < first.made < 12
    again = run_job(stage, RunnerConfig(workers=0))
    assert (again.made, again.kept) == (12 - first.made, first.made)


@pytest.mark.parametrize(
    ("seen", "name", "own"), [(None, 0, "0"), (None, 3, "1"), ("2,5", 0, "2"), ("2,5", 3, "5"), ("", 1, "1")]
)
def test_local_workers_share_the_gpus_that_the_user_lets_them_see(
    seen: str | None, name: int, own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distributed.get_worker", lambda: SimpleNamespace(name=name))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen or "")
    if seen is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    for _ in range(2):
        assert _on_one_gpu(lambda task, stop: os.environ["CUDA_VISIBLE_DEVICES"], 2, None, tmp_path) == own
