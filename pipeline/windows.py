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

from tcae.pipeline.boxes import Floats, Indices
from tcae.pipeline.pictures import Image

Table: TypeAlias = NDArray[np.complex128]
"""(H + 1, W + 1); entry y, x holds the sums over the pixels above and left of that corner."""


class Spans(NamedTuple):
    """Half-open ranges of pixels along one direction; both members have the same shape."""

    first: Indices
    last: Indices


class Windows(NamedTuple):
    """Rectangles of pixels to be averaged, of any shape."""

    corners: tuple[Indices, Indices, Indices, Indices]
    """Flat table indices: bottom right, top left, top right, bottom left."""
    share: Floats
    """1 / area."""


def sum_table(image: Image) -> Table:
    """The integral image of a frame, its first row and column zero."""
    sums = cv2.integral(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2RGBA))
    table: Table = sums.view(np.complex128)[..., 0]
    return table


def split_side(start: Indices, length: Indices, size: int) -> Spans:
    """The spans of ``size`` output pixels along sides: (N,) starts and lengths -> (N, size)."""
    step = np.arange(size + 1) * length[:, None]  # (N, size + 1)
    return Spans(start[:, None] + step[:, :-1] // size, start[:, None] - -step[:, 1:] // size)


def cross(rows: Spans, columns: Spans, table_width: int) -> Windows:
    """Every row span with every column span: (..., S) and (..., T) -> windows of shape (..., S, T)."""
    top, bottom = (edge[..., :, None] * table_width for edge in rows)
    left, right = (edge[..., None, :] for edge in columns)
    area = (rows.last - rows.first)[..., :, None] * (columns.last - columns.first)[..., None, :]
    share = np.float32(1) / area.astype(np.float32)
    return Windows((bottom + right, top + left, top + right, bottom + left), share)


def average(table: Table, windows: Windows) -> Floats:
    """The mean colour of each window, (..., 3) in 0-255."""
    flat = table.reshape(-1)
    total, top_left, top_right, bottom_left = (flat.take(corner).view(np.int32) for corner in windows.corners)
    total += top_left
    total -= top_right
    total -= bottom_left
    colours = total.reshape(*windows.share.shape, 4)[..., :3]
    return (
        colours * windows.share[..., None]
        if False
        else np.multiply(colours, windows.share[..., None], dtype=np.float32)
    )


def resize_boxes(table: Table, boxes: Indices, size: int) -> Floats:
    """The content of each box as a square of ``size`` pixels, (N, size, size, 3) in 0-255."""
    sides = boxes[:, 2:] - boxes[:, :2]
    rows = split_side(boxes[:, 1], sides[:, 1], size)
    columns = split_side(boxes[:, 0], sides[:, 0], size)
    return average(table, cross(rows, columns, table.shape[1]))
