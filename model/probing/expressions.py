"""Expressions: one of several classes for each face, fitted and scored fold by fold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tcae.model.probing.classes import accuracy_of_classes, confusion_of, fit_classes, recalls_of
from tcae.model.probing.intervals import Interval, IntervalConfig, mean_interval
from tcae.model.probing.linear import LinearConfig
from tcae.model.probing.representations import Representation
from tcae.model.probing.results import ClassScore
from tcae.model.probing.trials import Trial

ACCURACY = "accuracy"
"""Stands in ``ClassScore.name`` beside the classes, whose value is their recall."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """A class for each of M scored faces, and the one that it has; -1 is missing."""

    names: tuple[str, ...]
    chosen: NDArray[np.int64]
    labels: NDArray[np.int64]
    identities: NDArray[np.str_]


def choose(representation: Representation, trial: Trial, config: LinearConfig) -> Chosen:
    """Fit on each fold, all faces weighing the same since accuracy counts them so, and choose for its scored faces."""
    names, labels = _classes(trial)
    plain, chosen = replace(config, balanced=False), []
    for fold in trial.folds:
        features = representation.of_fold(fold)
        probe = fit_classes(features[fold.fitted], labels[fold.fitted], plain, len(names))
        chosen.append(probe.logits(features[fold.scored]).argmax(1))
    return _of_scored(trial, names, labels, chosen)


def most_frequent(trial: Trial) -> Chosen:
    """Each fold's most frequent class among the fitted faces, for every scored face."""
    names, labels = _classes(trial)
    counts = [np.bincount(labels[fold.fitted & (labels >= 0)], minlength=len(names)) for fold in trial.folds]
    chosen = [np.full(fold.scored.sum(), count.argmax()) for fold, count in zip(trial.folds, counts, strict=True)]
    return _of_scored(trial, names, labels, chosen)


def class_scores(name: str, made: Chosen, trial: Trial) -> Iterator[ClassScore]:
    """Accuracy with its interval over identities, and the recall of each class."""
    confusion = confusion_of(made.labels, made.chosen, len(made.names))
    low, high = _interval(made, trial)
    yield ClassScore(representation=name, name=ACCURACY, value=accuracy_of_classes(confusion), low=low, high=high)
    for label, recall in zip(made.names, recalls_of(confusion), strict=True):
        yield ClassScore(representation=name, name=label, value=float(recall))


def _classes(trial: Trial) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    labels, names = pd.factorize(trial.faces.rows["expression"], sort=True)
    return tuple(names), labels.astype(np.int64)


def _of_scored(
    trial: Trial, names: tuple[str, ...], labels: NDArray[np.int64], chosen: Sequence[NDArray[np.int64]]
) -> Chosen:
    people = trial.faces.rows["identity"].to_numpy(np.str_)
    return Chosen(
        names=names,
        chosen=np.concatenate(chosen),
        labels=np.concatenate([labels[fold.scored] for fold in trial.folds]),
        identities=np.concatenate([people[fold.scored] for fold in trial.folds]),
    )


def _interval(made: Chosen, trial: Trial) -> Interval:
    known = made.labels >= 0
    right = (made.chosen == made.labels)[known].astype(np.float64)
    return mean_interval(made.identities[known], right, IntervalConfig(draws=trial.draws, seed=trial.seed))
