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
    blank,
    framed,
    resized,
    written,
)


def contact_sheet(query: RGB, found: Sequence[tuple[RGB, str]], columns: int = 5) -> RGB:
    """Draw the query at the left and what was found in a grid beside it, nearest first, row by row.

    Args:
        query: (H, W, 3); it and all others are resized to squares of 160 px, the query to twice that and a gap.
        found: Each picture with its caption; a caption may have several lines. Nothing found is said in words.
        columns: Of the grid.

    Raises:
        ConfigError: there is no column.
    """
    if columns < 1:
        raise ConfigError(f"a contact sheet needs at least one column, not {columns}")
    lines = max((len(caption.splitlines()) for _, caption in found), default=0)
    cells = [_cell(picture, caption, lines) for picture, caption in found] or [blank(LEAST_SIDE, LEAST_SIDE)]
    grid = below([beside(cells[start : start + columns]) for start in range(0, len(cells), columns)])
    side = 2 * LEAST_SIDE + GAP
    asked = _headed("query", resized(query, (side, side)))
    return framed(beside([asked, _headed("nearest first" if found else "nothing found", grid)], gap=3 * GAP))


def _headed(text: str, picture: RGB) -> RGB:
    """A picture under words that begin at its left edge."""
    return below([written(text, picture.shape[1], HEADING, "left"), picture], gap=GAP // 2)


def _cell(picture: RGB, caption: str, lines: int) -> RGB:
    """A found picture over its caption, which is filled up to ``lines`` lines."""
    texts = caption.splitlines() + [""] * (lines - len(caption.splitlines()))
    inks = [BLACK, *[GREY] * len(texts)]
    words = [written(text, LEAST_SIDE, NOTE, ink=ink) for text, ink in zip(texts, inks, strict=False)]
    return below([resized(picture, (LEAST_SIDE, LEAST_SIDE)), *words], gap=0)
