"""Labels of the faces that a supervised method learns from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from tcae.manifests.errors import ConfigError
from tcae.manifests.labels import KEYS, au_columns, labels_path, read_labels
from tcae.manifests.pairs import FaceRef, PairIndex
from tcae.manifests.rows import Face
from tcae.manifests.splits import seeded_hash
from tcae.manifests.tables import read_parts
from tcae.manifests.workspace import Workspace
from tcae.model.data.cache import faces_of
from tcae.model.recipe import LabelsConfig

Known = tuple[float, ...]
"""Of each AU: 1 where it is there, 0 where not, NaN where nobody knows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceLabels:
    """Labels of the faces of a split, those of a face that nobody labelled left out."""

    config: LabelsConfig
    seed: int
    """Of the noise."""
    known: Mapping[FaceRef, Known]
    """Of each labelled face, without noise; those of an identity stand together."""

    @cached_property
    def by_identity(self) -> list[list[FaceRef]]:
        """The labelled faces of each identity that has some."""
        return [list(faces) for _, faces in groupby(self.known, key=lambda face: face.identity)]

    def draw(self, number: int, rng: np.random.Generator) -> FaceRef:
        """One of the faces ``by_identity[number]``, each as likely as any other."""
        faces = self.by_identity[number]
        return faces[int(rng.integers(len(faces)))]

    def of(self, face: FaceRef) -> Known:
        """The labels of a face, some of them turned into their opposite.

        Which ones depends on the seed, the face and the AU and on nothing else, so a wrong label stays wrong.
        """
        labels = zip(self.config.aus, self.known[face], strict=True)
        return tuple(1 - label if self._is_wrong(face, au) else label for au, label in labels)

    def _is_wrong(self, face: FaceRef, au: str) -> bool:
        return seeded_hash(self.seed, "/".join(map(str, (*face, au)))) < self.config.noise * 2**64


def face_labels(workspace: Workspace, index: PairIndex, config: LabelsConfig, seed: int) -> FaceLabels | None:
    """The labels of the faces of an index; None where none are asked for.

    Raises:
        ConfigError: there is no such table, it lacks an AU, or none of its frames is among the faces.
        ManifestError: a table is damaged.
    """
    if not config.table:
        return None
    labels = read_labels(workspace, config.table)
    config = replace(config, aus=config.aus or au_columns(labels))
    if missing := [au for au in config.aus if au not in labels.column_names]:
        raise ConfigError(
            f"{labels_path(workspace, config.table)} lacks {', '.join(missing)}, which labels.aus asks for; it has "
            f"{', '.join(au_columns(labels)) or 'no AU'}"
        )
    rows = labels.select([*KEYS, *config.aus]).to_pandas().merge(faces_by_source_frame(workspace), on=list(KEYS))
    values = presence_of(rows[list(config.aus)], config.present_above)
    found = dict(zip(_refs(rows), values, strict=True))
    known = {face: found[face] for face in faces_of(index) if face in found and not np.isnan(found[face]).all()}
    if not known:
        raise ConfigError(
            f"none of the {len(labels):,} labelled frames of {config.table} is one of the {index.num_faces:,} faces to "
            "learn from; see tcae-prep labels"
        )
    return FaceLabels(config=config, seed=seed, known=known)


def labels_provenance(workspace: Workspace, config: LabelsConfig) -> dict[str, str]:
    """``labels``, which tells one table of labels from another; nothing where none is learned from.

    Raises:
        ConfigError: there is no such table.
        ManifestError: it is damaged.
    """
    if not config.table:
        return {}
    read_labels(workspace, config.table)
    with labels_path(workspace, config.table).open("rb") as file:
        return {"labels": hashlib.file_digest(file, hashlib.sha256).hexdigest()[:16]}


def faces_by_source_frame(workspace: Workspace) -> pd.DataFrame:
    """Every face with a file, by ``KEYS``, which name labelled frames: its ``frame`` and its ``file``.

    Raises:
        ConfigError: there is none.
        ManifestError: a part is damaged.
    """
    faces = read_parts(workspace.manifest("faces"), Face, [*KEYS, "frame", "file"])
    faces = faces.filter(pc.and_(pc.is_valid(faces.column("file")), pc.is_valid(faces.column("source_frame"))))
    if not faces.num_rows:
        raise ConfigError(f"there are no faces in {workspace.root}; run tcae-prep align first")
    table: pd.DataFrame = faces.to_pandas()
    return table


def presence_of(values: pd.DataFrame, above: float) -> Sequence[Known]:
    """1 where an annotator's number is greater than ``above``, 0 where not, NaN where it is missing."""
    numbers = values.to_numpy(np.float64)
    return [tuple(row) for row in np.where(np.isnan(numbers), np.nan, numbers > above).tolist()]


def _refs(rows: pd.DataFrame) -> list[FaceRef]:
    names = (rows[name].tolist() for name in ("identity", "video", "clip", "frame"))
    return [FaceRef(*face) for face in zip(*names, strict=True)]
