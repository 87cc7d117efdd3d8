"""The contact sheet of a search: the face that was asked for, and those that were found."""

from collections.abc import Sequence

from tcae.model.display.pictures import RGB, below, beside, enlarged, framed, titled

SIDE = 128
"""Least side of a face, in pixels."""
CAPTION_PX = 12


def contact_sheet(query: RGB, found: Sequence[tuple[RGB, str]], columns: int = 5) -> RGB:
    """Draw a query and what was found for it, row by row from the best.

    Args:
        query: A square face.
        found: Faces and the text above each.
        columns: Faces in a row.
    """
    cells = [titled(enlarged(face, SIDE), text, CAPTION_PX) for face, text in found]
    rows = [beside(cells[first : first + columns]) for first in range(0, len(cells), columns)]
    asked = titled(enlarged(query, SIDE), "query", CAPTION_PX)
    return framed(beside([asked, below(rows)], gap=24) if rows else asked)
