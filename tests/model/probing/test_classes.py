"""The classifier of several classes is scikit-learn's; what is counted of it is what a loop counts."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score

from tcae.manifests.errors import ConfigError
from tcae.model.probing.classes import accuracy_of_classes, confusion_of, fit_classes, recalls_of
from tcae.model.probing.linear import LinearConfig
from tcae.model.probing.scaling import Features


def planted(seed: int = 0, num: int = 600, num_classes: int = 4) -> tuple[Features, NDArray[np.int64]]:
    """Correlated features and classes of unequal size that they tell in part."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(num, 8))
    told = hidden @ generator.normal(size=(8, num_classes)) + 2 * generator.normal(size=(num, num_classes))
    features = (hidden @ generator.normal(size=(8, 8)) * 5 - 3).astype(np.float32)
    return features, (told + np.linspace(0, 3, num_classes)).argmax(1)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("l2", [1.0, 50.0])
def test_probabilities_are_those_of_scikit_learn(balanced: bool, l2: float) -> None:
    features, classes = planted()
    config = LinearConfig(l2=l2, balanced=balanced, tolerance=1e-6, max_steps=300)
    logits = fit_classes(features, classes, config, 4).logits(features).astype(np.float64)
    ours = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    rows = (features - features.mean(0, dtype=np.float64)) / features.std(0, dtype=np.float64)
    weight = "balanced" if balanced else None
    model = LogisticRegression(C=1 / l2, class_weight=weight, tol=1e-8, max_iter=3000).fit(rows, classes)
    np.testing.assert_allclose(ours, model.predict_proba(rows), atol=1e-3)


def test_rows_without_a_class_teach_nothing() -> None:
    features, classes = planted(1)
    missing = classes.copy()
    missing[::3] = -1
    known = missing >= 0
    one = fit_classes(features, missing, LinearConfig(), 4).logits(features)
    other = fit_classes(features[known], classes[known], LinearConfig(), 4).logits(features)
    np.testing.assert_array_equal(one, other)


def test_a_class_that_was_not_learned_is_never_chosen() -> None:
    features, classes = planted(2)
    classes[classes == 1] = -1
    probe = fit_classes(features, classes, LinearConfig(), 5)
    assert probe.learned.tolist() == [True, False, True, True, False]
    logits = probe.logits(features)
    assert np.isneginf(logits[:, [1, 4]]).all()
    assert set(logits.argmax(1)) <= {0, 2, 3}


def test_a_single_class_is_always_chosen() -> None:
    probe = fit_classes(planted()[0], np.full(600, 2), LinearConfig(), 3)
    assert (probe.logits(planted()[0]).argmax(1) == 2).all()
    assert probe.converged


def test_counts_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(5)
    classes, chosen = generator.integers(0, 4, (2, 200))
    confusion = confusion_of(classes, chosen, 4)
    np.testing.assert_array_equal(confusion, confusion_matrix(classes, chosen))
    assert accuracy_of_classes(confusion) == pytest.approx(accuracy_score(classes, chosen))
    np.testing.assert_allclose(recalls_of(confusion), recall_score(classes, chosen, average=None))


def test_a_missing_class_is_not_counted_and_one_without_faces_has_no_recall() -> None:
    confusion = confusion_of(np.array([0, -1, 0, 2]), np.array([0, 1, 2, 2]), 3)
    assert confusion.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(recalls_of(confusion), [0.5, np.nan, 1])
    assert math.isnan(accuracy_of_classes(confusion * 0))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([0, 1], r"classes have the shape \(2,\) beside features \(3, 2\); they must be \(N,\)"),
        ([-1, -1, -1], "none of 3 rows has a class"),
        ([0, 1, 4], "classes go from 0 to 4; they must be 0 to 3, or -1"),
        ([0, -2, 3], "classes go from -2 to 3; they must be 0 to 3, or -1"),
    ],
)
def test_classes_that_do_not_fit_are_refused(classes: list[int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        fit_classes(np.eye(3, 2, dtype=np.float32), np.array(classes), LinearConfig(), 4)
