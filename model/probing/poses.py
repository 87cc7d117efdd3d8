"""Head pose: each angle regressed from a representation, fold by fold."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.labels import ANGLES
from tcae.model.probing.angles import AngleErrors, errors_of, fit_angles
from tcae.model.probing.intervals import IntervalConfig, r2_intervals
from tcae.model.probing.linear import Floats
from tcae.model.probing.representations import Representation
from tcae.model.probing.results import MEAN, AngleScore
from tcae.model.probing.trials import Trial


class ToldAngles(NamedTuple):
    """What was told of the scored faces of all folds."""

    wanted: Floats
    """(M, T) degrees, NaN where missing."""
    found: Floats
    """(M, T)."""
    identities: NDArray[np.str_]
    """(M,) of each face."""


def angle_errors(representation: Representation, trial: Trial, l2: float = 1.0) -> AngleErrors | None:
    """Errors over the scored faces of all folds; None where the labels have no angles to fit on or to score."""
    told = tell_angles(representation, trial, l2)
    return None if told is None else errors_of(told.wanted, told.found)


def tell_angles(representation: Representation, trial: Trial, l2: float = 1.0) -> ToldAngles | None:
    """Fit on each fold and tell its scored faces' angles; None as in ``angle_errors``."""
    degrees = trial.faces.angles
    folds = [] if degrees is None else [fold for fold in trial.folds if fold.fitted.any()]
    if degrees is None or not all(np.isfinite(degrees[fold.fitted]).all(1).any() for fold in folds) or not folds:
        return None
    wanted, found, people = [], [], []
    for fold in folds:
        features = representation.of_fold(fold)
        wanted.append(degrees[fold.scored])
        found.append(fit_angles(features[fold.fitted], degrees[fold.fitted], l2).angles(features[fold.scored]))
        people.append(trial.faces.rows["identity"][fold.scored].to_numpy(np.str_))
    return ToldAngles(np.concatenate(wanted), np.concatenate(found), np.concatenate(people))


def pose_r2(errors: AngleErrors) -> float:
    """The mean R2 of yaw and pitch; alignment takes roll away, and leaves the error of the landmarks."""
    return float(errors.r2[:2].mean())


def angle_scores(name: str, told: ToldAngles, trial: Trial) -> Iterator[AngleScore]:
    """One row for each angle, and their mean."""
    names = [*(angle.removesuffix("_degrees") for angle in ANGLES), MEAN]
    maes, r2s = ([*values, values.mean()] for values in errors_of(told.wanted, told.found))
    config = IntervalConfig(draws=trial.draws, seed=trial.seed)
    intervals = r2_intervals(told.identities, told.wanted, told.found, config)
    for angle, mae, r2, (low, high) in zip(names, maes, r2s, intervals, strict=True):
        yield AngleScore(
            representation=name, angle=angle, mae_degrees=float(mae), r2=float(r2), r2_low=low, r2_high=high
        )
