"""Lists of different pairs, long enough to measure on."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.pairs import Pair, PairIndex


def pairs_of(index: PairIndex, num: int, seed: int = 0) -> list[Pair]:
    """So many different pairs of an index, or all that there are: the fixed list first, then others, drawn.

    A list that is too long is thinned evenly; the others come from all identities alike.
    """
    fixed = index.fixed_pairs()
    if len(fixed) >= num:
        return [fixed[number * len(fixed) // num] for number in range(num)]
    known = set(fixed)
    others = (pair for pair in _drawn(index, num, seed) if pair not in known)
    return [*fixed, *(pair for _, pair in zip(range(num - len(fixed)), others, strict=False))]


def _drawn(index: PairIndex, num: int, seed: int) -> Iterator[Pair]:
    """At least ``num`` different pairs if there are so many, one of each identity in turn."""
    counts = np.array([index.num_pairs_of(identity) for identity in range(index.num_identities)], np.int64)
    most = 1
    while np.minimum(counts, most).sum() < min(num, counts.sum()):
        most *= 2
    orders = [_order(int(count), most, (seed, identity)) for identity, count in enumerate(counts)]
    for turn in range(most):
        for identity, order in enumerate(orders):
            if turn < len(order):
                yield index.pair_at(identity, int(order[turn]))


def _order(num_pairs: int, most: int, seed: tuple[int, int]) -> NDArray[np.int64]:
    """Numbers of different pairs of one identity, at most so many."""
    return np.random.default_rng(seed).choice(num_pairs, min(most, num_pairs), replace=False)
