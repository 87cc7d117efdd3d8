"""The metrics of a run, as rows that outlive it and as TensorBoard's events."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from tcae.manifests.errors import WorkspaceError
from tcae.manifests.tables import read_table, rows_of, table_of, write_table
from tcae.model.training.runs import RunFolder

Key = tuple[int, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Table ``metrics``: one row for each step, split and name."""

    step: int
    """Steps that were done when it was measured."""
    split: str
    """``train``: a mean over the steps since the row before; ``val``: over the fixed pairs."""
    name: str
    value: float
    seconds: float
    """Since the run began, without the time between its calls."""


class MetricsLog:
    """Takes the metrics of one call of a run; what earlier calls wrote is kept."""

    def __init__(self, folder: RunFolder, resume_step: int | None) -> None:
        """Go on from an older log, or begin one.

        Args:
            folder: The run's.
            resume_step: Steps that are done; rows of later ones, from a call that was killed, are dropped. None: the
                run is new, and so is its log.

        Raises:
            ManifestError: the older log is damaged.
            WorkspaceError: the folder cannot be written.
        """
        self._path = folder.metrics
        self._rows: dict[Key, Metric] = {}
        if resume_step is not None and self._path.is_file():
            self._rows = {_key(row): row for row in _read(folder) if row.step <= resume_step}
        self._before = max((row.seconds for row in self._rows.values()), default=0.0)
        self._began = time.monotonic()
        with _writing(folder):
            purged = 0 if resume_step is None else resume_step + 1
            self._events = SummaryWriter(str(folder.tensorboard), purge_step=purged)
        self._folder = folder

    def add(self, step: int, split: Literal["train", "val"], values: Mapping[str, float]) -> None:
        """Take what was measured after a step; the same name once more replaces its value.

        Args:
            step: Steps done.
            split: What it was measured on.
            values: By name; NaN and infinities are kept.

        Raises:
            WorkspaceError: the disk is full.
        """
        seconds = self._before + time.monotonic() - self._began
        for name, value in values.items():
            row = Metric(step=step, split=split, name=name, value=float(value), seconds=seconds)
            self._rows[_key(row)] = row
            with _writing(self._folder):
                self._events.add_scalar(f"{split}/{name}", row.value, step)

    def picture(self, step: int, name: str, picture: NDArray[np.uint8]) -> None:
        """Show an (H, W, 3) RGB picture beside the curves.

        Raises:
            WorkspaceError: the disk is full.
        """
        with _writing(self._folder):
            self._events.add_image(name, picture, step, dataformats="HWC")

    def flush(self) -> None:
        """Write all rows beside the old file and rename it; give the events to the system.

        Raises:
            WorkspaceError: the disk is full; the old rows are kept.
        """
        write_table(table_of(self._rows.values(), Metric), self._path)
        with _writing(self._folder):
            self._events.flush()

    def close(self) -> None:
        """Flush, and end the thread that writes events.

        Raises:
            WorkspaceError: the disk is full.
        """
        try:
            self.flush()
        finally:
            with _writing(self._folder):
                self._events.close()


def _read(folder: RunFolder) -> list[Metric]:
    return rows_of(read_table(folder.metrics, Metric), Metric)


def _key(row: Metric) -> Key:
    return row.step, row.split, row.name


@contextmanager
def _writing(folder: RunFolder) -> Iterator[None]:
    """Give what goes wrong with the events a name."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(f"cannot write {folder.tensorboard}: {error.strerror or error}") from error
