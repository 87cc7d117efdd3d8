"""Losses of each sample, and their weighted sum."""

from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tcae.model.recipe import LossWeights


def l1(one: Tensor, other: Tensor) -> Tensor:
    """Mean absolute difference of each sample: (N, ...) twice to (N,)."""
    return (one - other).abs().flatten(1).mean(1)


def l2(one: Tensor, other: Tensor) -> Tensor:
    """Mean squared difference of each sample: (N, ...) twice to (N,)."""
    return (one - other).square().flatten(1).mean(1)


def presence(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy of each sample, summed over its known labels.

    Args:
        logits: (N, L) log odds that an AU is there.
        labels: (N, L) 1, 0, or NaN where nobody knows, which counts nowhere.

    Returns:
        (N,).
    """
    known = ~labels.isnan()
    wanted = labels.where(known, 0.0).to(logits.dtype)
    each = binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (each * known).sum(1)


def weighted(terms: Mapping[str, Tensor], weights: LossWeights) -> dict[str, Tensor]:
    """Each term that counts, times its weight."""
    return {name: weight * terms[name] for name, weight in asdict(weights).items() if weight > 0}


def total_of(terms: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of the terms, (N,)."""
    return torch.stack(list(weighted(terms, weights).values())).sum(0)
