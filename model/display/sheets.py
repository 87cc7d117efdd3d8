"""The sample sheet: what a model makes of a few pairs (as in Fig. 4 of Li et al., CVPR 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.model.display.pictures import (
    RGB,
    below,
    beside,
    coloured,
    enlarged,
    framed,
    from_floats,
    titled,
    written,
)
from tcae.model.display.wheel import colour_of, key

LEAST_SIDE = 128
"""Smaller faces are enlarged, in pixels."""
HEADING_PX = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Swap:
    """One pair and what was made of it; faces are (3, H, W) in 0-1, displacements (2, H, W) in half-image units."""

    source: NDArray[np.floating]
    target: NDArray[np.floating]
    au_image: NDArray[np.floating]
    pose_image: NDArray[np.floating]
    output: NDArray[np.floating]
    au_displacement: NDArray[np.floating]
    pose_displacement: NDArray[np.floating]
    au_mask: NDArray[np.floating]
    """(H, W) in 0-1."""


def sample_sheet(rows: Sequence[Swap], title: str) -> RGB:
    """Draw pairs, one a row, with one scale for all displacements and the mean length of each kind.

    Raises:
        ConfigError: there is no pair.
    """
    if not rows:
        raise ConfigError("a sample sheet needs at least one pair, not 0")
    longest = _longest(rows)
    columns = {
        "source": [from_floats(row.source) for row in rows],
        "target": [from_floats(row.target) for row in rows],
        "AU-changed": [from_floats(row.au_image) for row in rows],
        "pose-changed": [from_floats(row.pose_image) for row in rows],
        "reconstruction": [from_floats(row.output) for row in rows],
        _moved("AU", [row.au_displacement for row in rows]): [colour_of(row.au_displacement, longest) for row in rows],
        _moved("pose", [row.pose_displacement for row in rows]): [
            colour_of(row.pose_displacement, longest) for row in rows
        ],
        "AU mask": [coloured(row.au_mask, 1.0) for row in rows],
    }
    drawn = [titled(below([enlarged(cell, LEAST_SIDE) for cell in cells]), name) for name, cells in columns.items()]
    drawn.append(titled(key(LEAST_SIDE, longest), "key"))
    return framed(below([written(title, HEADING_PX), beside(drawn)]))


def _moved(name: str, displacements: Sequence[NDArray[np.floating]]) -> str:
    return f"{name} moves {np.mean([lengths_of(one).mean() for one in displacements]):.3f}"


def _longest(rows: Sequence[Swap]) -> float:
    """The length that all but one in a hundred pixels stay under; of the longer kind of displacement."""
    known = [lengths_of(one) for row in rows for one in (row.au_displacement, row.pose_displacement)]
    return max(1e-3, *(float(np.nanquantile(one, 0.99)) for one in known if np.isfinite(one).any()), 0.0)


def lengths_of(displacement: NDArray[np.floating]) -> NDArray[np.floating]:
    """The length of each pixel's displacement (2, H, W), (H, W)."""
    return np.asarray(np.hypot(displacement[0], displacement[1]))
