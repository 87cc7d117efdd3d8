"""Find the faces whose embeddings are nearest to one face's.

Similarity is the cosine of the angle between two embeddings after the mean of all stored embeddings was taken off each:
embeddings share a large common part, which would make every plain cosine nearly 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import FaceRef
from tcae.model.encoders.embeddings import Vectors, column_of, names_of, read_batches, vectors_of

NAMES = ("identity", "video", "clip", "frame")


@dataclass(frozen=True, kw_only=True)
class RetrieveConfig:
    """Which faces are looked for."""

    embedding: str = ""
    """What should be alike: a name of the encoder's; its first where none is given."""
    top: int = 10
    """So many faces are found."""
    other_identities: bool = False
    """Whether every face of another identity ranks before the faces of the query's own."""

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ConfigError(f"--top must be at least 1, not {self.top}")


class Found(NamedTuple):
    """A face and how near it is."""

    similarity: float
    """Cosine of the centred embeddings, in -1 to 1."""
    face: FaceRef


def retrieve(
    parts: Sequence[Path], query: NDArray[np.float32], config: RetrieveConfig, itself: FaceRef | None = None
) -> list[Found]:
    """Look through embeddings twice, for their mean and for the nearest; memory does not grow with their number.

    Args:
        parts: What ``parts_of`` gave.
        query: (D,) embedding of the face to compare with.
        config: What to look for.
        itself: The query's own name among the embeddings, if it has one; it is not found.

    Returns:
        The nearest first; fewer than ``top`` where there are fewer faces.

    Raises:
        ConfigError: the query's width differs, its embedding is the mean itself, or ``other_identities`` is asked for
            a query whose identity is not known.
        ManifestError: a part is damaged, or lacks the embedding.
    """
    if config.other_identities and itself is None:
        raise ConfigError("--other-identities needs a query from the workspace: this face's identity is not known")
    embedding = config.embedding or names_of(parts[0])[0]
    mean, column = mean_of(parts, embedding), column_of(embedding)
    if query.shape != mean.shape:
        raise ConfigError(f"the query's embedding has {query.shape} components and the stored ones {mean.shape}")
    direction = query - mean
    length = float(np.linalg.norm(direction))
    if not length > 0:
        raise ConfigError("the query's embedding is the mean of all embeddings, so that no face is nearer than another")
    others, own = _Nearest(config.top), _Nearest(config.top)
    for path in parts:
        for rows in read_batches(path, (*NAMES, column)):
            similarity = _similarity(directions(vectors_of(rows.column(column)), mean), direction / length)
            is_own = _is_own(rows, itself, config)
            others.add(rows, np.where(is_own, np.nan, similarity), itself)
            own.add(rows, np.where(is_own, similarity, np.nan), itself)
    return [*others.found, *own.found][: config.top]


def mean_of(parts: Sequence[Path], embedding: str) -> NDArray[np.float32]:
    """The mean of all stored embeddings of a name, (D,), summed in float64.

    Raises:
        ConfigError: there are none.
    """
    total: NDArray[np.float64] | None = None
    number = 0
    for path in parts:
        for rows in read_batches(path, [column_of(embedding)]):
            vectors = vectors_of(rows.column(column_of(embedding)))
            total = vectors.sum(0, dtype=np.float64) + (0 if total is None else total)
            number += len(vectors)
    if total is None or not number:
        raise ConfigError("there is no face among the embeddings; run tcae embed again")
    return (total / number).astype(np.float32)


def directions(vectors: Vectors, mean: NDArray[np.float32]) -> Vectors:
    """Embeddings (N, D) as seen from their mean (D,), each of length 1; NaN for one at the mean, which has none."""
    centred = vectors - mean
    lengths = np.sqrt(np.einsum("nd,nd->n", centred, centred))
    with np.errstate(invalid="ignore"):
        centred /= lengths[:, None]
    return centred


def _similarity(rows: Vectors, direction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of each direction (N, D) with one (D,); NaN for a row without direction."""
    cosine: NDArray[np.float32] = np.clip(rows @ direction, -1, 1)
    return cosine


def _is_own(rows: Any, itself: FaceRef | None, config: RetrieveConfig) -> NDArray[np.bool_]:
    """Which rows rank after all others: those of the query's identity, if others are wanted first."""
    if itself is None or not config.other_identities:
        return np.zeros(rows.num_rows, bool)
    return np.asarray(pc.equal(rows.column("identity"), itself.identity).to_numpy(), bool)


class _Nearest:
    """The nearest of all faces added so far."""

    def __init__(self, top: int) -> None:
        self.top = top
        self.found: list[Found] = []

    def add(self, rows: Any, similarity: NDArray[np.float32], itself: FaceRef | None) -> None:
        """Take rows with their similarities; NaN is no face to be found."""
        near = np.flatnonzero(~np.isnan(similarity))
        most = self.top + 1  # the query itself may be among them
        if len(near) > most:
            near = near[np.argpartition(-similarity[near], most - 1)[:most]]
        names = rows.select(NAMES).take(near).to_pylist()
        some = [Found(float(similarity[row]), FaceRef(**name)) for row, name in zip(near, names, strict=True)]
        found = [*self.found, *(each for each in some if each.face != itself)]
        self.found = sorted(found, key=lambda each: (-each.similarity, each.face))[: self.top]
