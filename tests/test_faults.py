"""Killed, interrupted or run twice at once: the same command again gives what an undisturbed run gives."""

import os
import signal
from pathlib import Path

import pytest

from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.cluster import ClusterLostError
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.job import Watch, run_job
from tests.clips import write_clip
from tests.fault_builders import DeadlyStage, finish, kill_at_random, start, wait_until, workers_of
from tests.stage_builders import astronaut, call, faces, files, frames, read
from tests.toys import ToyStage, frames_of, toy_workspace

EXTRACT = ("--fps", "native", "--format", "png")
RUN = ("--fps", 5, "--device", "cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 small clips in 6 videos of 3 identities, one of them broken."""
    root = tmp_path_factory.mktemp("source")
    for number in range(18):
        folder = root / f"id{number % 3}" / f"v{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        write_clip(folder / f"{number:05d}.mp4", 30 + number % 7)
    (root / "id0" / "v0" / "99999.mp4").write_bytes(b"no video at all")
    return root


@pytest.fixture(scope="module")
def undisturbed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """What extraction gives when nobody disturbs it."""
    workspace = Workspace(tmp_path_factory.mktemp("undisturbed"))
    assert call("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT).exit_code == 0
    return workspace


def assert_same(found: Workspace, wanted: Workspace) -> None:
    """Same rows in every column, same files, and nothing wrong."""
    for table in ("clips", "frames", "faces"):
        rows = [sorted(read(workspace, table), key=repr) for workspace in (found, wanted)]
        assert rows[0] == rows[1]
    for kind in ("frames", "faces"):
        assert files(found, kind) == files(wanted, kind)
    result = call("verify", "--root", found.root)
    assert result.exit_code == 0, result.output


def parts(workspace: Workspace) -> list[Path]:
    return list(workspace.manifest("frames").glob("*.parquet"))


def test_extract_killed_at_any_moment_goes_on(source: Path, undisturbed: Workspace, workspace: Workspace) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    kill_at_random([args, (*args, "--fps", 5)], num_kills=10, longest_seconds=0.5, seed=1)
    assert call(*args).exit_code == 0
    assert_same(workspace, undisturbed)


def test_run_killed_at_any_moment_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(3):
        folder = source / f"id{number}" / "v"
        folder.mkdir(parents=True)
        write_clip(folder / "a.mp4", 10 + number, draw=astronaut)
    wanted, found = Workspace(tmp_path / "wanted"), Workspace(tmp_path / "found")
    args = ("--source", source, "--workers", 0, *RUN)
    assert call("run", "--root", wanted.root, *args).exit_code == 0
    assert any(row.file for row in faces(wanted))
    again = ("run", "--root", found.root, *args)
    kill_at_random([again, (*again, "--margin", 0.1)], num_kills=5, longest_seconds=0.5, seed=2)
    assert call(*again).exit_code == 0
    assert_same(found, wanted)


def test_killed_workers_are_replaced_and_a_killed_command_goes_on(
    source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 2, *EXTRACT)
    first = start(*args)
    wait_until(lambda: bool(parts(workspace)) or first.poll() is not None)
    workers = workers_of(first.pid)
    first.kill()
    first.communicate()
    for worker in workers:
        worker.wait(timeout=30)
    second = start(*args)
    before = len(parts(workspace))
    wait_until(lambda: len(parts(workspace)) > before or second.poll() is not None)
    for worker in workers_of(second.pid)[:1]:
        worker.kill()
    status, out, err = finish(second)
    assert status == 0, err
    assert "19 clips in = 18 with frames + 1 rejected (1 decode)" in out
    assert_same(workspace, undisturbed)
    assert quiet(err)


def quiet(err: str) -> bool:
    """Whether stderr has our own lines only."""
    ours = ("extract: ", "Error: stopped with ", "Error: ")
    return all(line.startswith(ours) or ": taken for " in line for line in err.splitlines())


def test_an_interrupt_ends_with_one_line_and_loses_nothing(
    source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 2, *EXTRACT)
    process = start(*args)
    wait_until(lambda: bool(parts(workspace)) or process.poll() is not None)
    os.killpg(process.pid, signal.SIGINT)
    status, out, err = finish(process)
    assert quiet(err), err
    if status:  # it may have been through before the signal came
        assert status == 1
        assert err.splitlines()[-1].startswith("Error: stopped with ")
        assert "clips made now" in out
    made = frames(workspace)
    assert made
    assert call("verify", "--root", workspace.root).exit_code == 0
    again = call("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    assert f"{len({row.key for row in made})} found made" in again.stdout
    assert_same(workspace, undisturbed)


def test_two_commands_at_once_end_well(source: Path, undisturbed: Workspace, workspace: Workspace) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    both = [start(*args), start(*args)]
    results = [finish(process) for process in both]
    assert [status for status, _, _ in results] == [0, 0], results
    assert_same(workspace, undisturbed)


def test_a_cluster_gives_what_this_process_gives(source: Path, undisturbed: Workspace, workspace: Workspace) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster:
        where = ("--scheduler", cluster.scheduler_address)
        result = call("extract", "--root", workspace.root, "--source", source, *where, *EXTRACT)
    assert result.exit_code == 0, result.stderr
    assert f"on the cluster at {cluster.scheduler_address}" in result.stderr
    assert_same(workspace, undisturbed)


def test_a_scheduler_that_goes_away_is_said(workspace: Workspace) -> None:
    from distributed import LocalCluster

    stage = ToyStage(workspace=toy_workspace(workspace))
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster:
        config = RunnerConfig(scheduler=cluster.scheduler_address)
        with pytest.raises(ClusterLostError, match="the Dask scheduler is gone; start it again"):
            run_job(stage, config, watch=Watch(on_tally=lambda tally: cluster.close()))
    again = run_job(stage, RunnerConfig(workers=0))
    assert (again.clips, again.left) == (12, 0)
    assert again.kept >= 1


def test_a_worker_that_dies_once_costs_nothing(workspace: Workspace) -> None:
    tally = run_job(DeadlyStage(workspace=toy_workspace(workspace), kill_at=4, is_once=True), RunnerConfig(workers=1))
    assert (tally.clips, tally.left, tally.deaths) == (12, 0, [])
    assert len(frames_of(workspace)) == 12


def test_a_clip_that_always_kills_its_worker_is_named_and_stops_no_other(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask

    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
        tally = run_job(DeadlyStage(workspace=toy_workspace(workspace), kill_at=4), RunnerConfig(workers=1))
    (death,) = tally.deaths
    shard = shard_of(ClipKey("id", "v", 4))
    assert death.startswith(f"shard {shard:04d} (process ")
    assert death.endswith(", at clip id/v/4_folder)")
    assert tally.left >= 1
    assert tally.clips == 12
    assert len(frames_of(workspace)) == 12 - tally.left
    assert run_job(ToyStage(workspace=workspace), RunnerConfig(workers=0)).made == tally.left
