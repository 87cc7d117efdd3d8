"""Workers that share nothing with this machine but a store."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest
from distributed import Client

from tcae.manifests.errors import ConfigError
from tcae.manifests.stores import RefusedError, StorePath
from tcae.manifests.workspace import Workspace, find_workspace
from tcae.pipeline.cluster import check_cluster
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages import job
from tcae.pipeline.stages.job import Watch, run_job, seldom
from tests.clips import write_clip
from tests.cluster.network import Machine
from tests.cluster.programs import Cluster, scheduler
from tests.pipeline.test_cluster import ADDRESS, FakeClient
from tests.stage_builders import call
from tests.store_builders import brought, memory, objects, put, s3_server, same_times
from tests.stores.test_workspaces import assert_same
from tests.toys import ToyStage, frames_of, toy_workspace

HERE = Machine(address="127.0.0.1")


@pytest.fixture(scope="module")
def bucket() -> Iterator[StorePath]:
    with s3_server() as (_, store):
        yield store


@pytest.fixture(scope="module")
def cluster(bucket: StorePath, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, each with a scratch of its own."""
    with ExitStack() as stack:
        running = stack.enter_context(scheduler(HERE, tmp_path_factory.mktemp("dask")))
        for name in ("one", "two"):
            stack.enter_context(running.worker(HERE, "--no-nanny", TCAE_SCRATCH=str(tmp_path_factory.mktemp(name))))
        yield running


def test_workers_that_share_only_a_store_give_what_this_process_gives(
    cluster: Cluster, bucket: StorePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "scratch"))
    for number in range(4):
        folder = tmp_path / "source" / f"id{number}" / "v"
        folder.mkdir(parents=True)
        write_clip(folder / "a.mp4", 12 + number)
    (tmp_path / "source/id0/v/b.mp4").write_bytes(b"no video at all")
    same_times(tmp_path / "source", put(tmp_path / "source", bucket / "source"))
    found, wanted = bucket / "workspace", Workspace(tmp_path / "wanted")
    here = ("--root", wanted.root, "--source", tmp_path / "source", "--workers", 0)
    there = ("--root", found, "--source", bucket / "source", "--scheduler", cluster.address)
    for where in (here, there):
        result = call("extract", *where, "--fps", 5)
        assert result.exit_code == 0, result.output
    assert_same(brought(found, tmp_path / "found"), wanted)


def test_a_worker_that_may_not_look_into_the_store_is_named(bucket: StorePath) -> None:
    client = FakeClient(is_seen=RefusedError("no credentials"))
    wanted = r"does not see s3://bucket/signs \(no credentials\); workers need the store's credentials"
    with pytest.raises(ConfigError, match=wanted):
        check_cluster(cast(Client, client), ADDRESS, bucket / "signs")
    assert objects(bucket / "signs") == {}


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Twelve toy clips in the memory of this process."""
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "scratch"))
    with memory() as store:
        put(toy_workspace(Workspace(tmp_path / "toys")).root, store)
        workspace = find_workspace(store, may_be_stored=True)
        toy_workspace(workspace)
        yield workspace


def test_a_sign_in_the_store_stops_workers(stored: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(job, "LOOK_SECONDS", 0.0)
    signs: list[list[str]] = []

    def interrupt(tally: object) -> None:
        if not signs:
            os.kill(os.getpid(), signal.SIGINT)
            signs.append([name for name in objects(stored.signs) if name.startswith("stop-")])

    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster:
        where = RunnerConfig(scheduler=cluster.scheduler_address)
        tally = run_job(ToyStage(workspace=stored), where, watch=Watch(on_tally=interrupt))
        assert len(signs[0]) == 1
        assert objects(stored.signs) == {}
        assert (tally.is_stopped, tally.clips) == (True, 12)
        assert 0 < tally.left < 12
        again = run_job(ToyStage(workspace=stored), where)
    assert (again.clips, again.left) == (12, 0)
    assert len(frames_of(brought(stored.signs.parent.parent, tmp_path / "found"))) == 12


def test_a_look_into_a_store_is_taken_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now, looks = [0.0], list[float]()
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def look() -> bool:
        looks.append(now[0])
        return now[0] >= 3

    glance = seldom(look)
    answers = []
    for now[0] in (0.0, 0.5, 1.9, 2.0, 3.5, 4.0):
        answers.append(glance())
    assert looks == [0.0, 2.0, 4.0]
    assert answers == [False, False, False, False, False, True]
