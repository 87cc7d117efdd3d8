"""Head pose from an embedding: ridge regression of angles in closed form, on standardised embeddings.

Weights are (Z'Z + l2 I)^-1 Z'(y - mean of y) for standardised embeddings Z (Hoerl and Kennard, Technometrics 1970).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.model.probing.scaling import Features, Floats, scores, standardised


@dataclass(frozen=True, eq=False)
class AngleProbe:
    """Regressors of angles (T of them: yaw, pitch and roll) on standardised embeddings."""

    mean: Floats
    """(D,) of the training rows."""
    scale: Floats
    """(D,) their deviation."""
    weight: Floats
    """(T, D) degrees"""
    bias: Floats
    """(T,) degrees: the training rows' mean."""

    def angles(self, features: Features) -> Floats:
        """(N, T) degrees.

        Raises:
            ConfigError: the features have another width, or are not finite.
        """
        return scores(features, self.mean, self.scale, self.weight, self.bias)


class AngleErrors(NamedTuple):
    """How far angles are off; NaN where nothing is labelled."""

    mae_degrees: NDArray[np.float64]
    """(T,) mean absolute error."""
    r2: NDArray[np.float64]
    """(T,) 1 - squared error / squared deviation from the labels' own mean: 1 is perfect, 0 as good as that mean,
    NaN where the labels never change."""


def fit_angles(features: Features, degrees: NDArray[np.floating], l2: float = 1.0) -> AngleProbe:
    """Solve the regression; rows with a missing angle (NaN) teach nothing.

    Args:
        features: (N, D) training embeddings.
        degrees: (N, T).
        l2: Weight of |weight|^2 beside the sum of squared errors, above 0.

    Raises:
        ConfigError: shapes differ, no row has all angles, features are not finite, or ``l2`` is not above 0.
    """
    if not 0 < l2 < math.inf:
        raise ConfigError(f"l2 is {l2}; it must be above 0")
    if degrees.ndim != 2 or len(degrees) != len(features):
        raise ConfigError(
            f"degrees have the shape {degrees.shape} beside features {features.shape}; they must be (N, T)"
        )
    known = np.isfinite(degrees).all(1)
    if not known.any():
        raise ConfigError(f"none of {len(degrees):,} rows has all angles; a regression needs at least one")
    rows, mean, scale = standardised(features if known.all() else features[known])
    wanted = degrees[known].astype(np.float64)
    bias = wanted.mean(0)
    moments = (rows.T @ rows).double().numpy()
    moments[np.diag_indices_from(moments)] += l2
    towards = rows.numpy().T @ (wanted - bias).astype(np.float32)
    weight = np.linalg.solve(moments, towards.astype(np.float64))
    return AngleProbe(mean, scale, weight.T.astype(np.float32), bias.astype(np.float32))


def errors_of(degrees: NDArray[np.floating], found: Floats) -> AngleErrors:
    """Compare angles (N, T) with those that were found; a missing one (NaN) is left out."""
    each = [_errors(degrees[:, angle], found[:, angle]) for angle in range(degrees.shape[1])]
    mae, r2 = np.array(each, np.float64).reshape(-1, 2).T
    return AngleErrors(mae, r2)


def _errors(degrees: NDArray[np.floating], found: Floats) -> tuple[float, float]:
    known = np.isfinite(degrees)
    if not known.any():
        return math.nan, math.nan
    wanted = degrees[known].astype(np.float64)
    off = found[known] - wanted
    spread = float(np.square(wanted - wanted.mean()).sum())
    r2 = 1 - float(np.square(off).sum()) / spread if spread > 0 else math.nan
    return float(np.abs(off).mean()), r2
