"""FER-2013: ``fer2013.csv``, whose rows hold the picture too; behind it lies no library of its own.

Columns ``emotion`` (0 to 6), ``pixels`` (2304 grey values, row by row) and ``Usage``, in any order. The file does not
name its classes. Their order is the one that everybody writes; that it is right is seen from the counts: Goodfellow et
al. (ICONIP 2013) give 4953 pictures of anger, 547 of disgust, 5121 of fear, 8989 of happiness, 6077 of sadness, 4002
of surprise and 6198 neutral ones, and those are the file's counts of 0 to 6.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tcae.manifests.errors import ManifestError
from tcae.pipeline import pictures
from tcae.pipeline.datasets.files import find_files
from tcae.pipeline.datasets.frames import picture_labels
from tcae.pipeline.datasets.keys import picture_identity
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""By the file's number."""

SPLITS = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
"""By the file's ``Usage``."""

SIDE_PX = 48
"""Of every picture."""

_COLUMNS = ("emotion", "pixels", "Usage")
_FILE = re.compile(r"fer2013\.csv", re.IGNORECASE)


class _Row(NamedTuple):
    where: str
    expression: str
    usage: str
    pixels: str


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The expression and the official split of every picture.

    Args:
        folder: The file, or a folder that has it.
        options: None of them matters here.

    Raises:
        ConfigError: there is no such file.
        ManifestError: the file makes no sense; the message has the line.
    """
    rows = [(_place(number, row.usage), row.expression, row.usage) for number, row in enumerate(_rows(_file(folder)))]
    table = picture_labels([picture_identity(f"fer2013/{place}") for place, _, _ in rows], {})
    table = table.append_column("expression", pa.array([expression for _, expression, _ in rows], pa.string()))
    table = table.append_column("official_split", pa.array([SPLITS[usage] for _, _, usage in rows], pa.string()))
    counts = Counter(SPLITS[usage] for _, _, usage in rows)
    return ReadLabels(table, [", ".join(f"{counts[split]:,} pictures of {split}" for split in SPLITS.values())])


def unpack(source: Path, folder: Path) -> int:
    """Write the pictures as ``<folder>/<Usage>/<row>.png``, 48x48 and grey; those that are there stay.

    Args:
        source: As ``folder`` of ``read``.
        folder: The workspace's ``videos/fer2013``: the names of ``read`` count from ``videos``.

    Returns:
        How many were written.

    Raises:
        ConfigError: there is no such file.
        ManifestError: the file makes no sense; the message has the line.
        WorkspaceError: the folder cannot be written.
    """
    num_written = 0
    for number, row in enumerate(_rows(_file(source))):
        path = folder / _place(number, row.usage)
        if not path.exists():
            pictures.write(path, cv2.imencode(".png", _picture(row))[1].tobytes())
            num_written += 1
    return num_written


def _place(number: int, usage: str) -> str:
    return f"{usage}/{number:05d}.png"


def _file(folder: Path) -> Path:
    if folder.is_file():
        return folder
    return find_files(folder, _FILE, "fer2013.csv")[0][0]


def _rows(path: Path) -> Iterator[_Row]:
    """The file's rows one by one: it has 300 MB."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            names = [name.strip() for name in next(reader, [])]
            if any(name not in names for name in _COLUMNS):
                raise ManifestError(
                    f"{path}, line 1: the header is {','.join(names)!r}; it must have {', '.join(_COLUMNS)}"
                )
            for cells in reader:
                if cells:
                    yield _row(f"{path}, line {reader.line_num}", names, cells)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from error
    except csv.Error as error:
        raise ManifestError(f"{path} cannot be read as CSV: {error}") from error


def _row(where: str, names: list[str], cells: list[str]) -> _Row:
    if len(cells) != len(names):
        raise ManifestError(f"{where}: {len(cells)} cells; every line must have {len(names)}")
    found = dict(zip(names, (cell.strip() for cell in cells), strict=True))
    emotion, usage = found["emotion"], found["Usage"]
    if emotion not in map(str, range(len(EXPRESSIONS))):
        raise ManifestError(f"{where}: emotion is {emotion!r}; it must be 0 to {len(EXPRESSIONS) - 1}")
    if usage not in SPLITS:
        raise ManifestError(f"{where}: Usage is {usage!r}; it must be one of {', '.join(SPLITS)}")
    return _Row(where, EXPRESSIONS[int(emotion)], usage, found["pixels"])


def _picture(row: _Row) -> NDArray[np.uint8]:
    """(48, 48) grey."""
    try:
        values = np.array(list(map(int, row.pixels.split())), np.int64)  # faster than from texts
    except (ValueError, OverflowError):
        raise ManifestError(f"{row.where}: pixels are not all numbers; they must be 0 to 255") from None
    if len(values) != SIDE_PX**2 or not ((values >= 0) & (values <= 255)).all():
        raise ManifestError(
            f"{row.where}: {len(values)} pixels from {min(values, default=0)} to {max(values, default=0)}; "
            f"there must be {SIDE_PX**2} from 0 to 255"
        )
    return values.astype(np.uint8).reshape(SIDE_PX, SIDE_PX)
