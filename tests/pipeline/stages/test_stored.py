"""A shard of a workspace in a store is made in the scratch, alone, and put back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tcae.manifests import locks
from tcae.manifests.errors import ConfigError, ManifestError, WorkspaceError
from tcae.manifests.rows import ClipKey, Frame
from tcae.manifests.stores import StorePath
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace, find_workspace, shard_of
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages import job
from tcae.pipeline.stages.align import AlignStage
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.stages.shards import locked
from tcae.pipeline.stages.stored import run_stored_shard, take_apart
from tests.store_builders import brought, memory, put
from tests.toys import ToyStage, frames_of, toy_workspace

HERE = RunnerConfig(workers=0)
KEY = ClipKey("id", "v", 4)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Twelve toy clips in the memory of this process, and their table in the scratch."""
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "scratch"))
    with memory() as store:
        put(toy_workspace(Workspace(tmp_path / "toys")).root, store)
        yield toy_workspace(find_workspace(store, may_be_stored=True))


def test_rows_and_tallies_are_those_of_a_disk(stored: Workspace, tmp_path: Path) -> None:
    on_disk = toy_workspace(Workspace(tmp_path / "disk"))
    tallies = [run_job(ToyStage(workspace=workspace), HERE) for workspace in (stored, on_disk)]
    assert tallies[0] == tallies[1]
    assert frames_of(brought(stored.place, tmp_path / "found")) == frames_of(on_disk)
    assert not list(stored.root.glob("shards/*"))


def test_what_is_made_is_seen_from_another_machine(
    stored: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_job(ToyStage(workspace=stored), HERE)
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "elsewhere"))
    there = toy_workspace(find_workspace(stored.place, may_be_stored=True))
    tally = run_stored_shard(ToyStage(workspace=there), shard_of(KEY), None, lambda: False)
    assert (tally.made, tally.kept) == (0, 1)


def test_a_bug_and_a_stop_keep_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setattr("tcae.manifests.workspace.NUM_SHARDS", 1)
    with memory() as store:
        put(toy_workspace(Workspace(tmp_path / "toys")).root, store)
        stage = ToyStage(workspace=find_workspace(store, may_be_stored=True), bug_at=2)
        with pytest.raises(ZeroDivisionError, match="a bug"):
            run_stored_shard(stage, 0, None, lambda: False)
        assert len(frames_of(brought(store, tmp_path / "one"))) == 2
        looks = iter([False, False, False, True])
        tally = run_stored_shard(replace(stage, bug_at=None), 0, None, lambda: next(looks))
        assert (tally.kept, tally.made, tally.left) == (2, 3, 7)
        assert len(frames_of(brought(store, tmp_path / "two"))) == 5


def test_the_second_command_of_a_machine_is_told_who_holds_a_shard(
    stored: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.0)
    stage = ToyStage(workspace=stored)
    with locked(stage, 7), pytest.raises(WorkspaceError, match="shard 0007 of frames is held by process"):
        run_stored_shard(stage, 7, None, lambda: False)


def test_what_dead_workers_left_is_counted_from_the_store(stored: Workspace) -> None:
    stage, shard = ToyStage(workspace=stored), shard_of(KEY)
    assert job._lost(stage, [shard]).deaths == [f"shard {shard:04d} (before its first clip)"]
    run_stored_shard(stage, shard, None, lambda: False)
    tally = job._lost(stage, [shard])
    assert (tally.kept, tally.left, tally.deaths) == (1, 0, [])


def test_a_workspace_on_a_disk_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"the workspace {tmp_path} lies on a disk"):
        take_apart(ToyStage(workspace=Workspace(tmp_path)), 0)


@pytest.mark.parametrize("file", ["../../secret.jpg", "/etc/secret.jpg"])
def test_a_table_that_names_a_file_outside_the_workspace_is_refused(
    file: str, stored: Workspace, tmp_path: Path
) -> None:
    shard = shard_of(KEY)
    row = Frame(**KEY._asdict(), frame=0, file=file, fingerprint="x")
    other = Workspace(tmp_path / "other")
    write_table(table_of([row], Frame), other.part("frames", shard))
    put(other.root, stored.store or StorePath())
    stage = AlignStage(workspace=stored, config=FaceConfig(device="cpu"))
    with pytest.raises(ManifestError, match=f"has the file '{file}', which would lead out of the workspace"):
        run_stored_shard(stage, shard, None, lambda: False)
