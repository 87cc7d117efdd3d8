"""The table of labels: what annotators said of a frame, one file for each labelled set of a workspace.

``labels/<dataset>.parquet`` has one row for each labelled frame: the columns ``KEYS``, and of the following those that
the set has (a reader may add others):

    AU01 ... AU45           float64, the annotator's own number: 0 or 1, an intensity 0-5, or 0-1; null is missing
    yaw_degrees, pitch_degrees, roll_degrees    float64; positive turns the face to the picture's right, up, clockwise
    expression              string, e.g. ``happiness``
    official_split          string, ``train``, ``val`` or ``test`` where the set itself assigns the frame

Convention:
    source_frame: counts from 0 in decoding order; each reader says from where its set's own numbers count.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.tables import open_table, write_table
from tcae.manifests.workspace import Workspace

KEYS = ("identity", "video", "clip", "source_frame")
"""What names a labelled frame."""

ANGLES = ("yaw_degrees", "pitch_degrees", "roll_degrees")

KEY_SCHEMA = pa.schema(
    [("identity", pa.string()), ("video", pa.string()), ("clip", pa.int64()), ("source_frame", pa.int64())]
)

_AU = re.compile(r"AU\d\d")


def au_name(number: int) -> str:
    """The column of an action unit.

    >>> au_name(1)
    'AU01'
    """
    return f"AU{number:02d}"


def au_columns(table: pa.Table) -> tuple[str, ...]:
    """The action units that a table has, in order."""
    return tuple(sorted(name for name in table.column_names if _AU.fullmatch(name)))


def labels_path(workspace: Workspace, dataset: str) -> Path:
    """Where the labels of a set lie."""
    return workspace.root / "labels" / f"{dataset}.parquet"


def labelled_sets(workspace: Workspace) -> list[str]:
    """The sets that a workspace has labels of."""
    return sorted(path.stem for path in (workspace.root / "labels").glob("*.parquet"))


def write_labels(workspace: Workspace, dataset: str, labels: pa.Table, provenance: Mapping[str, str]) -> Path:
    """Write the labels of a set; those that were there are replaced.

    Raises:
        ManifestError: a key is missing, mistyped or null, or a frame has two rows.
        WorkspaceError: the disk is full, or the folder cannot be written.
    """
    path = labels_path(workspace, dataset)
    _check(labels, dataset)
    write_table(labels.sort_by([(name, "ascending") for name in KEYS]), path, provenance)
    return path


def read_labels(workspace: Workspace, dataset: str) -> pa.Table:
    """The labels of a set.

    Raises:
        ConfigError: the workspace has none of that set.
        ManifestError: the table is damaged, or lacks a key.
    """
    path = labels_path(workspace, dataset)
    if not path.is_file():
        there = ", ".join(labelled_sets(workspace)) or "none"
        raise ConfigError(
            f"{workspace.root} has no labels of {dataset} (labels there: {there}); "
            f"run tcae-prep labels --layout {dataset} DIR"
        )
    with open_table(path) as source:
        labels = source.read()
        labels.validate(full=True)
    _check(labels, str(path))
    return labels


def _check(labels: pa.Table, what: str) -> None:
    for field in KEY_SCHEMA:
        if field.name not in labels.column_names or labels.schema.field(field.name).type != field.type:
            raise ManifestError(f"the labels of {what} lack or mistype the column {field.name} ({field.type})")
        if labels.column(field.name).null_count:
            raise ManifestError(f"the labels of {what} have rows without {field.name}")
    distinct = labels.select(list(KEYS)).group_by(list(KEYS)).aggregate([])
    if len(distinct) < len(labels):
        raise ManifestError(f"the labels of {what} have {len(labels) - len(distinct)} frames twice")
