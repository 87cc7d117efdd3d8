"""Whether two faces are of one identity, told by the similarity of their embeddings.

An embedding of facial actions should not know: the area under the ROC curve is 0.5 where it does not, 1 where it tells
all pairs apart.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tcae.manifests.errors import ConfigError
from tcae.model.encoders.retrieve import directions
from tcae.model.probing.linear import Features
from tcae.model.probing.neighbours import Rows


class FacePairs(NamedTuple):
    """Pairs of faces, by row."""

    first: Rows
    """(P,)."""
    second: Rows
    """(P,)."""
    same: NDArray[np.bool_]
    """(P,) whether both faces are of one identity."""


def draw_pairs(
    identities: Sequence[str], videos: Sequence[str] | None = None, *, num_pairs: int = 20_000, seed: int = 0
) -> FacePairs:
    """Draw pairs independently, so that one may come twice; the first half is of one identity, the second of two.

    Identities are drawn alike, however many faces they have, and then a face of each. Where ``videos`` are given the
    two faces of one identity are of different videos of it, since neighbouring frames are alike whoever they show.

    Args:
        identities: (N,) of each face.
        videos: (N,) of each face; names count within an identity.
        num_pairs: P; even.
        seed: Another seed is other pairs.

    Raises:
        ConfigError: the number is odd or below 2, no identity has two faces (of two videos), or there is only one.
    """
    if num_pairs < 2 or num_pairs % 2:
        raise ConfigError(f"the number of pairs must be even and at least 2, not {num_pairs}")
    faces = _Faces.of(identities, videos)
    num_takes = np.diff(faces.identity_start)
    twice = np.flatnonzero(num_takes > 1)
    if len(num_takes) < 2 or not len(twice):
        what = "two faces" if videos is None else "faces in two videos"
        raise ConfigError(f"pairs need two identities, and one with {what}; there are {len(num_takes)}, {len(twice)}")
    generator = np.random.default_rng(seed)
    half = num_pairs // 2
    person = twice[generator.integers(len(twice), size=half)]
    same = faces.identity_start[person] + _two_of(num_takes[person], generator)  # (2, P / 2) takes
    different = _two_of(np.full(half, len(num_takes)), generator)  # (2, P / 2) identities
    one, other = np.concatenate(
        [
            generator.integers(faces.take_start[same], faces.take_start[same + 1]),
            generator.integers(faces.face_start[different], faces.face_start[different + 1]),
        ],
        1,
    )
    return FacePairs(faces.row[one], faces.row[other], np.arange(num_pairs) < half)


def pair_similarities(embeddings: Features, pairs: FacePairs) -> Features:
    """(P,) cosines from the mean of embeddings (N, D); 0 for an embedding at the mean."""
    mean = embeddings.mean(0, dtype=np.float64).astype(np.float32)
    seen = np.nan_to_num(directions(embeddings, mean))
    similarities: Features = np.einsum("pd,pd->p", seen[pairs.first], seen[pairs.second])
    return similarities


def verification_auc(embeddings: Features, pairs: FacePairs) -> float:
    """The chance that a pair of one identity is more alike than a pair of two; half of it where they are equally so.

    Args:
        embeddings: (N, D); similarity is that of ``pair_similarities``.
        pairs: Such as ``draw_pairs`` gives.

    Raises:
        ConfigError: all pairs are of one kind.
    """
    if len(set(pairs.same.tolist())) < 2:
        raise ConfigError("pairs of one identity and pairs of two are both needed")
    return float(roc_auc_score(pairs.same, pair_similarities(embeddings, pairs)))


class _Faces(NamedTuple):
    """Identities -> takes -> faces, where a take is what the two faces of a pair may not share."""

    row: Rows
    """(N,) rows in order of identity and take."""
    take_start: Rows
    """Take -> faces."""
    identity_start: Rows
    """Identity -> takes."""

    @classmethod
    def of(cls, identities: Sequence[str], videos: Sequence[str] | None) -> "_Faces":
        """Each face is a take where there are no videos."""
        person = np.unique(np.asarray(identities), return_inverse=True)[1]
        part = np.arange(len(person)) if videos is None else np.unique(np.asarray(videos), return_inverse=True)[1]
        keys, take = np.unique(person * (len(person) + 1) + part, return_inverse=True)
        owners = keys // (len(person) + 1)
        return cls(
            row=np.argsort(take, kind="stable"),
            take_start=np.append(0, np.cumsum(np.bincount(take))),
            identity_start=np.append(0, np.cumsum(np.bincount(owners))),
        )

    @property
    def face_start(self) -> Rows:
        """Identity -> faces."""
        return self.take_start[self.identity_start]


def _two_of(number: Rows, generator: np.random.Generator) -> Rows:
    """Two different numbers, (2, P), below each (P,)."""
    first, second = generator.integers(number), generator.integers(number - 1)
    return np.stack([first, second + (second >= first)])
