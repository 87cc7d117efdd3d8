"""How sure a score is: bootstrap over identities, because frames of one person are no independent observations.

As many identities as there are are drawn with replacement, all their frames with them; the interval holds the middle
95 % of the scores of 1000 draws (percentile bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, ch. 13).
It says how the score varies with the people it is measured on, not with those the probe was fitted on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.model.probing.metrics import Counts, Values, f1_of, means_of

_HELD = 4_000_000
"""Numbers that are drawn at a time: sets of single pictures have as many identities as pictures."""


@dataclass(frozen=True, kw_only=True)
class IntervalConfig:
    """How intervals are drawn."""

    draws: int = 1000
    seed: int = 0
    level: float = 0.95
    """Share of the draws that an interval holds."""

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ConfigError(f"draws is {self.draws}; it must be at least 1")
        if not 0 < self.level < 1:
            raise ConfigError(f"level is {self.level}; it must lie between 0 and 1")


class Interval(NamedTuple):
    """Ends of an interval; both NaN where there is none: fewer than two identities, or no defined score."""

    low: float
    high: float


class F1Intervals(NamedTuple):
    """Of each AU, and of the mean over AUs."""

    aus: list[Interval]
    mean: Interval


def pooled_intervals(counts: Counts, config: IntervalConfig) -> F1Intervals:
    """Intervals of the F1 of all identities' summed counts (I, A, 4), and of their mean over AUs.

    A draw in which an AU has no positive label does not count for that AU, nor that AU for the draw's mean.
    """
    return _intervals(_drawn_f1(counts, config, 0), config)


def fold_intervals(folds: Sequence[Counts], config: IntervalConfig) -> F1Intervals:
    """Intervals of the mean of per-fold F1; identities (I, A, 4) are drawn within their fold."""
    drawn = [_drawn_f1(counts, config, key) for key, counts in enumerate(folds)]
    return _intervals(means_of(np.stack(drawn), 0), config)


def mean_interval(identities: NDArray[np.str_], values: NDArray[np.floating], config: IntervalConfig) -> Interval:
    """The interval of a mean over faces, such as accuracy.

    Args:
        identities: (N,) of each face.
        values: (N,) what is averaged, such as 1 for a right answer and 0 for a wrong one.
        config: How.
    """
    _, rows = np.unique(identities, return_inverse=True)
    sums = np.stack([np.bincount(rows, values), np.bincount(rows)], axis=1)
    drawn = [times @ sums for times in _multiplicities(len(sums), config, 0)]
    totals = np.concatenate(drawn) if drawn else np.full((1, 2), np.nan)
    return _interval(totals[:, 0] / totals[:, 1], config)


def _drawn_f1(counts: Counts, config: IntervalConfig, key: int) -> Values:
    """F1 (draws, A) of drawn identities."""
    num_identities, num_aus, _ = counts.shape
    flat = counts.reshape(num_identities, num_aus * 4).astype(np.float64)
    drawn = [f1_of((times @ flat).reshape(-1, num_aus, 4)) for times in _multiplicities(num_identities, config, key)]
    return np.concatenate(drawn) if drawn else np.full((config.draws, num_aus), np.nan)


def _multiplicities(num_identities: int, config: IntervalConfig, key: int) -> Iterator[Values]:
    """How often each identity is drawn, (some draws, I) at a time; nothing for fewer than two identities."""
    if num_identities < 2:
        return
    generator = np.random.default_rng([config.seed, key])
    size = max(1, _HELD // num_identities)
    for start in range(0, config.draws, size):
        num = min(size, config.draws - start)
        who = generator.integers(num_identities, size=(num, num_identities))
        who += np.arange(num)[:, None] * num_identities
        times = np.bincount(who.ravel(), minlength=num * num_identities)
        yield times.reshape(num, num_identities).astype(np.float64)


def _intervals(drawn: Values, config: IntervalConfig) -> F1Intervals:
    """Of F1 (draws, A)."""
    return F1Intervals([_interval(each, config) for each in drawn.T], _interval(means_of(drawn, 1), config))


def _interval(drawn: Values, config: IntervalConfig) -> Interval:
    """Of scores (draws,), of which NaN do not count."""
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return Interval(np.nan, np.nan)
    outside = (1 - config.level) / 2
    low, high = np.quantile(defined, [outside, 1 - outside])
    return Interval(float(low), float(high))
