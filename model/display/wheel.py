"""Displacements as colours: the hue is the direction, the strength of the colour the length.

Convention
    axis order: x then y; x to the right, y downwards
    hue: red points right, then yellow-green down, cyan left, violet up
    strength: white is no displacement, the pure colour one of ``longest`` or more
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.model.display.pictures import RGB, below, written

GREY = 128
"""Of what is not a number."""


def colour_of(displacement: NDArray[np.floating], longest: float) -> RGB:
    """A displacement (2, H, W) as a picture.

    Args:
        displacement: Half-image units, x then y.
        longest: The length of the purest colour.
    """
    x, y = displacement.astype(np.float32)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(known, x, 0), np.where(known, y, 0)
    hue = np.degrees(np.arctan2(y, x)) % 360
    strength = (np.hypot(x, y) / max(longest, 1e-12)).clip(0, 1)
    hsv = np.stack([hue, strength, np.ones_like(hue)], axis=-1).astype(np.float32)
    picture = np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8)
    picture[~known] = GREY
    return picture


def key(side: int, longest: float) -> RGB:
    """The wheel with its scale: what a pixel moves, from its centre, to have that colour."""
    at = np.linspace(-1, 1, side, dtype=np.float32)
    x, y = np.meshgrid(at, at)
    wheel = colour_of(np.stack([x, y]) * longest, longest)
    wheel[np.hypot(x, y) > 1] = 255
    return below([wheel, written(f"edge: {longest:.3f}"), written(f"({longest * 128:.1f} px of 256)")], gap=2)
