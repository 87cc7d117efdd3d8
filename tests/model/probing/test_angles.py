"""Angles are regressed as scikit-learn's ridge does, and errors are those of a loop."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score

from tcae.manifests.errors import ConfigError
from tcae.model.probing.angles import errors_of, fit_angles
from tcae.model.probing.scaling import Features


def planted(seed: int = 0, num: int = 300) -> tuple[Features, NDArray[np.float64]]:
    """Correlated features, and three angles that they tell in part."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(num, 10))
    features = (hidden @ generator.normal(size=(10, 10)) * 4 + 20).astype(np.float32)
    return features, hidden @ generator.normal(size=(10, 3)) * 10 + generator.normal(size=(num, 3)) * 5 + [3, -8, 0]


@pytest.mark.parametrize("l2", [1e-3, 1.0, 1000.0])
def test_angles_are_those_of_scikit_learns_ridge(l2: float) -> None:
    features, degrees = planted()
    rows = (features - features.mean(0, dtype=np.float64)) / features.std(0, dtype=np.float64)
    expected = Ridge(alpha=l2).fit(rows, degrees).predict(rows)
    np.testing.assert_allclose(fit_angles(features, degrees, l2).angles(features), expected, atol=2e-2)


def test_a_row_with_a_missing_angle_teaches_nothing() -> None:
    features, degrees = planted(1)
    degrees[::4, 1] = np.nan
    known = ~np.isnan(degrees[:, 1])
    one = fit_angles(features, degrees).angles(features)
    other = fit_angles(features[known], degrees[known]).angles(features)
    np.testing.assert_array_equal(one, other)


def test_planted_angles_are_found_in_other_rows() -> None:
    features, degrees = planted(2, num=2000)
    found = fit_angles(features[:1500], degrees[:1500], l2=1e-2).angles(features[1500:])
    errors = errors_of(degrees[1500:], found)
    # what is left is noise of 5 degrees, whose mean absolute value is 5 * sqrt(2 / pi)
    np.testing.assert_allclose(errors.mae_degrees, 5 * math.sqrt(2 / math.pi), rtol=0.1)
    assert (errors.r2 > 0.9).all()


def test_errors_are_those_of_scikit_learn() -> None:
    degrees, found = np.random.default_rng(3).normal(size=(2, 50, 3))
    errors = errors_of(degrees, found.astype(np.float32))
    np.testing.assert_allclose(errors.mae_degrees, mean_absolute_error(degrees, found, multioutput="raw_values"), 1e-5)
    np.testing.assert_allclose(errors.r2, r2_score(degrees, found, multioutput="raw_values"), 1e-5)


def test_missing_angles_are_left_out_and_undefined_errors_are_nan() -> None:
    degrees = np.array([[1.0, np.nan, 4.0], [3.0, np.nan, 4.0], [np.nan, np.nan, np.nan]])
    errors = errors_of(degrees, np.array([[2, 0, 5], [2, 0, 4], [9, 9, 9]], np.float32))
    np.testing.assert_allclose(errors.mae_degrees, [1, np.nan, 0.5])
    np.testing.assert_allclose(errors.r2, [0, np.nan, np.nan])


@pytest.mark.parametrize("l2", [0.0, -1.0, math.nan, math.inf])
def test_a_penalty_that_is_not_above_0_is_refused(l2: float) -> None:
    with pytest.raises(ConfigError, match=f"l2 is {l2}; it must be above 0"):
        fit_angles(*planted(), l2=l2)


def test_degrees_that_do_not_fit_are_refused() -> None:
    features, degrees = planted()
    with pytest.raises(ConfigError, match=r"degrees have the shape \(299, 3\) beside features \(300, 10\)"):
        fit_angles(features, degrees[1:])
    with pytest.raises(ConfigError, match="none of 300 rows has all angles"):
        fit_angles(features, degrees * np.nan)
