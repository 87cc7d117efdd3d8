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


def r2_intervals(
    identities: NDArray[np.str_],
    wanted: NDArray[np.floating],
    found: NDArray[np.floating],
    config: IntervalConfig,
) -> list[Interval]:
    """Intervals of the R2 of each of T columns (N, T), and behind them that of their mean; NaN is wanted nowhere.

    R2 is 1 - squared errors / squared deviations from the drawn faces' own mean.
    """
    _, rows = np.unique(identities, return_inverse=True)
    known = ~np.isnan(wanted)
    values, off = np.where(known, wanted, 0).astype(np.float64), np.where(known, found - wanted, 0).astype(np.float64)
    parts = np.stack([known, values, values**2, off**2], 2).reshape(len(rows), -1)  # (N, T * 4)
    sums = np.stack([np.bincount(rows, part) for part in parts.T], 1)  # (I, T * 4)
    drawn = [_r2_of((times @ sums).reshape(len(times), -1, 4)) for times in _multiplicities(len(sums), config, 0)]
    r2 = np.concatenate(drawn) if drawn else np.full((1, wanted.shape[1]), np.nan)
    return [*(_interval(each, config) for each in r2.T), _interval(r2.mean(1), config)]


def area_interval(
    identities: NDArray[np.str_],
    similarity: NDArray[np.floating],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    same: NDArray[np.bool_],
    config: IntervalConfig,
) -> Interval:
    """The interval of the area under the ROC curve of pairs of faces.

    A pair of one identity counts as often as that is drawn, a pair of two as often as the product of both.

    Args:
        identities: (N,) of each face.
        similarity: (P,) of each pair.
        pairs: (P,) rows of the first and second faces.
        same: (P,) whether both are of one identity.
        config: How.
    """
    names, rows = np.unique(identities, return_inverse=True)
    first, second = (rows[each] for each in pairs)
    levels = np.unique(similarity, return_inverse=True)[1]
    drawn = [np.full(1, np.nan)]
    for times in _multiplicities(len(names), config, 0):
        weights = (each[first] * np.where(same, 1, each[second]) for each in times)
        drawn.append(np.array([_area(levels, each, same) for each in weights]))
    return _interval(np.concatenate(drawn), config)


def _area(levels: NDArray[np.int64], weights: Values, same: NDArray[np.bool_]) -> float:
    """That a weighted pair of one identity is of a higher level than one of two, half of it where of the same."""
    num = int(levels.max()) + 1
    ours, theirs = (np.bincount(levels[some], weights[some], minlength=num) for some in (same, ~same))
    total = ours.sum() * theirs.sum()
    return float(ours @ (theirs.cumsum() - theirs / 2) / total) if total else np.nan


def _r2_of(sums: Values) -> Values:
    """R2 (draws, T) of sums (draws, T, 4) of faces, values, their squares and squared errors."""
    num, values, squares, errors = np.moveaxis(sums, -1, 0)
    spread = squares - np.divide(values**2, num, out=np.zeros_like(values), where=num > 0)
    r2: Values = 1 - np.divide(errors, spread, out=np.full_like(errors, np.nan), where=spread > 0)
    return r2


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
