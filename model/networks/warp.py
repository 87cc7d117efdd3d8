"""Where pixels come from: grids, displacements and sampling; the coordinate convention lives here alone.

Convention
    axis order: a displacement is (N, 2, H, W), a grid (N, H, W, 2), both x then y; x grows to the right, y downwards
    unit: half images; centres of the corner pixels are at -1 and +1 (``align_corners=True``), so a pixel is 2 / (W - 1)
    sign: backward; the warped face at p is the face at p + displacement(p)
    outside: positions are clamped to [-1, 1]; what the sampler itself would find outside is 0

The released code was written for a torch whose sampler knew this ``align_corners`` only. The paper words the sign the
other way round.
"""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def identity_grid(like: Tensor) -> Tensor:
    """The positions that leave pictures (..., H, W) as they are: (1, H, W, 2), of their device and dtype."""
    height, width = like.shape[-2:]
    y = torch.linspace(-1, 1, height, device=like.device, dtype=like.dtype)
    x = torch.linspace(-1, 1, width, device=like.device, dtype=like.dtype)
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1)[None]


def grid_of(displacement: Tensor) -> Tensor:
    """The sampling positions (N, H, W, 2) of a displacement (N, 2, H, W): the identity grid plus it, clamped."""
    identity = identity_grid(displacement)
    return (identity + displacement.permute(0, 2, 3, 1)).clamp(-1, 1)


def reached(displacement: Tensor) -> Tensor:
    """The part of a displacement that stays in the picture: its clamped grid minus the identity grid; (N, H, W, 2)."""
    return grid_of(displacement) - identity_grid(displacement)


def warp(faces: Tensor, displacement: Tensor) -> Tensor:
    """Move the pixels of faces.

    Args:
        faces: (N, 3, H, W). No gradient goes into them: the released code detaches every picture that it warps.
        displacement: (N, 2, H, W), half-image units.

    Returns:
        (N, 3, H, W), bilinear.
    """
    return sampled(faces.detach(), grid_of(displacement))


def sampled(faces: Tensor, grid: Tensor) -> Tensor:
    """The colours of faces (N, 3, H, W) at the positions of a grid (N, H, W, 2), bilinear; both get their gradients."""
    return grid_sample(faces, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def lengths(displacement: Tensor) -> Tensor:
    """Euclidean length of each pixel's displacement (N, 2, H, W), half-image units, before any clamping; (N, H, W)."""
    return displacement.square().sum(dim=1).sqrt()
