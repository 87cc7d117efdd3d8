"""Box arithmetic of the MTCNN cascade: squares, refinement and non-maximum suppression.

Convention:
    axes: boxes are (N, 4) float32, x0 y0 x1 y1 in frame pixels.
    unit: where the second corner counts as inside (``inclusive``) a side is ``x1 - x0 + 1``, else ``x1 - x0``; the
        reference uses one here and the other there, and so do we.

The rules are those of Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks" (2016), as facenet-pytorch applies them.
"""

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import nms  # type: ignore[import-untyped]

Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int64]


def to_squares(boxes: Floats) -> Floats:
    """The square about the same centre whose side is the longer side of each box, (N, 4)."""
    sides = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
    side = sides.max(axis=1, keepdims=True)  # (N, 1)
    corner = boxes[:, :2] + sides * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([corner, corner + side], axis=1)


def refine(boxes: Floats, offsets: Floats, *, inclusive: bool = True) -> Floats:
    """Move each edge by its offset, (N, 4) in widths (x) and heights (y) of the box."""
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(inclusive)
    return boxes + offsets * np.tile(sides, 2)


def place_landmarks(boxes: Floats, fractions: Floats) -> Floats:
    """Landmarks in frame pixels, (N, 5, 2), from fractions of each box: (N, 10), five x and then five y."""
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(1)
    points = fractions.reshape(-1, 2, 5).transpose(0, 2, 1)  # (N, 5, 2)
    return points * sides[:, None] + boxes[:, None, :2] - np.float32(1)


def to_pixels(boxes: Floats, sizes: Indices) -> Indices:
    """The whole pixels of boxes within frames of (N, 2) widths and heights: (N, 4) half open, maybe ``x1 <= x0``.

    The cascade counts pixels from one: corners are truncated towards zero, then the first is moved back by one.
    """
    whole = np.trunc(boxes).astype(np.int64)
    first = np.maximum(whole[:, :2], 1) - 1
    last = np.minimum(whole[:, 2:], sizes)
    return np.concatenate([first, last], axis=1)


def suppress(boxes: Floats, scores: Floats, groups: Indices, limit: float) -> Indices:
    """Which boxes stay when each, best score first, removes those of its group whose IoU with it is above ``limit``.

    Groups are kept apart by moving them by a power of two each, in float64: the last bits of a box survive that, so
    that what stays of one group does not depend on the others.
    """
    if len(boxes) < 2:
        return np.arange(len(boxes))
    apart = 2.0 ** np.ceil(np.log2(float(abs(boxes).max()) + 1) + 1)
    moved = torch.from_numpy(boxes + (groups * apart)[:, None])
    kept: Indices = nms(moved, torch.from_numpy(scores.astype(np.float64)), limit).numpy()
    return kept


def suppress_nested(boxes: Floats, scores: Floats, groups: Indices, limit: float) -> Indices:
    """As :func:`suppress`, with the intersection over the smaller of two boxes in place of IoU.

    A box inside a better one is removed whatever their sizes; among equal scores the last comes first.
    """
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(1)
    areas = sides.prod(axis=1)
    waiting = np.argsort(scores, kind="stable")[::-1]
    kept: list[int] = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        corner = np.minimum(boxes[waiting, 2:], boxes[best, 2:])
        overlap = np.maximum(corner - np.maximum(boxes[waiting, :2], boxes[best, :2]) + 1, 0).prod(axis=1)
        stays = overlap / np.minimum(areas[waiting], areas[best]) <= limit
        waiting = waiting[stays | (groups[waiting] != groups[best])]
    return np.array(kept, np.int64)
