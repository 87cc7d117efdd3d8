"""Whether the faces nearest to a face, among those of other identities, show the same AUs.

A query is a face with at least one AU present. Relevant to it are the faces of other identities that show exactly its
AUs, no fewer and no more. Faces with a missing label are left out altogether.

``recall[k]`` is the share of queries with a relevant face among their k nearest, over those queries that have any
relevant face. ``jaccard`` is the mean, over all queries, of |A and B| / |A or B| between the AUs of the query and those
of its nearest face. Beside each stands what a random order of the other identities' faces gives in expectation. A query
whose embedding is the mean of all finds no face: a miss, and a Jaccard of 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.model.probing.linear import Features, Labels
from tcae.model.probing.neighbours import BLOCK_SCORES, Rows, nearest


@dataclass(frozen=True, kw_only=True)
class RetrievalConfig:
    """How much is looked for."""

    ks: tuple[int, ...] = (1, 5, 10)
    """Recall is told at each."""
    num_queries: int = 5000
    """At most; drawn among those that there are."""
    seed: int = 0
    """Of the queries that are drawn."""

    def __post_init__(self) -> None:
        if not self.ks or min(self.ks) < 1:
            raise ConfigError(f"recall needs numbers of faces of at least 1, not {self.ks}")
        if self.num_queries < 1:
            raise ConfigError(f"at least 1 query is needed, not {self.num_queries}")


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """What was found; NaN where no query can tell."""

    recall: dict[int, float]
    """By k; in 0 to 1."""
    recall_chance: dict[int, float]
    jaccard: float
    """In 0 to 1."""
    jaccard_chance: float
    num_queries: int
    num_matchless: int
    """Queries without any relevant face, which recall leaves out."""
    num_incomplete: int
    """Faces that were left out, because a label is missing."""


def retrieval_of(embeddings: Features, labels: Labels, identities: Sequence[str], config: RetrievalConfig) -> Retrieval:
    """Look for faces of the same AUs across identities.

    Args:
        embeddings: (N, D).
        labels: (N, A).
        identities: (N,) of each face.
        config: How much to look for.

    Raises:
        ConfigError: there is no query, or all faces are of one identity.
    """
    complete = np.flatnonzero((labels >= 0).all(1))
    present = labels[complete] == 1  # (n, A)
    person = np.unique(np.asarray(identities)[complete], return_inverse=True)[1]
    queries = np.flatnonzero(present.any(1))
    if not len(queries) or not person.any():
        raise ConfigError(
            f"retrieval needs faces of two identities and one with an AU; of {len(complete):,} faces without a missing "
            f"label {len(queries):,} have one"
        )
    if len(queries) > config.num_queries:
        drawn = np.random.default_rng(config.seed).choice(queries, config.num_queries, replace=False)
        queries = np.sort(drawn)
    features = embeddings[complete]
    _, rows = nearest(features[queries], features, max(config.ks), (person[queries], person))
    faces = _Faces.of(present, person)
    relevant, others = faces.relevant(queries), len(person) - np.bincount(person)[person[queries]]
    hits = (faces.shown[rows] == faces.shown[queries][:, None]) & (rows >= 0)  # (Q, k)
    nearest_set, found = present[rows[:, 0]] & (rows[:, :1] >= 0), present[queries]
    return Retrieval(
        recall={k: _mean(hits[:, :k].any(1)[relevant > 0]) for k in config.ks},
        recall_chance={k: _mean(_chance(relevant, others, k)[relevant > 0]) for k in config.ks},
        jaccard=_mean((nearest_set & found).sum(1) / (nearest_set | found).sum(1)),
        jaccard_chance=_mean(faces.sum_of_jaccards(queries) / others),
        num_queries=len(queries),
        num_matchless=int((relevant == 0).sum()),
        num_incomplete=len(labels) - len(complete),
    )


class _Faces(NamedTuple):
    """Faces by the set of AUs that they show; there are far fewer sets than faces."""

    sets: NDArray[np.bool_]
    """(S, A) the different sets."""
    shown: Rows
    """(N,) each face's set."""
    person: Rows
    """(N,) each face's identity."""

    @classmethod
    def of(cls, present: NDArray[np.bool_], person: Rows) -> "_Faces":
        sets, shown = np.unique(present, axis=0, return_inverse=True)
        return cls(sets, shown.reshape(-1), person)

    def relevant(self, queries: Rows) -> Rows:
        """(Q,) faces of other identities that show the query's set."""
        keys = self.person * len(self.sets) + self.shown
        _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
        own: Rows = counts[place[queries]]
        return np.bincount(self.shown)[self.shown[queries]] - own

    def sum_of_jaccards(self, queries: Rows) -> NDArray[np.float64]:
        """(Q,) summed over all faces of other identities."""
        asked, which = np.unique(self.shown[queries], return_inverse=True)
        sums = _jaccards(self.sets[asked], self.sets, np.bincount(self.shown))[which]
        order = np.argsort(self.person, kind="stable")
        start = np.append(0, np.cumsum(np.bincount(self.person)))
        for person in np.unique(self.person[queries]):
            mine = self.person[queries] == person
            own, counts = np.unique(self.shown[order[start[person] : start[person + 1]]], return_counts=True)
            sums[mine] -= _jaccards(self.sets[self.shown[queries[mine]]], self.sets[own], counts)
        return sums


def _jaccards(one: NDArray[np.bool_], others: NDArray[np.bool_], counts: Rows) -> NDArray[np.float64]:
    """(Q,) Sums of each set's Jaccard indices, (Q, A) and none empty, with sets (S, A) that count several times."""
    sums = np.empty(len(one))
    step = max(1, BLOCK_SCORES // len(others))
    for start in range(0, len(one), step):
        some = one[start : start + step].astype(np.float32)
        shared = some @ others.T.astype(np.float32)
        sums[start : start + step] = (shared / (some.sum(1)[:, None] + others.sum(1) - shared)) @ counts
    return sums


def _chance(relevant: Rows, others: Rows, k: int) -> NDArray[np.float64]:
    """That k of the others, drawn at random, have a relevant one among them: one minus a hypergeometric's mass at 0."""
    missed = np.ones(len(others))
    for drawn in range(k):
        missed *= np.maximum(others - relevant - drawn, 0) / np.maximum(others - drawn, 1)
    return 1 - missed


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else math.nan
