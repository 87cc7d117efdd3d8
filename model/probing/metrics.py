"""What is counted of decisions on action units: F1, accuracy, area under the ROC curve.

Counts are integers (..., 4): hits, false alarms, misses, correct absences (of a label and a logit above 0). Counts of
identities or of folds are added before a score is taken from them (pooled), or scores are averaged (per fold).
A score that is not defined is NaN, and a mean says how many it left out; NaN is never averaged in.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from tcae.model.probing.linear import Floats, Labels

Counts: TypeAlias = NDArray[np.int64]
"""(..., 4): hits, false alarms, misses, correct absences."""
Values: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64] | NDArray[np.float64]
"""Counts, or sums of counts that were weighed."""


class IdentityCounts(NamedTuple):
    """What was counted of each identity."""

    identities: NDArray[np.str_]
    """(I,) sorted, each once."""
    counts: Counts
    """(I, A, 4)"""


class Mean(NamedTuple):
    """A mean over what is defined."""

    value: float
    """NaN where nothing is."""
    num_undefined: int
    """Values that were NaN and were left out."""


def counts_of(identities: NDArray[np.str_], labels: Labels, logits: Floats) -> IdentityCounts:
    """Count the decisions on each identity's faces; missing labels are counted nowhere.

    Args:
        identities: (N,) of each face.
        labels: (N, A).
        logits: (N, A); above 0 an AU is called present.
    """
    names, rows = np.unique(identities, return_inverse=True)
    called = logits > 0
    outcomes = (labels == 1) & called, (labels == 0) & called, (labels == 1) & ~called, (labels == 0) & ~called
    counts = np.zeros((len(names), labels.shape[1], 4), np.int64)
    for number, outcome in enumerate(outcomes):
        for au in range(labels.shape[1]):
            counts[:, au, number] = np.bincount(rows[outcome[:, au]], minlength=len(names))
    return IdentityCounts(names, counts)


def f1_of(counts: Numbers) -> Values:
    """2 hits / (2 hits + false alarms + misses), (...) in 0 to 1; NaN where no label is positive."""
    hits, alarms, misses, _ = np.moveaxis(counts, -1, 0)
    return _shares(2 * hits, 2 * hits + alarms + misses, hits + misses > 0)


def accuracy_of(counts: Numbers) -> Values:
    """The share (...) of right decisions; NaN without labels."""
    total = counts.sum(-1)
    return _shares(counts[..., 0] + counts[..., 3], total, total > 0)


def positives_of(counts: Counts) -> NDArray[np.int64]:
    """How many labels (...) are positive."""
    positives: NDArray[np.int64] = counts[..., 0] + counts[..., 2]
    return positives


def labelled_of(counts: Counts) -> NDArray[np.int64]:
    """How many labels (...) there are."""
    labelled: NDArray[np.int64] = counts.sum(-1)
    return labelled


def mean_of(values: Values) -> Mean:
    """The mean of those values (A,) that are defined, such as the F1 of AUs, or of one AU in several folds."""
    defined = values[~np.isnan(values)]
    return Mean(float(defined.mean()) if len(defined) else np.nan, len(values) - len(defined))


def means_of(values: Values, axis: int) -> Values:
    """Means along an axis of what is defined; NaN where nothing is."""
    defined = ~np.isnan(values)
    num = defined.sum(axis)
    return _shares(np.where(defined, values, 0).sum(axis), num, num > 0)


def auc_of(labels: Labels, logits: Floats) -> Values:
    """Area under each AU's ROC curve (A,): how often a face with the AU scores above one without; ties count half.

    By the rank-sum formula of Mann and Whitney. Missing labels are left out; NaN where one class is missing.
    """
    return np.array([_auc(labels[:, au], logits[:, au]) for au in range(labels.shape[1])], np.float64)


def _auc(labels: NDArray[np.int8], logits: Floats) -> float:
    known = labels >= 0
    present = labels[known] == 1
    num, num_present = len(present), int(present.sum())
    if num_present in (0, num):
        return np.nan
    above = rankdata(logits[known])[present].sum() - num_present * (num_present + 1) / 2
    return float(above / (num_present * (num - num_present)))


def _shares(parts: Numbers, wholes: Numbers, defined: NDArray[np.bool_]) -> Values:
    return np.divide(parts, wholes, out=np.full(np.shape(wholes), np.nan), where=defined)
