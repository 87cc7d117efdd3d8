"""Faces in CIE Lab, and its channels cut into bins.

Convention
    lab: (N, 3, H, W); L in 0-100, a (green to red) and b (blue to yellow) in about -110 to 110
    rgb: (N, 3, H, W) in 0-1, sRGB (IEC 61966-2-1); white is D65
    bins: a bin's number counts from 0, the largest of b fastest; the side of an ab bin is ``AB_STEP``, of L 1
"""

import torch
from torch import Tensor

AB_REACH = 110
"""Every colour of sRGB lies within plus and minus this: a in -86.2 to 98.3, b in -107.9 to 94.5."""
AB_STEP = 10
"""Side of a bin of a and b (Zhang et al., ECCV 2016)."""
AB_SIDE = 2 * AB_REACH // AB_STEP + 1
NUM_AB_BINS = AB_SIDE**2
NUM_L_BINS = 100

_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
"""Linear sRGB to XYZ (ITU-R BT.709 primaries, D65)."""
_KNEE, _SLOPE, _SHIFT = (6 / 29) ** 3, (29 / 6) ** 2 / 3, 4 / 29
"""Under the knee CIE's cube root is a line."""


def lab_of(faces: Tensor) -> Tensor:
    """Lab of faces in RGB."""
    linear = torch.where(faces <= 0.04045, faces / 12.92, ((faces + 0.055) / 1.055) ** 2.4)
    xyz = torch.einsum("ij,njhw->nihw", _matrix(faces), linear)
    roots = torch.where(xyz > _KNEE, xyz.clamp(min=_KNEE) ** (1 / 3), _SLOPE * xyz + _SHIFT)
    x, y, z = roots.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def rgb_of(lab: Tensor) -> Tensor:
    """RGB of faces in Lab; what no screen can show is clamped."""
    y = (lab[:, 0] + 16) / 116
    roots = torch.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], 1)
    xyz = torch.where(roots > 6 / 29, roots**3, (roots - _SHIFT) / _SLOPE)
    linear = torch.einsum("ij,njhw->nihw", torch.linalg.inv(_matrix(lab)), xyz).clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-9) ** (1 / 2.4) - 0.055)


def ab_bins(ab: Tensor) -> Tensor:
    """The bin of each colour: (N, 2, H, W) to int64 (N, H, W); bins lie around the multiples of ``AB_STEP``."""
    a, b = ((ab + AB_REACH) / AB_STEP).round().long().clamp(0, AB_SIDE - 1).unbind(1)
    return a * AB_SIDE + b


def l_bins(lightness: Tensor) -> Tensor:
    """The bin of each lightness: (N, 1, H, W) to int64 (N, H, W); bin k is k to k + 1."""
    return lightness[:, 0].floor().long().clamp(0, NUM_L_BINS - 1)


def ab_centres(like: Tensor) -> Tensor:
    """Both values, a then b, in the middle of every bin: (529, 2), of the device and dtype of ``like``."""
    side = torch.arange(AB_SIDE, device=like.device, dtype=like.dtype) * AB_STEP - AB_REACH
    return torch.cartesian_prod(side, side)


def l_centres(like: Tensor) -> Tensor:
    """L in the middle of every bin: (100, 1)."""
    return torch.arange(NUM_L_BINS, device=like.device, dtype=like.dtype)[:, None] + 0.5


def _matrix(like: Tensor) -> Tensor:
    """To XYZ as parts of the white's, so that white is 1, 1, 1."""
    rows = torch.tensor(_TO_XYZ, device=like.device, dtype=like.dtype)
    return rows / rows.sum(1, keepdim=True)
