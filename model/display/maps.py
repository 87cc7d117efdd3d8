"""Where faces move: the mean length of each branch's displacement at each pixel (as in Fig. 5 of Li et al.)."""

import numpy as np
from numpy.typing import NDArray

from tcae.model.display.pictures import RGB, below, beside, coloured, enlarged, framed, titled, written

SIDE = 256
"""Least side of a map, in pixels."""
BAR_PX = 18


def length_maps(au: NDArray[np.floating], pose: NDArray[np.floating]) -> RGB:
    """Draw both maps twice: on one scale, to compare them, and each on its own, to see where it moves.

    Args:
        au: (H, W) mean lengths in half-image units.
        pose: The same.
    """
    highest = _highest(au, pose)
    together = beside([_map("AU, one scale", au, highest), _map("pose, one scale", pose, highest)], gap=24)
    apart = beside([_map("AU, own scale", au, _highest(au)), _map("pose, own scale", pose, _highest(pose))], gap=24)
    return framed(below([together, apart], gap=24))


def _map(name: str, lengths: NDArray[np.floating], highest: float) -> RGB:
    picture = enlarged(coloured(lengths, highest), SIDE)
    mean = float(np.nanmean(lengths)) if np.isfinite(lengths).any() else float("nan")
    return titled(beside([picture, _bar(len(picture), highest)], gap=6), f"{name}: mean {mean:.4f}")


def _bar(height: int, highest: float) -> RGB:
    """The colours from 0 to the highest length, with numbers."""
    ramp = np.linspace(highest, 0, height)[:, None].repeat(BAR_PX, axis=1)
    top, bottom = written(f"{highest:.4f}", 12), written("0", 12)
    px = written(f"{highest * 128:.1f} px of 256", 12)
    space = np.full((max(1, height - len(top) - len(px) - len(bottom)), 1, 3), 255, np.uint8)
    return beside([coloured(ramp, highest), below([top, px, space, bottom], gap=0)], gap=4)


def _highest(*maps: NDArray[np.floating]) -> float:
    known = [float(np.nanmax(one)) for one in maps if np.isfinite(one).any()]
    return max(known, default=1e-6) or 1e-6
