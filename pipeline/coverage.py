"""Which labelled frames of a workspace have a face, and why the others have none."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tcae.manifests.labels import KEYS
from tcae.manifests.rows import Face, Frame
from tcae.manifests.tables import read_parts
from tcae.manifests.workspace import Workspace

NO_FRAME = "no_frame"
"""The clip is not there, or it was not extracted at this frame."""

NOT_ALIGNED = "not_aligned"
"""The frame is there, and was not looked at for a face."""

_CLIP = list(KEYS[:3])
_FACE = ""
"""Comes before every reason in order."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """N labelled frames, each counted once."""

    num_labelled: int
    num_with_frame: int
    num_with_face: int
    reasons: dict[str, int]
    """Why the others have no face, the commonest first, then by name: ``no_frame``, ``not_aligned``, or a rejection's
    reason."""


def cover(workspace: Workspace, labels: pa.Table) -> Coverage | None:
    """Count; None for a workspace without frames.

    Args:
        workspace: Its ``frames`` and ``faces`` are read.
        labels: With the columns ``KEYS``.

    Raises:
        ManifestError: a table is damaged.
    """
    frames = read_parts(workspace.manifest("frames"), Frame, [*KEYS, "reason"])
    if not len(frames):
        return None
    faces = read_parts(workspace.manifest("faces"), Face, [*KEYS, "reason"])
    table = labels.select(list(KEYS))
    table = table.join(_outcomes(_with_frame(faces), list(KEYS), "of_face"), list(KEYS))
    table = table.join(_outcomes(_with_frame(frames), list(KEYS), "of_frame"), list(KEYS))
    table = table.join(_outcomes(frames.filter(pc.is_null(frames["source_frame"])), _CLIP, "of_clip"), _CLIP)
    waiting = pc.if_else(pc.is_valid(table["of_frame"]), pa.scalar(NOT_ALIGNED), pa.scalar(None, pa.string()))
    outcome = pc.coalesce(table["of_face"], waiting, table["of_clip"], pa.scalar(NO_FRAME))
    counts = Counter(outcome.to_pylist())
    num_with_face = counts.pop(_FACE, 0)
    return Coverage(
        num_labelled=len(labels),
        num_with_frame=len(table) - table["of_frame"].null_count,
        num_with_face=num_with_face,
        reasons=dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))),
    )


def _with_frame(table: pa.Table) -> pa.Table:
    return table.filter(pc.is_valid(table["source_frame"]))


def _outcomes(table: pa.Table, keys: list[str], name: str) -> pa.Table:
    """One row for each key: a face where any of its rows has one, else a reason."""
    table = table.select(keys).append_column(name, pc.coalesce(table["reason"], pa.scalar(_FACE)))
    return table.group_by(keys).aggregate([(name, "min")]).rename_columns([*keys, name])
