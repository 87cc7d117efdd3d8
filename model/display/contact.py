"""Contact sheets: a face that was asked for, and the faces that were found."""

from collections.abc import Sequence

from tcae.manifests.errors import ConfigError
from tcae.model.display.pictures import (
    BLACK,
    GAP,
    GREY,
    HEADING,
    LEAST_SIDE,
    NOTE,
    RGB,
    below,
    beside,
    framed,
    resized,
    written,
)


def contact_sheet(query: RGB, found: Sequence[tuple[RGB, str]], columns: int = 5) -> RGB:
    """Draw the query at the left and what was found in a grid beside it, nearest first, row by row.

    Args:
        query: (H, W, 3); it and all others are resized to squares of 160 px, the query to twice that and a gap.
        found: Each picture with its caption; a caption may have several lines.
        columns: Of the grid.

    Raises:
        ConfigError: nothing was found, or there is no column.
    """
    if columns < 1 or not found:
        raise ConfigError(f"a contact sheet needs at least one column and one face, not {columns} and {len(found)}")
    lines = max(len(caption.splitlines()) for _, caption in found)
    cells = [_cell(picture, caption, lines) for picture, caption in found]
    grid = below([beside(cells[start : start + columns]) for start in range(0, len(cells), columns)])
    side = 2 * LEAST_SIDE + GAP
    asked = below([written("query", side, HEADING, "left"), resized(query, (side, side))], gap=GAP // 2)
    nearest = below([written("nearest first", grid.shape[1], HEADING, "left"), grid], gap=GAP // 2)
    return framed(beside([asked, nearest], gap=3 * GAP))


def _cell(picture: RGB, caption: str, lines: int) -> RGB:
    """A found picture over its caption, which is filled up to ``lines`` lines."""
    texts = caption.splitlines() + [""] * (lines - len(caption.splitlines()))
    inks = [BLACK, *[GREY] * len(texts)]
    words = [written(text, LEAST_SIDE, NOTE, ink=ink) for text, ink in zip(texts, inks, strict=False)]
    return below([resized(picture, (LEAST_SIDE, LEAST_SIDE)), *words], gap=0)
