"""When checkpoints are written, and which are kept."""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tcae.manifests.errors import WorkspaceError
from tcae.manifests.workspace import written_whole
from tcae.model.recipe import Recipe
from tcae.model.training import checkpoints
from tcae.model.training.options import RunOptions
from tcae.model.training.runs import RunFolder
from tcae.model.training.state import TrainingState

THRIFT = 20
"""A checkpoint is put off until the time since the last one is so many times what that one took to write."""


class Keeper:
    """Writes ``last``, ``previous``, ``best`` and the numbered checkpoints of a run."""

    def __init__(
        self, folder: RunFolder, recipe: Recipe, data: Mapping[str, str], options: RunOptions, num_steps: int
    ) -> None:
        self.folder = folder
        self.about = {"recipe": asdict(recipe), "data": dict(data)}
        self.every = options.checkpoint_every
        self.keep_every = options.keep_every or max(1, num_steps // 5)
        self.written = time.monotonic()
        self.cost_seconds = 0.0

    def is_due(self, step: int) -> bool:
        """Whether a checkpoint is to be written after this step."""
        if self.is_kept(step):
            return True
        return step % self.every == 0 and time.monotonic() - self.written >= THRIFT * self.cost_seconds

    def is_kept(self, step: int) -> bool:
        """Whether the checkpoint of this step stays beside last and best."""
        return step % self.keep_every == 0

    def write(self, state: TrainingState) -> None:
        """Write ``last``, and ``best`` if there is a better one; keep ``last`` under its number when its turn has come.

        The ``last`` before becomes ``previous``.

        Raises:
            DivergedError: a weight is not finite; nothing is written.
            WorkspaceError: the disk is full; the checkpoints before are still there.
        """
        started = time.monotonic()
        captured = state.capture()
        if state.best:
            checkpoints.save(self.folder.best, state.best | self.about)
            state.best = {}
        checkpoints.save(self.folder.next, captured | self.about)
        if self.folder.last.is_file():
            _link(self.folder.last, self.folder.previous)
        _rename(self.folder.next, self.folder.last)
        if self.is_kept(state.num_steps):
            _link(self.folder.last, self.folder.step_checkpoint(state.num_steps))
        self.written = time.monotonic()
        self.cost_seconds = self.written - started


def _rename(old: Path, new: Path) -> None:
    try:
        old.replace(new)
    except OSError as error:
        raise WorkspaceError(f"cannot write {new}: {error.strerror}") from error


def _link(old: Path, new: Path) -> None:
    """Give a file a second name; a copy where the file system has no links. The next ``last`` is another file.

    Raises:
        WorkspaceError: the disk is full.
    """
    if new.exists() and new.samefile(old):
        return  # renaming one name of a file to another of the same does nothing, and would leave both
    with written_whole(new) as partial:
        partial.unlink(missing_ok=True)
        try:
            os.link(old, partial)
        except OSError:
            shutil.copyfile(old, partial)
