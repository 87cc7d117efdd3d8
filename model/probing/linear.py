"""The paper's probe: what a linear classifier reads from a frozen embedding, one for each action unit.

Li et al., CVPR 2019, train batch normalisation and a linear layer without bias over the frozen embedding, with binary
cross entropy for each AU and the rarer class weighed up by its inverse frequency. On frozen inputs batch normalisation
is a standardisation by the training set's mean and deviation; its shift, behind which the layer stands, is the bias.
So the classifier is logistic regression with a bias on standardised embeddings; it is solved here to its minimum, which
leaves no learning rate, batch size or number of epochs to choose (the paper states none).
"""

import math
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tcae.manifests.errors import ConfigError
from tcae.model.probing.scaling import Features as Features
from tcae.model.probing.scaling import Floats as Floats
from tcae.model.probing.scaling import scores, standardised
from tcae.model.probing.solver import Problem, minimise_in_threads

Labels: TypeAlias = NDArray[np.int8]
"""(N, A): 1 present, 0 absent, -1 missing."""


@dataclass(frozen=True, kw_only=True)
class LinearConfig:
    """How the classifiers are found."""

    l2: float = 1.0
    """Of 0.5 * l2 * |weight|^2 beside the sum of weighted losses; one over scikit-learn's C. The bias is free."""
    max_steps: int = 100
    tolerance: float = 1e-4
    """Largest component of the mean loss's gradient at which an AU counts as solved, as scikit-learn's ``tol``."""
    balanced: bool = True
    """Weigh each class by num_labelled / (2 * num_of_class), as the paper and scikit-learn's ``balanced``."""

    def __post_init__(self) -> None:
        if not 0 < self.l2 < math.inf:
            raise ConfigError(f"l2 is {self.l2}; it must be above 0, for without it separable labels have no solution")
        if self.max_steps < 1:
            raise ConfigError(f"max_steps is {self.max_steps}; it must be at least 1")
        if not 0 < self.tolerance < math.inf:
            raise ConfigError(f"tolerance is {self.tolerance}; it must be above 0")


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """Classifiers of A action units on standardised embeddings."""

    mean: Floats
    """(D,) of the training rows."""
    scale: Floats
    """(D,) their deviation; 1 where a component never changes."""
    weight: Floats
    """(A, D)"""
    bias: Floats
    """(A,)"""
    constant: NDArray[np.bool_]
    """(A,) AUs of which the training rows have one class only, or no label: their logit is
    log((num_present + 1/2) / (num_absent + 1/2)) for every face."""
    num_steps: int
    converged: bool
    """Whether every AU was solved within the tolerance."""

    def logits(self, features: Features) -> Floats:
        """(N, A) log odds of presence; above 0 the AU is more likely present than absent.

        Raises:
            ConfigError: the features have another width, or are not finite.
        """
        return scores(features, self.mean, self.scale, self.weight, self.bias)


@dataclass(frozen=True, kw_only=True)
class _AuProblem(Problem):
    """Mean weighted binary cross entropy of each AU."""

    signed: Tensor
    """(N, K) each label's share of its AU's loss, below 0 for absent, 0 for missing."""

    def loss(self, scores: Tensor) -> Tensor:
        margins = torch.sign(self.signed).neg_().mul_(scores)
        losses = functional.softplus(margins).mul_(self.signed.abs())
        return losses.sum(0, keepdim=True, dtype=torch.float64)

    def slope(self, scores: Tensor) -> Tensor:
        return torch.sign(self.signed).neg_().mul_(scores).sigmoid_().mul_(self.signed).neg_()

    def only(self, kept: Tensor) -> Self:
        return replace(self, penalty=self.penalty[:, kept], signed=self.signed[:, kept])


def fit_linear(features: Features, labels: Labels, config: LinearConfig) -> LinearProbe:
    """Solve the classifiers of all AUs at once.

    Args:
        features: (N, D) training embeddings.
        labels: (N, A); rows with a missing label teach that AU nothing.
        config: How.

    Raises:
        ConfigError: shapes differ, a label is not 1, 0 or -1, or features are not finite.
    """
    _check(features, labels)
    rows, mean, scale = standardised(features)
    weights, totals = _weights(labels, balanced=config.balanced)
    constant, start = _start(labels, rows.shape[1])
    solved = torch.from_numpy(~constant)
    parameters, num_steps, converged = start, 0, True
    if bool(solved.any()):
        penalty = torch.from_numpy(config.l2 / totals[~constant])[None]
        problem = _AuProblem(rows=rows, penalty=penalty, signed=torch.from_numpy(weights[:, ~constant]))
        found = minimise_in_threads(
            problem, start[:, solved] * 0, max_steps=config.max_steps, tolerance=config.tolerance
        )
        parameters[:, solved] = found.parameters
        num_steps, converged = found.num_steps, bool(found.converged.all())
    values = parameters.float().numpy()
    return LinearProbe(mean, scale, values[:-1].T.copy(), values[-1], constant, num_steps, converged)


def _check(features: Features, labels: Labels) -> None:
    if labels.ndim != 2 or len(labels) != len(features):
        raise ConfigError(f"labels have the shape {labels.shape} beside features {features.shape}; they must be (N, A)")
    if labels.size and not (labels.min() >= -1 and labels.max() <= 1):
        raise ConfigError(f"labels go from {labels.min()} to {labels.max()}; they must be 1, 0 or -1 for missing")


def _start(labels: Labels, width: int) -> tuple[NDArray[np.bool_], Tensor]:
    """Which AUs have one class only, and parameters (D + 1, A) of weight 0 whose bias are the smoothed log odds."""
    present, absent = (labels == 1).sum(0), (labels == 0).sum(0)
    start = torch.zeros(width + 1, labels.shape[1], dtype=torch.float64)
    start[-1] = torch.from_numpy(np.log((present + 0.5) / (absent + 0.5)))
    return np.minimum(present, absent) == 0, start


def _weights(labels: Labels, *, balanced: bool) -> tuple[Floats, NDArray[np.float64]]:
    """Each label's share (N, A) of its AU's loss, below 0 for absent, 0 for missing; the sum of weights (A,)."""
    present, absent = (labels == 1), (labels == 0)
    num_present, num_absent = present.sum(0), absent.sum(0)
    total = np.maximum(num_present + num_absent, 1).astype(np.float64)
    if balanced:
        one, other = 0.5 / np.maximum(num_present, 1), 0.5 / np.maximum(num_absent, 1)
    else:
        one = other = 1 / total
    return present * one.astype(np.float32) - absent * other.astype(np.float32), total
