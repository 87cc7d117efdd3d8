"""Structural similarity of pictures (Wang et al., IEEE TIP 2004)."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from tcae.manifests.errors import ConfigError

SIDE, SIGMA = 11, 1.5
"""Of the Gaussian window, in pixels (section III-B)."""
C1, C2 = 0.01**2, 0.03**2
"""What keeps quotients finite, for pictures of range 1 (section III-B)."""


def ssim(one: Tensor, other: Tensor) -> Tensor:
    """How alike two pictures are, as a mean over channels and all windows that lie in the picture.

    Args:
        one: (N, C, H, W), by rights in 0-1, which the constants are for; of at least 11 pixels along each axis.
        other: The same.

    Returns:
        (N,) in -1 to 1; 1 where they are one picture.

    Raises:
        ConfigError: no window fits.
    """
    if min(one.shape[-2:]) < SIDE:
        raise ConfigError(f"SSIM needs pictures of at least {SIDE} px, not {tuple(one.shape[-2:])}")
    mean, mean_other = _blurred(one), _blurred(other)
    spread = _blurred(one.square()) - mean.square()
    spread_other = _blurred(other.square()) - mean_other.square()
    shared = _blurred(one * other) - mean * mean_other
    above = (2 * mean * mean_other + C1) * (2 * shared + C2)
    below = (mean.square() + mean_other.square() + C1) * (spread + spread_other + C2)
    return (above / below).flatten(1).mean(1)


def _blurred(pictures: Tensor) -> Tensor:
    """Weighted means of windows: (N, C, H, W) to (N, C, H - 10, W - 10); rows first, then columns."""
    channels = pictures.shape[1]
    away = torch.arange(SIDE, device=pictures.device, dtype=pictures.dtype) - SIDE // 2
    weights = torch.exp(-away.square() / (2 * SIGMA**2))
    line = (weights / weights.sum()).expand(channels, 1, 1, SIDE)
    return conv2d(conv2d(pictures, line, groups=channels), line.transpose(2, 3), groups=channels)
