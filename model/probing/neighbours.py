"""The nearest of many embeddings, and AUs told by the labels of the nearest.

Similarity is that of ``tcae retrieve``: the cosine between two embeddings after the gallery's mean was taken off each.
"""

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.model.encoders.retrieve import directions
from tcae.model.probing.linear import Features, Labels

Rows: TypeAlias = NDArray[np.int64]
"""Numbers of rows, or a number for each row."""

BLOCK_SCORES = 2**24
"""Similarities that are in memory at once: 64 MB, which is 167 queries against 100,000 rows."""


def nearest(
    queries: Features, gallery: Features, k: int, exclude: tuple[Rows, Rows] | None = None
) -> tuple[Features, Rows]:
    """The ``k`` nearest rows of a gallery for each query.

    Args:
        queries: (M, D).
        gallery: (N, D); its mean is the origin for both.
        k: So many are found.
        exclude: Groups of the queries (M,) and of the gallery (N,); a row of a query's own group is not found.

    Returns:
        Similarities in -1 to 1 and row numbers, both (M, k), the nearest first; of equals any. Where fewer can be
        found the rest is NaN and -1. A row at the mean has no direction: it is not found, and as a query it finds none.

    Raises:
        ConfigError: ``k`` is below 1, the gallery is empty, or shapes do not fit.
    """
    _check(queries, gallery, k, exclude)
    mean = gallery.mean(0, dtype=np.float64).astype(np.float32)
    towards = torch.from_numpy(directions(gallery, mean)).T  # (D, N)
    scores = np.full((len(queries), k), np.nan, np.float32)
    rows = np.full((len(queries), k), -1, np.int64)
    step = max(1, BLOCK_SCORES // len(gallery))
    for start in range(0, len(queries), step):
        some = slice(start, start + step)
        similarity = torch.from_numpy(directions(queries[some], mean)) @ towards  # (m, N)
        similarity.nan_to_num_(nan=-torch.inf)
        if exclude is not None:
            own, groups = (torch.from_numpy(each) for each in (exclude[0][some], exclude[1]))
            similarity.masked_fill_(own[:, None] == groups, -torch.inf)
        best, which = similarity.topk(min(k, len(gallery)), 1)
        there = best.isfinite()
        scores[some, : best.shape[1]] = torch.where(there, best.clamp(-1, 1), torch.nan).numpy()
        rows[some, : best.shape[1]] = torch.where(there, which, -1).numpy()
    return scores, rows


def knn_scores(train: Features, labels: Labels, test: Features, k: int = 20, *, balanced: bool = True) -> Features:
    """How many of the ``k`` nearest training faces show each AU: their share of those of the ``k`` that are labelled.

    Neighbours count alike, however near they are. ``balanced`` divides each vote by the number of training faces that
    say the same, as a probe weighs the rarer class up; otherwise no threshold fits a rare AU. The order stays the same.

    Args:
        train: (N, D).
        labels: (N, A) of the training faces.
        test: (M, D).
        k: Neighbours that are asked.
        balanced: Whether a vote for the rarer class counts for more.

    Returns:
        (M, A) in 0 to 1, present above 0.5. Where no neighbour is labelled it is what all training faces say; NaN
        where those do not say anything either.

    Raises:
        ConfigError: as ``nearest``.
    """
    if len(labels) != len(train):
        raise ConfigError(f"{len(train)} training faces need as many rows of labels, not {len(labels)}")
    _, rows = nearest(test, train, k)
    votes = np.where((rows >= 0)[..., None], labels[rows], -1)  # (M, k, A)
    present, absent = ((votes == value).sum(1).astype(np.float64) for value in (1, 0))
    all_present, all_absent = ((labels == value).sum(0).astype(np.float64) for value in (1, 0))
    unsaid = present + absent == 0
    present, absent = np.where(unsaid, all_present, present), np.where(unsaid, all_absent, absent)
    if balanced:
        present, absent = present / np.maximum(all_present, 1), absent / np.maximum(all_absent, 1)
    with np.errstate(invalid="ignore"):
        shares: Features = (present / (present + absent)).astype(np.float32)
    return shares


def _check(queries: Features, gallery: Features, k: int, exclude: tuple[Rows, Rows] | None) -> None:
    if k < 1:
        raise ConfigError(f"at least 1 neighbour must be asked for, not {k}")
    if not len(gallery) or queries.ndim != 2 or queries.shape[1:] != gallery.shape[1:]:
        raise ConfigError(
            f"queries {queries.shape} need a gallery of the same width that is not empty: {gallery.shape}"
        )
    if exclude is not None and tuple(map(len, exclude)) != (len(queries), len(gallery)):
        raise ConfigError(
            f"{len(queries)} queries and {len(gallery)} rows need as many groups: {list(map(len, exclude))}"
        )
