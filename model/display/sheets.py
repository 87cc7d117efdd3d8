"""Sample sheets: what the network makes of pairs (the paper's Fig. 4, with the displacements beside it)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tcae.manifests.errors import ConfigError
from tcae.model.display.maps import BAR_PX, bar, heat_of
from tcae.model.display.pictures import (
    GAP,
    GREY,
    RGB,
    Field,
    below,
    beside,
    centred,
    enlarged,
    factor_of,
    framed,
    line_px,
    outlined,
    picture_of,
    written,
)
from tcae.model.display.wheel import PX, colour_of, common_scale, key, lengths_of, mean_of, number
from tcae.model.recipe import FACE_PX

COLUMNS = (
    "source",
    "target",
    "AU-changed",
    "pose-changed",
    "reconstruction",
    "AU displacement",
    "pose displacement",
    "AU mask",
)
_FACES = ("source", "target", "au_image", "pose_image", "output")
_LEGEND = (
    "Displacements: the hue is the direction, the saturation the length, white no displacement; one scale for both.",
    "A colour says where the pixel was fetched from: changed(p) = source(p + displacement(p)), x right, y down.",
    "AU mask: the weight of the AU displacement in the reconstruction; the pose displacement has the rest.",
    f"Lengths in half images (2 is the picture's width) and pixels of a {FACE_PX}-px face. L1: to the target, of 1.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Swap:
    """What the network made of one pair; faces (3, H, W) in 0-1, displacements (2, H, W) in half-image units."""

    source: Field
    target: Field
    au_image: Field
    """The source with the target's facial actions."""
    pose_image: Field
    """The source with the target's pose."""
    output: Field
    """Both at once: the reconstructed target."""
    au_displacement: Field
    pose_displacement: Field
    au_mask: Field
    """(H, W) in 0-1."""

    def __post_init__(self) -> None:
        sides = self.source.shape[1:]
        shapes = dict.fromkeys(_FACES, (3, *sides))
        shapes |= dict.fromkeys(("au_displacement", "pose_displacement"), (2, *sides)) | {"au_mask": sides}
        for name, shape in shapes.items():
            given = getattr(self, name).shape
            if given != shape or len(sides) != 2 or 0 in sides:
                raise ConfigError(f"a swap's {name} is {given}, not {shape}; faces are (3, H, W) and equally large")


def sample_sheet(rows: Sequence[Swap], title: str) -> RGB:
    """Draw pairs below one another: five faces, both displacements and the mask.

    Faces of side S are drawn with side = S * ceil(160 / S), every word in proportion to it. The sheet is
    8 * side + 7 gaps + 4 gaps of margin wide.

    Both displacements of all rows share one scale, which the wheel at the bottom names.

    Args:
        rows: One pair each, of one size; sizes under 160 px are enlarged by a whole factor, faces by Lanczos, the
            others with every pixel a square.
        title: Above all.

    Raises:
        ConfigError: there are no rows, or their sizes differ.
    """
    sizes = {swap.source.shape[1:] for swap in rows}
    if len(sizes) != 1:
        raise ConfigError(f"a sample sheet needs pairs of one size, not {len(rows)} of {sorted(sizes)}")
    scale = common_scale([field for swap in rows for field in (swap.au_displacement, swap.pose_displacement)])
    pictures = [beside(_cells(swap, scale)) for swap in rows]
    side = (pictures[0].shape[1] + GAP) // len(COLUMNS) - GAP
    headings = beside([written(name, side, side // 10) for name in COLUMNS])
    notes = beside([written(text, side, side // 11, ink=GREY) for text in _notes(rows)])
    heading = written(title, headings.shape[1], side // 7, "left")
    return framed(below([below([heading, headings, *pictures, notes]), _footer(side, scale)], gap=2 * GAP))


def _cells(swap: Swap, scale: float) -> list[RGB]:
    """A row's eight pictures, as in ``COLUMNS``."""
    faces = [picture_of(getattr(swap, name)) for name in _FACES]
    fields = [
        colour_of(swap.au_displacement, scale),
        colour_of(swap.pose_displacement, scale),
        heat_of(swap.au_mask, 1),
    ]
    factor = factor_of(min(swap.au_mask.shape))
    squares = [outlined(enlarged(field, factor, smooth=False)) for field in fields]
    return [enlarged(face, factor) for face in faces] + squares


def _notes(rows: Sequence[Swap]) -> list[str]:
    """What is written under the columns."""
    notes = dict.fromkeys(COLUMNS, "")
    for name, field in (("source", "source"), ("reconstruction", "output")):
        away = [np.abs(getattr(swap, field) - swap.target).mean(dtype=np.float64) for swap in rows]
        notes[name] = f"L1 {number(float(np.mean(away)))}"
    for name, field in (("AU displacement", "au_displacement"), ("pose displacement", "pose_displacement")):
        mean = mean_of(np.concatenate([lengths_of(getattr(swap, field)) for swap in rows]))
        notes[name] = f"mean {number(mean)} = {number(mean * PX)} px"
    notes["AU mask"] = f"mean {number(mean_of(np.stack([swap.au_mask for swap in rows])))}"
    return list(notes.values())


def _footer(side: int, scale: float) -> RGB:
    """The legend under the faces, the wheel under the displacements, the bar under the masks."""
    size = side // 11
    legend = [written(text, 5 * side + 4 * GAP, size, "left", GREY) for text in _LEGEND]
    wheel = centred(key(side, scale), 2 * side + GAP)
    mask = centred(bar(side - line_px(size), 1, BAR_PX + GAP + 2 * size, size), side)
    return beside([below(legend, gap=GAP // 2), wheel, mask])
