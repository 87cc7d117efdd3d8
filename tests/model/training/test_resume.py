"""Where a run goes on from."""

from pathlib import Path

import pytest

from tcae.manifests.errors import CheckpointError
from tcae.model.training import checkpoints
from tcae.model.training.processes import Processes
from tcae.model.training.resume import kept, load_newest
from tcae.model.training.runs import RunFolder


class Second(Processes):
    """The second of two processes, the first of which goes on from step 5."""

    def from_first(self, value: float) -> float:
        return 5.0


def save(path: Path, step: int) -> None:
    checkpoints.save(path, {"model": {}, "step": step, "recipe": {}, "data": {}, "metrics": {}})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_a_new_run_has_nothing(folder: RunFolder) -> None:
    saved = load_newest(folder, Processes())
    assert (saved.path, saved.step, saved.damage) == (None, 0, ())


def test_the_newest_that_can_be_read_is_taken_and_the_others_are_told_of(folder: RunFolder) -> None:
    for path, step in ((folder.last, 9), (folder.previous, 7), (folder.step_checkpoint(4), 4)):
        save(path, step)
    assert [path.name for path in kept(folder)] == ["last.pt", "previous.pt", "step-00000004.pt"]
    assert load_newest(folder, Processes()).step == 9
    folder.last.write_bytes(b"")
    folder.previous.write_bytes(b"")
    saved = load_newest(folder, Processes())
    assert (saved.path, saved.step) == (folder.step_checkpoint(4), 4)
    assert [str(folder.last) in saved.damage[0], str(folder.previous) in saved.damage[1]] == [True, True]


def test_processes_that_read_different_checkpoints_are_refused(folder: RunFolder) -> None:
    save(folder.last, 9)
    with pytest.raises(CheckpointError, match=r"goes on from step 9 in .*last\.pt and the first one from step 5; all"):
        load_newest(folder, Second(rank=1, world=2))
