"""From the rows of a file to the rows of the table of labels."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tcae.manifests.errors import ManifestError
from tcae.manifests.folds import read_folds
from tcae.manifests.labels import KEY_SCHEMA, au_columns
from tcae.pipeline.datasets.keys import PICTURE
from tcae.pipeline.datasets.reading import LabelOptions
from tcae.pipeline.datasets.sheets import Sheet

_MOST = 2.0**53
"""Above it a float64 does not tell one whole number from the next."""


class FrameBase(NamedTuple):
    """The number of a set's first frame."""

    number: int
    is_assumed: bool
    """Whether nobody said so for these files."""

    @classmethod
    def of(cls, options: LabelOptions, assumed: int) -> "FrameBase":
        """What the user says, else what the set's reader assumes."""
        return cls(assumed, True) if options.frame_base is None else cls(options.frame_base, False)

    def note(self) -> str:
        """What the user is told."""
        how = "taken to" if self.is_assumed else "said to"
        return f"frame numbers are {how} count from {self.number}"


def check_values(sheet: Sheet, names: Sequence[str], allowed: Sequence[float]) -> None:
    """Refuse a number that the set does not have; empty cells pass.

    Raises:
        ManifestError: it names file, line, column and value.
    """
    if not names or not sheet.num_rows:
        return
    values = np.stack([sheet.numbers[name] for name in names], axis=1)  # (R, A)
    bad = ~(np.isin(values, allowed) | np.isnan(values))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        shown = ", ".join(f"{value:g}" for value in allowed)
        raise ManifestError(
            f"{sheet.where(row)}: {names[column]} is {values[row, column]:g}; it must be one of {shown}"
        )


def source_frames(sheet: Sheet, name: str, base: FrameBase) -> NDArray[np.int64]:
    """A column of frame numbers as source_frame, which counts from 0.

    Raises:
        ManifestError: a number is missing, not whole, below the base, or there twice; it names file and line.
    """
    numbers = sheet.numbers[name]
    for wrong, complaint in (
        (np.isnan(numbers), "every line must name its frame"),
        (_are_no_counts(numbers), "it must be a whole number, 0 or above"),
        (numbers < base.number, f"numbers are taken to count from {base.number}; if from 0, say --frame-base 0"),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ManifestError(f"{sheet.where(row)}: {name} is {numbers[row]:g}; {complaint}")
    frames = numbers.astype(np.int64)
    _refuse_twice(sheet, frames)
    return frames - base.number


def _are_no_counts(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    wrong: NDArray[np.bool_] = (numbers < 0) | (numbers != np.floor(numbers)) | (numbers > _MOST)
    return wrong


def _refuse_twice(sheet: Sheet, frames: NDArray[np.int64]) -> None:
    order = np.argsort(frames, kind="stable")
    again = np.flatnonzero(np.diff(frames[order]) == 0)
    if len(again):
        first, second = order[again[0]], order[again[0] + 1]
        raise ManifestError(
            f"{sheet.where(second)}: the frame {frames[second]} is there twice, first at {sheet.where(first)}"
        )


def clip_labels(
    key: tuple[str, str, int], frames: NDArray[np.int64], columns: Mapping[str, NDArray[np.float64]]
) -> pa.Table:
    """The rows of one clip.

    Args:
        key: identity, video and clip.
        frames: (R,) source_frame.
        columns: (R,) each; NaN becomes null.
    """
    identity, video, clip = key
    keys = [pa.repeat(identity, len(frames)), pa.repeat(video, len(frames)), pa.repeat(pa.scalar(clip), len(frames))]
    table = pa.Table.from_arrays([*keys, pa.array(frames)], schema=KEY_SCHEMA)
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return table


def picture_labels(identities: Sequence[str], columns: Mapping[str, NDArray[np.float64]]) -> pa.Table:
    """The rows of pictures that each are a clip and a person of their own.

    Args:
        identities: R names by ``keys.picture_identity``.
        columns: (R,) each; NaN becomes null.
    """
    zeros = np.zeros(len(identities), np.int64)
    table = clip_labels(("", PICTURE, 0), zeros, columns)
    return table.set_column(0, "identity", pa.array(identities, pa.string()))


def gather(tables: Sequence[pa.Table]) -> pa.Table:
    """All clips as one table: a column that a clip lacks is null there; an AU without any number is left out."""
    table = pa.concat_tables([KEY_SCHEMA.empty_table(), *tables], promote_options="default").combine_chunks()
    aus = set(au_columns(table))
    others = [name for name in table.column_names if name not in aus]
    return table.select(others[:4] + [au for au in sorted(aus) if _has_values(table, au)] + others[4:])


def _has_values(table: pa.Table, name: str) -> bool:
    return bool(table.column(name).null_count < len(table))


def missing_note(table: pa.Table) -> list[str]:
    """How many numbers of each AU are missing, in one sentence; nothing where none is."""
    counts = {au: table.column(au).null_count for au in au_columns(table)}
    missing = [f"{au} {count:,}" for au, count in counts.items() if count]
    return [f"missing labels among {len(table):,} frames: {', '.join(missing)}"] if missing else []


def without_labels_note(table: pa.Table, folds: str) -> list[str]:
    """Which people of a published list have no label, in one sentence; nothing where all have some."""
    have = set(table.column("identity").unique().to_pylist())
    lack = sorted(set(read_folds(folds)) - have)
    shown = ", ".join(lack[:5]) + (", ..." if len(lack) > 5 else "")
    return [f"people of the list without labels: {len(lack)} of {len(read_folds(folds))}, {shown}"] if lack else []
