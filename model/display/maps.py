"""Numbers per pixel as colours from dark to light, and the map of mean displacement lengths (the paper's Fig. 5)."""

import math

import cv2
import numpy as np

from tcae.manifests.errors import ConfigError
from tcae.model.display.pictures import (
    BLACK,
    GAP,
    GREY,
    NOTE,
    RGB,
    TITLE,
    Field,
    below,
    beside,
    blank,
    enlarged,
    factor_of,
    filled,
    framed,
    line_px,
    titled,
    written,
)
from tcae.model.display.wheel import PX, mean_of, number, rounded_up
from tcae.model.recipe import FACE_PX

MAP_SIDE = 256
"""Smaller maps are enlarged to this side or a little more."""
BAR_PX = 16
"""Width of a colour bar."""
LABELS_PX = 116
"""Width of the numbers beside it, where they are in two units."""


def heat_of(values: Field, top: float) -> RGB:
    """Numbers (H, W) as colours of viridis: 0 is dark, ``top`` light, both ends clipped, what is not finite grey.

    Raises:
        ConfigError: the shape is another, or ``top`` is not positive.
    """
    if values.ndim != 2:
        raise ConfigError(f"a map is (H, W), not {values.shape}")
    if not 0 < top < math.inf:
        raise ConfigError(f"the top of a colour bar must be positive, not {top}")
    finite = np.isfinite(values)
    levels = np.rint(np.where(finite, values, 0).clip(0, top) * (255 / top)).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[..., ::-1].astype(np.uint8)
    return filled(colours, ~finite)


def ticks(top: float) -> list[str]:
    """Round numbers from 0 up to a round top, three to six of them, all with the same decimals."""
    power = 10.0 ** math.floor(math.log10(top))
    steps = (step * scale for scale in (power / 10, power) for step in (1, 2, 5))
    step = next(step for step in steps if top / step <= 5 + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{k * step:.{decimals}f}" for k in range(math.floor(top / step + 1e-9) + 1)]


def bar(height: int, top: float, width: int, size: int = NOTE, px: bool = False) -> RGB:
    """A colour bar with numbers to its right; 0 is at the bottom.

    Args:
        height: Of the bar.
        top: The number of its lightest colour.
        width: Of bar and numbers together.
        size: Of the font.
        px: Whether the numbers, half-image units, are followed by pixels of a 256-px face.

    Returns:
        (height + ``line_px(size)``, width, 3): half a line is above the bar and half below it.
    """
    levels = (np.arange(height)[::-1, None] + 0.5) * top / height
    line, left = line_px(size), BAR_PX + GAP
    picture = blank(height + line, width)
    picture[line // 2 : line // 2 + height, :BAR_PX] = heat_of(levels, top)
    for text in ticks(top):
        y = round((1 - float(text) / top) * (height - 1))
        picture[y + line // 2, BAR_PX : BAR_PX + GAP // 2] = BLACK
        label = f"{text} = {float(text) * PX:.1f} px" if px else text
        picture[y : y + line, left:] = written(label, width - left, size, "left")
    return picture


def length_maps(au: Field, pose: Field) -> RGB:
    """Where each branch moves the face: mean displacement lengths, on a scale of their own and on a common one.

    Args:
        au: (H, W), mean length of the AU displacement at each pixel, half-image units.
        pose: The same of the pose displacement, of the same shape.

    Returns:
        Two columns, AU and pose; two rows, own scale and common scale; a colour bar beside each map.

    Raises:
        ConfigError: the shapes differ, or are not (H, W).
    """
    if au.ndim != 2 or au.shape != pose.shape or not au.size:
        raise ConfigError(f"two maps of one shape (H, W) are needed, not {au.shape} and {pose.shape}")
    tops = [rounded_up(_largest(values)) for values in (au, pose)]
    own = [_panel(f"{name} displacement", values, top) for name, values, top in _named(au, pose, tops)]
    both = [_panel(f"{name}, common scale", values, max(tops)) for name, values, _ in _named(au, pose, tops)]
    rows = below([beside(row, gap=3 * GAP) for row in (own, both)])
    title = written("Mean length of the displacements", rows.shape[1], TITLE, "left")
    legend = f"Bars: half images (2 is the picture's width) and pixels of a {FACE_PX}-px face."
    words = [written(text, rows.shape[1], NOTE, "left", GREY) for text in (_sentence(au, pose), legend)]
    return framed(below([title, below(words, gap=0), rows]))


def _named(au: Field, pose: Field, tops: list[float]) -> list[tuple[str, Field, float]]:
    return [("AU", au, tops[0]), ("Pose", pose, tops[1])]


def _panel(name: str, values: Field, top: float) -> RGB:
    """A map under its name, with its bar."""
    picture = enlarged(heat_of(values, top), factor_of(min(values.shape), MAP_SIDE), smooth=False)
    scale = bar(len(picture), top, BAR_PX + GAP + LABELS_PX, px=True)
    named = titled(picture, name)
    lower = blank(len(named) - len(picture) - line_px(NOTE) // 2, 1)  # so that 0 is at the map's last row
    return beside([named, below([lower, scale], gap=0)])


def _sentence(au: Field, pose: Field) -> str:
    means = [mean_of(au), mean_of(pose)]
    ratio = number(means[1] / means[0]) if means[0] > 0 else "undefined"
    said = [f"{number(mean)} half images ({number(mean * PX)} px)" for mean in means]
    return f"Means: AU {said[0]}, pose {said[1]}; pose / AU {ratio}."


def _largest(values: Field) -> float:
    return float(values[np.isfinite(values)].max(initial=0))
