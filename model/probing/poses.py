"""Head pose: each angle regressed from a representation, fold by fold."""

from collections.abc import Iterator

import numpy as np

from tcae.manifests.labels import ANGLES
from tcae.model.probing.angles import AngleErrors, errors_of, fit_angles
from tcae.model.probing.representations import Representation
from tcae.model.probing.results import MEAN, AngleScore
from tcae.model.probing.trials import Trial


def angle_errors(representation: Representation, trial: Trial, l2: float = 1.0) -> AngleErrors | None:
    """Errors over the scored faces of all folds; None where the labels have no angles to fit on or to score."""
    degrees = trial.faces.angles
    folds = [] if degrees is None else [fold for fold in trial.folds if fold.fitted.any()]
    if degrees is None or not all(np.isfinite(degrees[fold.fitted]).all(1).any() for fold in folds) or not folds:
        return None
    wanted, found = [], []
    for fold in folds:
        features = representation.of_fold(fold)
        wanted.append(degrees[fold.scored])
        found.append(fit_angles(features[fold.fitted], degrees[fold.fitted], l2).angles(features[fold.scored]))
    return errors_of(np.concatenate(wanted), np.concatenate(found))


def pose_r2(errors: AngleErrors) -> float:
    """The mean R2 of yaw and pitch; alignment takes roll away, and leaves the error of the landmarks."""
    return float(errors.r2[:2].mean())


def angle_scores(name: str, errors: AngleErrors) -> Iterator[AngleScore]:
    """One row for each angle, and their mean."""
    names = [*(angle.removesuffix("_degrees") for angle in ANGLES), MEAN]
    maes, r2s = ([*values, values.mean()] for values in errors)
    for angle, mae, r2 in zip(names, maes, r2s, strict=True):
        yield AngleScore(representation=name, angle=angle, mae_degrees=float(mae), r2=float(r2))
