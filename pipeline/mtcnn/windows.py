"""Area resizing through integral images: any number of windows of a frame at once.

Convention:
    axes: tables are (H + 1, W + 1), boxes (N, 4) x0 y0 x1 y1, half open, whole frame pixels.
    pixels: output pixel i of S along a side of n pixels is the plain mean of the pixels ``floor(i n / S)`` to
        ``ceil((i + 1) n / S) - 1`` in each direction (torch's ``mode="area"``): neighbours may share an input pixel,
        and enlarging repeats pixels.
    outside: nothing; boxes lie inside the frame and are not empty.

An entry of a table is four int32 sums (red, green, blue, unused), read as one complex128 so that numpy moves all 16
bytes at once. Sums may wrap round in frames of over 8.4 megapixels; differences of them over a smaller window do not.
"""

from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.pipeline.mtcnn.boxes import Floats, Indices
from tcae.pipeline.pictures import Image

Table: TypeAlias = NDArray[np.complex128]
"""(H + 1, W + 1); entry y, x holds the sums over the pixels above and left of that corner."""


class Spans(NamedTuple):
    """Half-open ranges of pixels along one direction; both members have the same shape."""

    first: Indices
    last: Indices


Corners: TypeAlias = tuple[Indices, Indices, Indices, Indices]
"""Of windows of any shape, as flat places in a table: bottom right, top left, top right, bottom left."""


def sum_table(image: Image) -> Table:
    """The integral image of a frame, its first row and column zero."""
    sums = cv2.integral(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2RGBA))
    table: Table = sums.view(np.complex128)[..., 0]
    return table


def split_side(start: Indices, length: Indices, size: int) -> Spans:
    """The spans of ``size`` output pixels along sides: (N,) starts and lengths -> (N, size)."""
    step = np.arange(size + 1) * length[:, None]  # (N, size + 1)
    return Spans(start[:, None] + step[:, :-1] // size, start[:, None] - -step[:, 1:] // size)


def cross(rows: Spans, columns: Spans, table_width: int) -> Corners:
    """Every row span with every column span: (..., S) and (..., T) -> windows of shape (..., S, T)."""
    top, bottom = (edge[..., :, None] * table_width for edge in rows)
    left, right = (edge[..., None, :] for edge in columns)
    return bottom + right, top + left, top + right, bottom + left


def add_up(table: Table, corners: Corners) -> Floats:
    """The sums over windows of any shape, (..., 4): red, green, blue, and one of no use."""
    flat = table.reshape(-1)
    total, top_left, top_right, bottom_left = (flat.take(corner).view(np.int32) for corner in corners)
    total += top_left
    total -= top_right
    total -= bottom_left
    return total.astype(np.float32).reshape(*corners[0].shape, 4)


def resize_boxes(table: Table, boxes: Indices, size: int) -> Floats:
    """The content of each box as a square of ``size`` pixels, (N, size, size, 4): colours in 0-255, and no use."""
    sides = boxes[:, 2:] - boxes[:, :2]
    rows = split_side(boxes[:, 1], sides[:, 1], size)
    columns = split_side(boxes[:, 0], sides[:, 0], size)
    sums = add_up(table, cross(rows, columns, table.shape[1])).reshape(len(boxes), size, size * 4)
    sums *= (np.float32(1) / (rows.last - rows.first).astype(np.float32))[:, :, None]
    sums *= (np.float32(1) / (columns.last - columns.first).astype(np.float32)).repeat(4, axis=1)[:, None, :]
    return sums.reshape(len(boxes), size, size, 4)
