"""The classifiers are those of scikit-learn, and the loss written plainly is lowest at them."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from tcae.manifests.errors import ConfigError
from tcae.model.probing.linear import Labels, LinearConfig, LinearProbe, fit_linear
from tcae.model.probing.scaling import Features

EXACT = LinearConfig(tolerance=1e-6, max_steps=300)


def planted(num: int = 900, width: int = 12, num_aus: int = 4, seed: int = 0) -> tuple[Features, Labels]:
    """Correlated features far from 0, and AUs from rare to frequent that they tell in part; a tenth is missing."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(num, width))
    features = (hidden @ generator.normal(size=(width, width)) * 3 + 5).astype(np.float32)
    signal = hidden @ generator.normal(size=(width, num_aus)) + 2 * generator.normal(size=(num, num_aus))
    highest = np.quantile(signal, np.linspace(0.98, 0.5, num_aus), axis=0).diagonal()
    labels = (signal > highest).astype(np.int8)
    labels[generator.random(labels.shape) < 0.1] = -1
    return features, labels


def theirs(features: Features, labels: NDArray[np.int8], l2: float, balanced: bool) -> NDArray[np.float64]:
    """scikit-learn's logits of one AU, in float64."""
    rows = (features - features.mean(0, dtype=np.float64)) / features.std(0, dtype=np.float64)
    known = labels >= 0
    weight = "balanced" if balanced else None
    model = LogisticRegression(C=1 / l2, class_weight=weight, tol=1e-8, max_iter=3000)
    logits: NDArray[np.float64] = model.fit(rows[known], labels[known]).decision_function(rows)
    return logits


@pytest.mark.parametrize(("l2", "balanced"), [(1.0, True), (1.0, False), (100.0, True), (0.01, True)])
def test_logits_are_those_of_scikit_learn(l2: float, balanced: bool) -> None:
    features, labels = planted()
    config = LinearConfig(l2=l2, balanced=balanced, tolerance=1e-6, max_steps=300)
    ours = fit_linear(features, labels, config).logits(features)
    for au in range(labels.shape[1]):
        np.testing.assert_allclose(ours[:, au], theirs(features, labels[:, au], l2, balanced), rtol=1e-3, atol=5e-3)


def test_the_loss_written_plainly_is_stationary_at_the_solution() -> None:
    features, labels = planted(seed=1)
    probe = fit_linear(features, labels, EXACT)
    rows = (torch.from_numpy(features).double() - torch.from_numpy(probe.mean)) / torch.from_numpy(probe.scale)
    for au in range(labels.shape[1]):
        weight = torch.from_numpy(probe.weight[au]).double().requires_grad_()
        bias = torch.tensor(float(probe.bias[au]), dtype=torch.float64, requires_grad=True)
        known = torch.from_numpy(labels[:, au] >= 0)
        present = torch.from_numpy(labels[:, au]).double()[known]
        num_present, num = present.sum(), len(present)
        share = torch.where(present > 0, num / (2 * num_present), num / (2 * (num - num_present)))
        losses = functional.binary_cross_entropy_with_logits((rows @ weight + bias)[known], present, reduction="none")
        mean = ((share * losses).sum() + 0.5 * weight.square().sum()) / num
        found = torch.autograd.grad(mean, (weight, bias))
        assert max(float(part.abs().max()) for part in found) < 1e-5


def test_a_missing_label_teaches_nothing() -> None:
    features, labels = planted(seed=2)
    labels[:300, 0] = -1
    swapped = features.copy()
    swapped[:300] = features[:300][::-1]  # which leaves mean and deviation as they are
    one, other = (fit_linear(each, labels, EXACT) for each in (features, swapped))
    np.testing.assert_allclose(one.weight[0], other.weight[0], atol=1e-3)
    assert np.abs(one.weight[1:] - other.weight[1:]).max() > 0.05
    assert one.converged


def test_an_au_is_solved_the_same_alone_and_beside_others() -> None:
    features, labels = planted(seed=3)
    together = fit_linear(features, labels, EXACT).logits(features)
    for au in range(labels.shape[1]):
        alone = fit_linear(features, labels[:, au : au + 1], EXACT).logits(features)
        np.testing.assert_allclose(together[:, au], alone[:, 0], atol=2e-3)


def test_threads_share_the_aus_and_find_the_same() -> None:
    features, labels = planted(num_aus=9)
    alone, threads = fit_linear(features, labels, EXACT), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        shared = fit_linear(features, labels, EXACT)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(shared.logits(features), alone.logits(features), atol=2e-3)
    assert shared.converged


def test_logits_do_not_depend_on_the_unit_of_a_component() -> None:
    features, labels = planted(seed=4)
    scaled = features * np.logspace(-3, 3, features.shape[1], dtype=np.float32)
    one, other = (fit_linear(each, labels, EXACT).logits(each) for each in (features, scaled))
    np.testing.assert_allclose(one, other, atol=5e-3)


@pytest.mark.parametrize(
    ("column", "odds"), [([0] * 6, 0.5 / 6.5), ([1] * 6, 6.5 / 0.5), ([-1] * 6, 1.0), ([0, -1, -1, -1, -1, -1], 1 / 3)]
)
def test_an_au_of_one_class_has_the_smoothed_log_odds_everywhere(column: list[int], odds: float) -> None:
    labels = np.array([column, [0, 1, 0, 1, 1, 0]], np.int8).T
    features = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    probe = fit_linear(features, labels, LinearConfig())
    assert probe.constant.tolist() == [True, False]
    np.testing.assert_allclose(probe.logits(features)[:, 0], np.log(odds), rtol=1e-6)


def test_without_any_au_of_two_classes_nothing_is_solved() -> None:
    probe = fit_linear(np.ones((4, 2), np.float32), np.zeros((4, 3), np.int8), LinearConfig())
    assert probe.num_steps == 0
    assert probe.converged
    assert probe.constant.all()


def test_a_component_that_never_changes_says_nothing() -> None:
    features, labels = planted(seed=5)
    more = np.concatenate([features, np.full((len(features), 1), 1234.567, np.float32)], axis=1)
    probe = fit_linear(more, labels, EXACT)
    assert probe.scale[-1] == 1
    np.testing.assert_allclose(probe.logits(more), fit_linear(features, labels, EXACT).logits(features), atol=2e-2)


def test_fewer_rows_than_components_are_solved_too() -> None:
    features, labels = planted(num=40, width=100, seed=6)
    labels[:, 0] = np.arange(40) % 2
    ours = fit_linear(features, labels[:, :1], EXACT).logits(features)[:, 0]
    np.testing.assert_allclose(ours, theirs(features, labels[:, 0], 1.0, True), atol=5e-3)


def test_the_features_are_left_as_they_are() -> None:
    features, labels = planted()
    features.flags.writeable = labels.flags.writeable = False
    probe = fit_linear(features, labels, LinearConfig())
    assert probe.logits(features).shape == labels.shape


def test_what_was_not_solved_says_so() -> None:
    probe = fit_linear(*planted(), LinearConfig(max_steps=1))
    assert (probe.num_steps, probe.converged) == (1, False)


@pytest.mark.parametrize(
    ("field", "value"), [("l2", 0.0), ("l2", float("nan")), ("max_steps", 0), ("tolerance", -1.0), ("tolerance", 0.0)]
)
def test_a_config_refuses_nonsense(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{field} is {value}; it must be"):
        LinearConfig(**{field: value})  # type: ignore[arg-type]


def fitted() -> LinearProbe:
    return fit_linear(*planted(), LinearConfig())


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"features have the shape \(5, 3\); the probe was fitted on \(N, 12\)"):
        fitted().logits(np.zeros((5, 3), np.float32))


def test_features_that_are_not_finite_are_refused() -> None:
    features, labels = planted()
    features[7, 2] = np.nan
    with pytest.raises(ConfigError, match="1 of 900 rows of features are not finite"):
        fit_linear(features, labels, LinearConfig())
    with pytest.raises(ConfigError, match="1 of 900 rows of features are not finite"):
        fitted().logits(features)


@pytest.mark.parametrize(
    ("shape", "message"), [((0, 3), r"\(0, 3\); they must be \(N, D\)"), ((4,), r"\(4,\); they must be \(N, D\)")]
)
def test_features_of_another_shape_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        fit_linear(np.zeros(shape, np.float32), np.zeros((shape[0], 1), np.int8), LinearConfig())


def test_labels_that_do_not_fit_are_refused() -> None:
    features, labels = planted()
    with pytest.raises(ConfigError, match=r"labels have the shape \(899, 4\) beside features \(900, 12\)"):
        fit_linear(features, labels[1:], LinearConfig())
    with pytest.raises(ConfigError, match="labels go from -1 to 9; they must be 1, 0 or -1"):
        fit_linear(features, np.where(labels == 1, 9, labels).astype(np.int8), LinearConfig())
