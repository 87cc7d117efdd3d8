"""Faces and displacements to draw."""

import numpy as np

from tcae.model.display.pictures import RGB, Field
from tcae.model.display.sheets import Swap


def constant(x: float, y: float, side: int = 8) -> Field:
    """The same displacement everywhere."""
    return np.stack([np.full((side, side), float(x)), np.full((side, side), float(y))])


def a_swap(side: int = 8, seed: int = 0, au: float = 0.01, pose: float = 0.05) -> Swap:
    """A swap of noise, moved by constant displacements."""
    generator = np.random.default_rng(seed)
    faces = generator.random((5, 3, side, side), dtype=np.float32)
    return Swap(
        source=faces[0],
        target=faces[1],
        au_image=faces[2],
        pose_image=faces[3],
        output=faces[4],
        au_displacement=constant(au, 0, side),
        pose_displacement=constant(0, pose, side),
        au_mask=generator.random((side, side), dtype=np.float32),
    )


def flat(red: int, green: int, blue: int, height: int = 4, width: int = 4) -> RGB:
    """A picture of one colour."""
    return np.full((height, width, 3), (red, green, blue), np.uint8)
