"""Pixels as networks see them that were trained on ImageNet."""

import torch
from torch import Tensor

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, RGB in 0-1 (torchvision)."""


def normalised(faces: Tensor) -> Tensor:
    """RGB in 0-1 (N, 3, H, W) in units of the spread around the mean."""
    return (faces - _colour(MEAN, faces)) / _colour(SPREAD, faces)


def displayed(faces: Tensor) -> Tensor:
    """Normalised pictures as RGB again, in 0-1 where they are pictures; not clamped."""
    return faces * _colour(SPREAD, faces) + _colour(MEAN, faces)


def _colour(channels: tuple[float, float, float], like: Tensor) -> Tensor:
    return torch.tensor(channels, device=like.device, dtype=like.dtype)[:, None, None]
