"""Displacements as colours.

Convention
    axis order: a displacement is (2, H, W), x then y; x grows to the right, y downwards
    unit: half images; the corner pixels' centres are 2 apart, which are 255 pixels of a 256-px face
    colour: the hue is the direction on the wheel as it is drawn, the saturation the length, white no displacement
    sign: backward, as the network's: the colour at p says where the pixel at p was fetched from
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.model.display.pictures import GREY, RGB, Field, below, filled, written
from tcae.model.recipe import FACE_PX

PX = (FACE_PX - 1) / 2
"""Pixels of a 256-px face in one half-image unit."""
LEAST_KEY_PX = 40
_ROUND = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_FULL_LIGHTNESS, _CHROMA, _MORE_CHROMA, _MOST_AT = 0.68, 0.135, 0.025, math.radians(20)
"""Of the wheel's rim in OKLab. The chroma swings a little around the rim, because the screen's colours reach less far
towards teal; the lightness does not, so equally long displacements are equally light."""

# OKLab to the cube roots of cone responses, and cone responses to linear sRGB (B. Ottosson, "A perceptual color space
# for image processing", 2020).
_TO_CONES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def colour_of(displacement: Field, longest: float) -> RGB:
    """A displacement as a picture.

    Args:
        displacement: (2, H, W), half-image units; what is not finite becomes grey.
        longest: The length of full colour; longer ones look the same.

    Raises:
        ConfigError: the shape is another, or ``longest`` is not positive.
    """
    if displacement.ndim != 3 or len(displacement) != 2:
        raise ConfigError(f"a displacement is (2, H, W), not {displacement.shape}")
    if not 0 < longest < math.inf:
        raise ConfigError(f"the longest displacement of a wheel must be positive, not {longest}")
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(displacement).all(axis=0))
    x, y = np.where(finite, displacement, 0).astype(np.float64)
    return filled(_srgb(np.arctan2(y, x), (np.hypot(x, y) / longest).clip(0, 1)), ~finite)


def key(side: int, longest: float) -> RGB:
    """The wheel with its scale written under it in half-image units and in pixels of a 256-px face.

    Returns:
        (side + two lines, side, 3); the font's size is a tenth of the side.

    Raises:
        ConfigError: ``side`` is too small to show anything, or ``longest`` is not positive.
    """
    if side < LEAST_KEY_PX:
        raise ConfigError(f"a wheel's key needs a side of at least {LEAST_KEY_PX} px, not {side}")
    at = (np.arange(side) + 0.5) * 2 / side - 1
    disc = np.stack(np.meshgrid(at, at))  # (2, side, side)
    inside = ((1 - np.hypot(*disc)) * side / 2 + 0.5).clip(0, 1)[..., None]  # a rim of one pixel, antialiased
    wheel = np.rint(inside * colour_of(disc * longest, longest) + (1 - inside) * 255).astype(np.uint8)
    units, pixels = f"rim {number(longest)} half images", f"{number(longest * PX)} px of {FACE_PX}"
    size = side // 10
    return below([wheel, written(units, side, size), written(pixels, side, size, ink=GREY)], gap=0)


def common_scale(displacements: Sequence[Field]) -> float:
    """A round length that all but the longest 2 % of all pixels' displacements stay under.

    Args:
        displacements: Each (2, H, W), half-image units; pixels that are not finite do not count.

    Returns:
        1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten; 0.01 where nothing moves.
    """
    lengths = np.concatenate([lengths_of(displacement) for displacement in displacements])
    return rounded_up(float(np.quantile(lengths, 0.98))) if lengths.size else 0.01


def lengths_of(displacement: Field) -> Field:
    """The Euclidean lengths of a displacement's finite pixels, as one row of numbers."""
    x, y = displacement.astype(np.float64)
    lengths: Field = np.hypot(x, y)
    return lengths[np.isfinite(displacement).all(axis=0)]


def mean_of(values: Field) -> float:
    """The mean of the finite ones; NaN where there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean(dtype=np.float64)) if finite.size else math.nan


def rounded_up(value: float) -> float:
    """The least round number that is no smaller; 0.01 for 0 and for what is hardly more."""
    if not value > 1e-6:
        return 0.01
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in _ROUND if value <= step * power * (1 + 1e-9)), 10 * power)


def number(value: float) -> str:
    """A positive number with two significant digits, never as a power of ten."""
    if not math.isfinite(value) or value < 5e-6:
        return "0" if math.isfinite(value) else "not a number"
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"


def _srgb(direction: Field, saturation: Field) -> RGB:
    """Colours (H, W, 3) on a straight line in OKLab from white to the rim's colour in that direction, in radians."""
    chroma = saturation * (_CHROMA + _MORE_CHROMA * np.cos(direction - _MOST_AT))
    lightness = 1 - (1 - _FULL_LIGHTNESS) * saturation
    oklab = np.stack([lightness, chroma * np.cos(direction), chroma * np.sin(direction)], axis=-1)
    linear = ((oklab @ _TO_CONES.T) ** 3 @ _TO_LINEAR.T).clip(0, 1)
    shown: Field = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(shown * 255).astype(np.uint8)
