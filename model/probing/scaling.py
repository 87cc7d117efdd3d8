"""Embeddings with mean 0 and deviation 1, as batch normalisation gives them, and linear scores of them."""

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tcae.manifests.errors import ConfigError

Floats: TypeAlias = NDArray[np.float32]
Features: TypeAlias = NDArray[np.float32]
"""(N, D) embeddings."""

_CHUNK = 8192
"""Rows that are standardised at a time; they and their copy stay in the cache."""


def standardised(features: Features) -> tuple[Tensor, Floats, Floats]:
    """Copy the features with mean 0 and deviation 1 in each component.

    Returns:
        The copy (N, D) float32, the mean and the deviation (D,); where a component never changes, 1 for the latter.

    Raises:
        ConfigError: there are no rows, or a value is not finite.
    """
    if features.ndim != 2 or not features.size:
        raise ConfigError(f"features have the shape {features.shape}; they must be (N, D) with at least one row")
    mean = features.mean(0, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise ConfigError(f"{_num_broken(features):,} of {len(features):,} rows of features are not finite")
    rows = np.subtract(features, mean.astype(np.float32), dtype=np.float32)
    chunks = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
    squares = sum(np.einsum("nd,nd->d", chunk, chunk).astype(np.float64) for chunk in chunks)
    scale = np.sqrt(squares / len(rows))
    # what float32 rounds off of a constant is no signal
    scale = np.where(scale > 1e-6 * np.abs(mean), scale, 1.0).astype(np.float32)
    for chunk in chunks:
        chunk /= scale
    return torch.from_numpy(rows), mean.astype(np.float32), scale


def scores(features: Features, mean: Floats, scale: Floats, weight: Floats, bias: Floats) -> Floats:
    """Standardised features (N, D) times weight (K, D), plus bias: (N, K) float32.

    Raises:
        ConfigError: the features have another width, or are not finite.
    """
    if features.ndim != 2 or features.shape[1] != len(mean):
        raise ConfigError(f"features have the shape {features.shape}; the probe was fitted on (N, {len(mean)})")
    found = np.empty((len(features), len(weight)), np.float32)
    for start in range(0, len(features), _CHUNK):
        chunk = (features[start : start + _CHUNK] - mean) / scale
        np.matmul(chunk, weight.T, out=found[start : start + _CHUNK])
    found += bias
    if not np.isfinite(found).all():
        raise ConfigError(f"{_num_broken(features):,} of {len(features):,} rows of features are not finite")
    return found


def _num_broken(features: Features) -> int:
    return int((~np.isfinite(features).all(1)).sum())
