"""What turns a representation into decisions: each fits on some faces and scores others; present is above 0."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tcae.model.probing.linear import Features, Floats, Labels, LinearConfig, fit_linear
from tcae.model.probing.neighbours import knn_scores

Classifier: TypeAlias = Callable[[Features, Labels, Features], Floats]
"""Fitted features (N, D), their labels (N, A), other features (M, D) -> (M, A) scores, present above 0."""


def linear(config: LinearConfig) -> Classifier:
    """The paper's probe; above 0 is above a probability of 0.5."""
    return lambda fitted, labels, scored: fit_linear(fitted, labels, config).logits(scored)


def neighbours(k: int) -> Classifier:
    """The vote of the k nearest fitted faces; more than half of those that are labelled must have the AU."""
    return lambda fitted, labels, scored: np.asarray(knn_scores(fitted, labels, scored, k) - 0.5, np.float32)


def all_positive(fitted: Features, labels: Labels, scored: Features) -> Floats:
    """Every AU in every face: the F1 that knowing nothing but the rate of positives reaches."""
    return np.ones((len(scored), labels.shape[1]), np.float32)


def majority(fitted: Features, labels: Labels, scored: Features) -> Floats:
    """Each AU's more frequent answer among the fitted faces."""
    answers = np.where((labels == 1).sum(0) > (labels == 0).sum(0), 1.0, -1.0)
    return np.broadcast_to(answers, (len(scored), labels.shape[1])).astype(np.float32)
