"""A checkpoint that is damaged or has no room on the disk: the run goes on from an older one, and ends as ever."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tcae.manifests.errors import CheckpointError, WorkspaceError
from tcae.manifests.workspace import Workspace
from tcae.model.data.batches import LoaderConfig
from tcae.model.train import Outcome, train
from tcae.model.training import keeper
from tcae.model.training.checkpoints import load
from tcae.model.training.journal import Watch
from tcae.model.training.options import RunOptions
from tcae.model.training.runs import RunFolder
from tests.clips import flip_bytes, truncate
from tests.recipe_builders import tiny_recipe
from tests.run_builders import equal
from tests.training_builders import make_training_workspace


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_training_workspace(Workspace(tmp_path_factory.mktemp("faces") / "workspace"))


@pytest.fixture(scope="module")
def undisturbed(faces: Workspace) -> Outcome:
    return run(faces, "undisturbed")


@pytest.fixture(autouse=True)
def at_every_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints as often as they are asked for, however long one takes to write."""
    monkeypatch.setattr(keeper, "THRIFT", 0)


def run(workspace: Workspace, name: str, notes: list[str] | None = None, **how: Any) -> Outcome:
    often: dict[str, Any] = {"log_every": 1, "checkpoint_every": 3, "keep_every": 1000, "sheet_pairs": 1}
    options = RunOptions(device="cpu", loader=LoaderConfig(workers=0), **(often | how))
    watch = Watch(on_note=notes.append) if notes is not None else None
    return train(workspace, tiny_recipe(), options, name, watch)


def assert_same(found: RunFolder, wanted: RunFolder) -> None:
    """Last and best bit for bit; the same rows of metrics, times aside, none of them twice."""
    assert equal(load(found.last), load(wanted.last))
    assert equal(load(found.best), load(wanted.best))
    assert metrics_of(found) == metrics_of(wanted)


def metrics_of(folder: RunFolder) -> list[tuple[Any, ...]]:
    rows = pq.read_table(folder.metrics).to_pylist()
    timed = ("samples_per_second", "wait_share")
    return sorted((row["step"], row["split"], row["name"], row["value"]) for row in rows if row["name"] not in timed)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    replaced(path, lambda old, new: truncate(old, new, 0.7))


def flip(path: Path) -> None:
    replaced(path, lambda old, new: flip_bytes(old, new, 3))


def swap(path: Path) -> None:
    path.write_bytes(b"<html>404 Not Found</html>")


def replaced(path: Path, make: Callable[[Path, Path], Path]) -> None:
    whole = path.rename(path.with_suffix(".whole"))
    make(whole, path)
    whole.unlink()


@pytest.mark.parametrize("damage", [empty, cut, flip, swap])
def test_a_damaged_newest_checkpoint_is_told_and_the_one_before_it_taken(
    damage: Callable[[Path], None], faces: Workspace, undisturbed: Outcome
) -> None:
    name, notes = damage.__name__, list[str]()
    folder = run(faces, name, stop_after=11).folder
    damage(folder.last)
    outcome = run(faces, name, notes)
    assert outcome.started == 9
    (told,) = [note for note in notes if str(folder.last) in note]
    assert told.endswith("; going on from an older checkpoint")
    assert f"resumed from {folder.previous} at step 9" in notes
    assert_same(outcome.folder, undisturbed.folder)


def test_of_two_damaged_checkpoints_a_numbered_one_takes_the_place(faces: Workspace, undisturbed: Outcome) -> None:
    notes: list[str] = []
    folder = run(faces, "numbered", keep_every=6, stop_after=11).folder
    cut(folder.last)
    flip(folder.previous)
    outcome = run(faces, "numbered", notes)
    assert outcome.started == 6
    assert f"resumed from {folder.step_checkpoint(6)} at step 6" in notes
    assert_same(outcome.folder, undisturbed.folder)


def test_where_every_checkpoint_is_damaged_each_is_named_and_nothing_is_lost(faces: Workspace) -> None:
    folder = run(faces, "lost", stop_after=7).folder
    cut(folder.last)
    cut(folder.previous)
    before = {path: path.read_bytes() for path in folder.path.rglob("*.pt")}
    with pytest.raises(CheckpointError, match=r"last\.pt .*previous\.pt .*start anew with --resume never"):
        run(faces, "lost")
    assert before == {path: path.read_bytes() for path in folder.path.rglob("*.pt")}
    assert run(faces, "lost", resume="never", stop_after=1).folder.name == "lost-2"


def test_a_newest_checkpoint_that_is_gone_is_made_from_the_one_before(faces: Workspace, undisturbed: Outcome) -> None:
    folder = run(faces, "gone", stop_after=8).folder
    folder.last.unlink()
    outcome = run(faces, "gone")
    assert outcome.started == 6
    assert_same(outcome.folder, undisturbed.folder)


def test_a_disk_without_room_for_a_checkpoint_keeps_those_before(
    faces: Workspace, undisturbed: Outcome, small_disk: Callable[[int], Path]
) -> None:
    folder = run(faces, "full", stop_after=8).folder
    sizes = {path: path.stat().st_size for path in folder.path.rglob("*.pt")}
    disk = small_disk(sum(sizes.values()) + max(sizes.values()) // 2)
    kept = {path.name: path.read_bytes() for path in folder.checkpoints.iterdir()}
    for path in folder.checkpoints.iterdir():
        path.unlink()
        (disk / path.name).write_bytes(kept[path.name])
    folder.checkpoints.rmdir()
    folder.checkpoints.symlink_to(disk)
    with pytest.raises(WorkspaceError, match=r"cannot write .*: No space left on device"):
        run(faces, "full")
    assert {path.name: path.read_bytes() for path in folder.checkpoints.iterdir()} == kept
    folder.checkpoints.unlink()
    folder.checkpoints.mkdir()
    for name, data in kept.items():
        (folder.checkpoints / name).write_bytes(data)
    outcome = run(faces, "full")
    assert outcome.started == 8
    assert_same(outcome.folder, undisturbed.folder)
