"""Labels and faces meet: one row for each labelled frame that has a face."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.labels import ANGLES, KEYS, au_columns, read_labels
from tcae.manifests.workspace import Workspace
from tcae.model.data.labels import faces_by_source_frame
from tcae.model.probing.protocols import Protocol, columns_of

Presence: TypeAlias = NDArray[np.int8]
"""(N, A): 1 present, 0 absent, -1 missing."""

FACE_KEYS = ("identity", "video", "clip", "frame")
"""What names a face, and its embedding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledFaces:
    """The N faces of a protocol, sorted by key, and what is known of each."""

    rows: pd.DataFrame
    """N rows: ``KEYS``, ``frame``, ``file``, and what there is of ``official_split``, ``expression`` and the angles."""
    aus: tuple[str, ...]
    """The A action units."""
    presence: Presence
    num_labelled_frames: int
    """Of the identities that the protocol is about."""

    @property
    def num_without_face(self) -> int:
        """Labelled frames that have none."""
        return self.num_labelled_frames - len(self.rows)

    @property
    def identities(self) -> NDArray[np.int64]:
        """(N,) a number for each person, from 0."""
        return pd.factorize(self.rows["identity"])[0].astype(np.int64)

    @property
    def angles(self) -> NDArray[np.float32] | None:
        """(N, 3) yaw, pitch and roll in degrees, NaN where missing; None where the labels have no angles."""
        return self.rows[list(ANGLES)].to_numpy(np.float32) if set(ANGLES) <= set(self.rows.columns) else None

    def those(self, chosen: NDArray[np.bool_]) -> "LabelledFaces":
        """Some of the faces, by a mask (N,)."""
        return replace(self, rows=self.rows[chosen].reset_index(drop=True), presence=self.presence[chosen])

    def files(self, workspace: Workspace) -> list[Path]:
        """The pictures of the faces."""
        return [workspace.root / name for name in self.rows["file"]]


def labelled_faces(workspace: Workspace, protocol: Protocol) -> LabelledFaces:
    """Join the labels of a protocol with the workspace's faces.

    Raises:
        ConfigError: there are no labels or no faces, none of them meet, or what the protocol scores is missing.
        ManifestError: a table is damaged.
    """
    labels = [read_labels(workspace, table) for table in protocol.label_tables]
    aus = columns_of(protocol, au_columns(labels[-1])) if protocol.task == "aus" else ()
    wanted = pd.concat([_wanted(table, aus, protocol) for table in labels], ignore_index=True)
    faces = faces_by_source_frame(workspace)
    rows = wanted.merge(faces, on=list(KEYS), how="inner", validate="one_to_one").sort_values(list(KEYS))
    if not len(rows):
        raise ConfigError(
            f"none of the {len(wanted):,} labelled frames of {protocol.title} is among the {len(faces):,} faces of "
            f"{workspace.root}: {_example(wanted)} is labelled, {_example(faces)} is a face"
        )
    rows = rows.reset_index(drop=True)
    presence = presence_of(rows[list(aus)].to_numpy(np.float64), protocol.present_above)
    return LabelledFaces(rows=rows.drop(columns=list(aus)), aus=aus, presence=presence, num_labelled_frames=len(wanted))


def presence_of(values: NDArray[np.float64], above: float) -> Presence:
    """1 where an annotator's number (N, A) is greater than ``above``, 0 where not, -1 where it is missing (NaN)."""
    return np.where(np.isnan(values), -1, values > above).astype(np.int8)


def _wanted(labels: Any, aus: Sequence[str], protocol: Protocol) -> pd.DataFrame:
    """The columns that a probe needs, those that a set does not have left out; classes are called ``expression``."""
    known = [name for name in ("official_split", protocol.classes, *ANGLES) if name in labels.column_names]
    table: pd.DataFrame = labels.select([*KEYS, *aus, *known]).to_pandas()
    if protocol.task != "classes":
        return table
    if protocol.classes not in known:
        raise ConfigError(f"the labels of {protocol.title} have no column {protocol.classes}, which says the class")
    return table.rename(columns={protocol.classes: "expression"}).dropna(subset=["expression"])


def _example(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return f"{first['identity']}/{first['video']}/{first['clip']}, frame {first['source_frame']}"
