"""Several classes, such as expressions: multinomial logistic regression on standardised embeddings.

It is the same linear classifier as FaceCycle's protocol trains (Chang et al., ICCV 2021: SGD at a learning rate of 30
on a frozen encoder), solved to its minimum; that training is not copied, so its learning rate, epochs and augmentation
have no counterpart here.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tcae.manifests.errors import ConfigError
from tcae.model.probing.linear import LinearConfig
from tcae.model.probing.scaling import Features, Floats, scores, standardised
from tcae.model.probing.solver import Problem, minimise


@dataclass(frozen=True, eq=False)
class ClassProbe:
    """A classifier of K classes on standardised embeddings."""

    mean: Floats
    """(D,) of the training rows."""
    scale: Floats
    """(D,) their deviation."""
    weight: Floats
    """(K, D); 0 for a class that was not learned."""
    bias: Floats
    """(K,)"""
    learned: NDArray[np.bool_]
    """(K,) whether the training rows had the class; one that they had not is never chosen: its logit is -inf."""
    num_steps: int
    converged: bool

    def logits(self, features: Features) -> Floats:
        """(N, K) unnormalised log probabilities; the class is the highest.

        Raises:
            ConfigError: the features have another width, or are not finite.
        """
        found = scores(features, self.mean, self.scale, self.weight, self.bias)
        found[:, ~self.learned] = -np.inf
        return found


@dataclass(frozen=True, kw_only=True)
class _ClassProblem(Problem):
    """Mean weighted cross entropy."""

    joint: ClassVar[bool] = True
    target: Tensor
    """(N,) int64"""
    weights: Tensor
    """(N,) each row's share of the loss."""

    def loss(self, scores: Tensor) -> Tensor:
        losses = functional.cross_entropy(scores, self.target, reduction="none")
        return (losses * self.weights).sum(dtype=torch.float64).reshape(1, 1)

    def slope(self, scores: Tensor) -> Tensor:
        slope = torch.softmax(scores, 1)
        slope[torch.arange(len(self.target)), self.target] -= 1
        return slope.mul_(self.weights[:, None])


def fit_classes(features: Features, classes: NDArray[np.integer], config: LinearConfig, num_classes: int) -> ClassProbe:
    """Solve the classifier.

    Args:
        features: (N, D) training embeddings.
        classes: (N,) from 0; -1 is missing.
        config: How; ``balanced`` gives each class the same weight, accuracy is highest without it.
        num_classes: K, of which the training rows need not have all.

    Raises:
        ConfigError: shapes differ, a class is out of range, no row has a class, or features are not finite.
    """
    known = _known(features, classes, num_classes)
    rows, mean, scale = standardised(features if known.all() else features[known])
    learned, column, num_of_class = np.unique(classes[known], return_inverse=True, return_counts=True)
    weights = torch.ones(len(rows))
    if config.balanced:
        weights = torch.from_numpy((len(rows) / (len(learned) * num_of_class))[column].astype(np.float32))
    penalty = torch.full((1, len(learned)), config.l2 / len(rows), dtype=torch.float64)
    problem = _ClassProblem(rows=rows, penalty=penalty, target=torch.from_numpy(column), weights=weights / len(rows))
    start = torch.zeros(rows.shape[1] + 1, len(learned), dtype=torch.float64)
    found = minimise(problem, start, max_steps=config.max_steps, tolerance=config.tolerance)
    values = np.zeros((num_classes, rows.shape[1] + 1), np.float32)
    values[learned] = found.parameters.T.numpy()
    is_learned = np.isin(np.arange(num_classes), learned)
    return ClassProbe(
        mean, scale, values[:, :-1], values[:, -1], is_learned, found.num_steps, bool(found.converged.all())
    )


def confusion_of(classes: NDArray[np.integer], chosen: NDArray[np.integer], num_classes: int) -> NDArray[np.int64]:
    """How many faces (K, K) of each class (row) were given each class (column); missing classes (-1) are left out."""
    known = classes >= 0
    cells = classes[known].astype(np.int64) * num_classes + chosen[known]
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def accuracy_of_classes(confusion: NDArray[np.int64]) -> float:
    """The share of faces that were given their class; NaN without any."""
    total = int(confusion.sum())
    return float(np.trace(confusion) / total) if total else np.nan


def recalls_of(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share (K,) of each class's faces that were given it; NaN for a class without any."""
    num = confusion.sum(1)
    recalls: NDArray[np.float64] = np.divide(np.diagonal(confusion), num, out=np.full(len(num), np.nan), where=num > 0)
    return recalls


def _known(features: Features, classes: NDArray[np.integer], num_classes: int) -> NDArray[np.bool_]:
    """Which rows have a class."""
    if classes.shape != features.shape[:1]:
        raise ConfigError(f"classes have the shape {classes.shape} beside features {features.shape}; they must be (N,)")
    known: NDArray[np.bool_] = classes >= 0
    if not known.any():
        raise ConfigError(f"none of {len(classes):,} rows has a class; a classifier needs at least one")
    if classes.min() < -1 or classes.max() >= num_classes:
        span = f"{classes.min()} to {classes.max()}"
        raise ConfigError(f"classes go from {span}; they must be 0 to {num_classes - 1}, or -1 for missing")
    return known
