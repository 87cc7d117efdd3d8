"""Rows are standardised, and scored, as written out plainly."""

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.probing.scaling import Features, scores, standardised


def drawn(num: int = 9000) -> Features:
    """More rows than are scaled at a time, far from 0."""
    return (np.random.default_rng(0).normal(size=(num, 3)) * [1, 10, 0.1] + [50, -3, 7]).astype(np.float32)


def test_standardised_rows_have_mean_0_and_deviation_1() -> None:
    rows, mean, scale = standardised(drawn())
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(rows.std(0, correction=0), 1, atol=1e-4)
    np.testing.assert_allclose(rows.numpy() * scale + mean, drawn(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0, 1234.567, -1e-20])
def test_a_component_that_never_changes_keeps_its_scale_and_becomes_0(value: float) -> None:
    rows, _, scale = standardised(np.full((7, 2), value, np.float32))
    assert scale.tolist() == [1, 1]
    np.testing.assert_allclose(rows, 0, atol=1e-4)


def test_scores_are_those_written_out() -> None:
    features, generator = drawn(), np.random.default_rng(1)
    mean, scale, bias = (generator.random(3).astype(np.float32) + 0.5 for _ in range(3))
    weight = generator.normal(size=(2, 3)).astype(np.float32)
    found = scores(features, mean, scale, weight, bias[:2])
    np.testing.assert_allclose(found, (features - mean) / scale @ weight.T + bias[:2], rtol=1e-4, atol=1e-3)
    assert found.dtype == np.float32


def test_features_that_are_not_finite_are_refused() -> None:
    features = drawn(10)
    features[3, 1], features[4, 0] = np.inf, np.nan
    with pytest.raises(ConfigError, match="2 of 10 rows of features are not finite"):
        standardised(features)


def test_no_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"\(0, 3\); they must be \(N, D\) with at least one row"):
        standardised(drawn(0))
