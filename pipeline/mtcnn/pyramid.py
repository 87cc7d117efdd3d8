"""The image pyramid of the cascade's first network, laid out on one canvas so that one pass serves all scales.

Convention:
    axes: canvases are (H, W), tiles and cells row before column; boxes x0 y0 x1 y1.
    cells: the first network sees 12 x 12 pixels, every 2 pixels; cell y, x of a canvas begins at its pixel 2y, 2x.
    frame: cell y, x of a scale stands for the box from ``floor((2 x + 1) / scale)`` to ``floor((2 x + 12) / scale)``.

Tiles begin at even pixels, so that a cell sees what it would see in a picture of its own scale. The one exception is
the last row or column of a tile of odd size: there the network's pooling, which rounds up, has half a window, and the
other half lies outside the tile. Those places are listed as ``ragged``, for the network to keep them out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tcae.pipeline.mtcnn.boxes import Floats, Indices
from tcae.pipeline.mtcnn.windows import Corners, Spans, cross, split_side

CELL = 12
"""Side in pixels of what the first network sees."""

STRIDE = 2
"""Pixels from one cell to the next."""

FACTOR = 0.709
"""From one scale to the next: half the area."""

MAX_PIXELS = 1_000_000
"""Of one canvas; larger scales are cut into bands of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A scale of the frame, or a band of its rows, and where it lies on the canvas."""

    scale: float
    level: int
    """Of the scale in the pyramid, from 0."""
    size: tuple[int, int]
    """Rows and columns of the whole scale."""
    first: int
    """The scale's first row in this tile, even."""
    height: int
    """Rows of this tile."""
    top: int = 0
    """Canvas row, even."""
    left: int = 0
    """Canvas column, even."""

    @property
    def width(self) -> int:
        """Columns of this tile."""
        return self.size[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """What one pass of the first network is shown, and what its M true cells stand for."""

    corners: Corners
    """Windows of shape (H, W), both even; where no tile is they are empty."""
    share: Floats
    """(H, W, 4) one over their areas, or 0: what sums are multiplied by."""
    ragged: Indices
    """Flat places in the (H - 2, W - 2) output of the first convolution that no pooling may see."""
    cells: Indices
    """(M,) flat places in the (H / 2 - 5, W / 2 - 5) output of the network, by scale, row and column."""
    levels: Indices
    """(M,) the scale that each belongs to."""
    boxes: Floats
    """(M, 4) frame pixels, whole numbers."""


def find_scales(height: int, width: int, min_face_px: float) -> list[float]:
    """From the scale that shows the smallest face as one cell to the last whose frame holds a cell; may be []."""
    scale = CELL / min_face_px
    side = min(height, width) * scale
    scales = []
    while side >= CELL:
        scales.append(scale)
        scale, side = scale * FACTOR, side * FACTOR
    return scales


@lru_cache(maxsize=4)
def plan_canvases(height: int, width: int, min_face_px: float, max_pixels: int = MAX_PIXELS) -> tuple[Canvas, ...]:
    """The canvases for frames of one size: one unless they are huge, none if a smallest face does not fit."""
    tiles = list(_cut_tiles(height, width, find_scales(height, width, min_face_px), max_pixels))
    return tuple(_draw(group, height, width) for group in _arrange(tiles, max_pixels))


def _cut_tiles(height: int, width: int, scales: list[float], max_pixels: int) -> Iterator[Tile]:
    for level, scale in enumerate(scales):
        rows, columns = int(height * scale + 1), int(width * scale + 1)
        cells = _count_cells(rows)
        band = max(1, (max_pixels // columns - CELL) // STRIDE + 1)  # cells
        for first in range(0, cells, band):
            last = min(rows, STRIDE * (first + band - 1) + CELL) if first + band < cells else rows
            tile_rows = last - STRIDE * first
            yield Tile(scale=scale, level=level, size=(rows, columns), first=STRIDE * first, height=tile_rows)


def _count_cells(side: int) -> int:
    """Outputs of the first network along a side: a convolution, pooling that rounds up, two more convolutions."""
    return (side - 1) // 2 - 4


def _even(side: int) -> int:
    return side + side % 2


def _arrange(tiles: list[Tile], max_pixels: int) -> list[list[Tile]]:
    """Place tiles on canvases as high as their first tile: each in the first free part that holds it."""
    groups: list[list[Tile]] = []
    free: list[tuple[int, int, int, int]] = []  # top, left, height, width; the last is the open right end
    for tile in tiles:
        height, width = _even(tile.height), _even(tile.width)
        part = next((p for p in free if height <= p[2] and width <= p[3]), None)
        if part is None:
            groups.append([])
            part = (0, 0, height, max(width, max_pixels // height))
            free = [part]
        top, left, part_height, part_width = part
        index = free.index(part)
        below = (top + height, left, part_height - height, width)
        free[index : index + 1] = [below, (top, left + width, part_height, part_width - width)]
        groups[-1].append(replace(tile, top=top, left=left))
    return groups


def _draw(tiles: list[Tile], height: int, width: int) -> Canvas:
    """Work out a canvas for frames of one size."""
    shape = _even(tiles[0].height), max(t.left + _even(t.width) for t in tiles)
    corners = tuple(np.zeros(shape, np.int64) for _ in range(4))
    share = np.zeros((*shape, 4), np.float32)
    for tile in tiles:
        place = np.s_[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        rows, columns = _spans(tile, height, width)
        for corner, values in zip(corners, cross(rows, columns, width + 1), strict=True):
            corner[place] = values
        areas = (rows.last - rows.first)[:, None] * (columns.last - columns.first)
        share[place] = (1 / areas)[..., None]
    bottom_right, top_left, top_right, bottom_left = corners
    return Canvas(
        corners=(bottom_right, top_left, top_right, bottom_left),
        share=share,
        ragged=np.concatenate([_ragged(tile, shape[1] - 2) for tile in tiles]),
        cells=np.concatenate([_cells(tile, shape[1] // 2 - 5) for tile in tiles]),
        levels=np.concatenate([np.full(_grid(tile)[0].size, tile.level) for tile in tiles]),
        boxes=np.concatenate([_cell_boxes(tile) for tile in tiles]),
    )


def _spans(tile: Tile, height: int, width: int) -> tuple[Spans, Spans]:
    """The frame's rows and columns that each row and column of a tile averages."""
    zero = np.zeros(1, np.int64)
    rows, columns = (split_side(zero, zero + n, s) for n, s in zip((height, width), tile.size, strict=True))
    band = np.s_[0, tile.first : tile.first + tile.height]
    return Spans(rows.first[band], rows.last[band]), Spans(columns.first[0], columns.last[0])


def _ragged(tile: Tile, stride: int) -> Indices:
    """The places just below and right of an odd tile's part of the first convolution's output."""
    bottom, right = tile.top + tile.height - 2, tile.left + tile.width - 2
    odd_height, odd_width = tile.height % 2, tile.width % 2
    below = bottom * stride + np.arange(tile.left, right + odd_width)
    beside = np.arange(tile.top, bottom) * stride + right
    return np.concatenate([below[: below.size * odd_height], beside[: beside.size * odd_width]])


def _grid(tile: Tile) -> tuple[Indices, Indices]:
    """Row and column of every cell within the tile, each (rows, columns)."""
    rows, columns = np.indices((_count_cells(tile.height), _count_cells(tile.width)))
    return rows, columns


def _cells(tile: Tile, stride: int) -> Indices:
    rows, columns = _grid(tile)
    flat: Indices = ((rows + tile.top // STRIDE) * stride + columns + tile.left // STRIDE).ravel()
    return flat


def _cell_boxes(tile: Tile) -> Floats:
    """Frame boxes of every cell; in float32, as the reference rounds."""
    rows, columns = _grid(tile)
    corner = np.stack([columns, rows + tile.first // STRIDE], axis=-1).reshape(-1, 2).astype(np.float32) * STRIDE
    scale = np.float32(tile.scale)
    boxes: Floats = np.floor(np.concatenate([corner + 1, corner + CELL], axis=1) / scale)
    return boxes
