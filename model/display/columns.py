"""Sheets of titled columns: what a method makes of some samples, one below the other."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from torch import Tensor

from tcae.manifests.errors import ConfigError
from tcae.model.display.pictures import GAP, GREY, RGB, below, beside, enlarged, factor_of, framed, picture_of, written

Column: TypeAlias = Tensor | Sequence[RGB]
"""N pictures: (N, 3, H, W) or (N, 1, H, W) in 0-1, or (H, W, 3) uint8 each."""


def picture_sheet(columns: Mapping[str, Column], title: str, notes: Sequence[str] = ()) -> RGB:
    """Draw pictures side by side, a row for each sample.

    Args:
        columns: By their titles, all of N pictures of one size; small ones are enlarged by a whole factor.
        title: Above all.
        notes: Lines below all.

    Raises:
        ConfigError: there is nothing to draw, or the columns differ in number or size.
    """
    drawn = {name: _pictures(column) for name, column in columns.items()}
    shapes = {picture.shape for pictures in drawn.values() for picture in pictures}
    numbers = {len(pictures) for pictures in drawn.values()}
    if len(shapes) != 1 or len(numbers) != 1:
        raise ConfigError(f"a sheet needs columns of one size and number, not {sorted(shapes)} and {sorted(numbers)}")
    factor = factor_of(min(next(iter(shapes))[:2]))
    rows = [beside([enlarged(pictures[row], factor) for pictures in drawn.values()]) for row in range(*numbers)]
    side = (rows[0].shape[1] + GAP) // len(drawn) - GAP
    headings = beside([written(name, side, side // 10) for name in drawn])
    heading = written(title, headings.shape[1], side // 7, "left")
    legend = [written(note, headings.shape[1], side // 11, "left", GREY) for note in notes]
    return framed(below([heading, headings, *rows, *legend], gap=GAP))


def _pictures(column: Column) -> list[RGB]:
    if not isinstance(column, Tensor):
        return list(column)
    faces = column.detach().float().cpu().clamp(0, 1).numpy()
    return [picture_of(np.repeat(face, 3, axis=0) if len(face) == 1 else face) for face in faces]
