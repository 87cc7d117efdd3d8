"""Action units: each classifier fitted and scored fold by fold, and both conventions of F1."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tcae.model.probing.classifiers import Classifier
from tcae.model.probing.folds import Fold
from tcae.model.probing.intervals import F1Intervals, IntervalConfig, fold_intervals, pooled_intervals
from tcae.model.probing.linear import Floats, Labels
from tcae.model.probing.metrics import (
    Counts,
    Values,
    accuracy_of,
    auc_of,
    counts_of,
    f1_of,
    labelled_of,
    mean_of,
    means_of,
    positives_of,
)
from tcae.model.probing.representations import Representation
from tcae.model.probing.results import FOLDS, MEAN, POOLED, AuScore
from tcae.model.probing.trials import Trial


@dataclass(frozen=True, kw_only=True, eq=False)
class Decided:
    """What a classifier made of the scored faces of a fold."""

    fold: str
    labels: Labels
    logits: Floats
    counts: Counts
    """(I, A, 4) of the fold's scored identities."""


def decide(representation: Representation, classifier: Classifier, trial: Trial) -> list[Decided]:
    """Fit on each fold and score its faces; a fold without faces to fit on is left out."""
    return [_decided(representation, classifier, trial, fold) for fold in trial.folds if fold.fitted.any()]


def _decided(representation: Representation, classifier: Classifier, trial: Trial, fold: Fold) -> Decided:
    features, labels = representation.of_fold(fold), trial.faces.presence
    logits = classifier(features[fold.fitted], labels[fold.fitted], features[fold.scored])
    return decided(fold, logits, trial)


def decided(fold: Fold, logits: Floats, trial: Trial) -> Decided:
    """What log odds (M, A) of the M faces that a fold scores come to."""
    people, labels = trial.faces.rows["identity"][fold.scored].to_numpy(np.str_), trial.faces.presence[fold.scored]
    return Decided(fold=fold.name, labels=labels, logits=logits, counts=counts_of(people, labels, logits).counts)


def mean_f1(decided: Sequence[Decided]) -> float:
    """Of the counts of all folds, the mean over the AUs that have positives; NaN where none has."""
    return mean_of(f1_of(_pooled(decided).counts.sum(0))).value if decided else np.nan


def au_scores(name: str, decided: Sequence[Decided], trial: Trial) -> Iterator[AuScore]:
    """The rows of one representation: each fold, both ways to join several; in each every AU, and the mean."""
    config = IntervalConfig(draws=trial.draws, seed=trial.seed)
    several = len(decided) > 1
    for one in [*decided, *([_pooled(decided)] if several else [])]:
        f1, auc = f1_of(one.counts.sum(0)), auc_of(one.labels, one.logits)
        scores = _Scores(f1, auc, accuracy_of(one.counts.sum(0)), pooled_intervals(one.counts, config))
        yield from _rows(name, one.fold, scores, one.counts.sum(0), trial.faces.aus)
    if several:
        yield from _rows(name, FOLDS, _of_folds(decided, config), _pooled(decided).counts.sum(0), trial.faces.aus)


@dataclass(frozen=True, eq=False)
class _Scores:
    f1: Values
    auc: Values
    accuracy: Values
    intervals: F1Intervals


def _pooled(decided: Sequence[Decided]) -> Decided:
    """All folds as one; their identities differ."""
    return Decided(
        fold=POOLED,
        labels=np.concatenate([one.labels for one in decided]),
        logits=np.concatenate([one.logits for one in decided]),
        counts=np.concatenate([one.counts for one in decided]),
    )


def _of_folds(decided: Sequence[Decided], config: IntervalConfig) -> _Scores:
    """Means of the folds' scores, each AU's over the folds in which it is defined."""
    counts = [one.counts.sum(0) for one in decided]
    return _Scores(
        f1=means_of(np.stack([f1_of(some) for some in counts]), 0),
        auc=means_of(np.stack([auc_of(one.labels, one.logits) for one in decided]), 0),
        accuracy=means_of(np.stack([accuracy_of(some) for some in counts]), 0),
        intervals=fold_intervals([one.counts for one in decided], config),
    )


def _rows(name: str, fold: str, scores: _Scores, counts: Counts, aus: Sequence[str]) -> Iterator[AuScore]:
    positives, labelled = positives_of(counts), labelled_of(counts)
    for column, au in enumerate(aus):
        low, high = scores.intervals.aus[column]
        yield AuScore(
            representation=name,
            au=au,
            fold=fold,
            f1=float(scores.f1[column]),
            f1_low=low,
            f1_high=high,
            auc=float(scores.auc[column]),
            accuracy=float(scores.accuracy[column]),
            num_positives=int(positives[column]),
            num_labelled=int(labelled[column]),
        )
    mean, (low, high) = mean_of(scores.f1), scores.intervals.mean
    yield AuScore(
        representation=name,
        au=MEAN,
        fold=fold,
        f1=mean.value,
        f1_low=low,
        f1_high=high,
        auc=mean_of(scores.auc).value,
        accuracy=mean_of(scores.accuracy).value,
        num_positives=int(positives.sum()),
        num_labelled=int(labelled.sum()),
        num_undefined=mean.num_undefined,
    )
