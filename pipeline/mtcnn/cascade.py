"""The MTCNN cascade over a batch of frames: cells of a pyramid, then two networks that refine what is left.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks" (2016), with the
thresholds and box rules of facenet-pytorch's ``MTCNN.detect``, whose results it gives; what differs is that every
step takes all crops of a frame, or of all frames, at once. Frames may differ in size.

A frame's result does not depend on the other frames of its batch: on the CPU the first network runs frame by frame,
the others in passes of a fixed size. On a GPU frames of one size go through the first network together, passes vary in
size, and the last bits of a result with them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from tcae.pipeline.mtcnn.boxes import (
    Floats,
    Indices,
    place_landmarks,
    refine,
    suppress,
    suppress_nested,
    to_pixels,
    to_squares,
)
from tcae.pipeline.mtcnn.networks import CellNetwork, PatchNetwork
from tcae.pipeline.mtcnn.pyramid import Canvas, plan_canvases
from tcae.pipeline.mtcnn.windows import Table, add_up, resize_boxes, sum_table
from tcae.pipeline.pictures import Image

THRESHOLDS = (0.6, 0.7, 0.7)
"""Least score to leave each network."""

LEVEL_OVERLAP = 0.5
"""Greatest IoU of two cells of one scale."""

OVERLAP = 0.7
"""Greatest IoU of two boxes after the first and the second network; after the third, of the smaller box."""

SIZES = (24, 48)
"""Sides in pixels of what the second and the third network see."""

BATCHES = (32, 8)
"""Crops in one pass of the second and the third network on the CPU."""

JOINT_PIXELS = 4_000_000
"""Of the canvases in one pass of the first network on a GPU: about 400 frames of 224x224, 1 GB on the way."""


class Faces(NamedTuple):
    """The faces of one frame, in the order of the cascade: best score first."""

    boxes: Floats
    """(N, 4) frame pixels."""
    scores: Floats
    """(N,) 0-1."""
    landmarks: Floats
    """(N, 5, 2) frame pixels."""


class _Candidates(NamedTuple):
    """What is left of a batch between two networks."""

    boxes: Floats
    """(N, 4) squares, by frame."""
    frames: Indices
    """(N,) the frame that each is in, ascending."""


class Cascade:
    """The three networks and the smallest face to look for."""

    def __init__(
        self, pnet: nn.Module, rnet: nn.Module, onet: nn.Module, *, min_face_px: float, device: torch.device
    ) -> None:
        self._min_face_px = min_face_px
        self._joint_pixels = JOINT_PIXELS if device.type == "cuda" else 0
        self._first = CellNetwork(pnet, device)
        self._second = PatchNetwork(rnet, (3, 3, 0), BATCHES[0], device)
        self._third = PatchNetwork(onet, (3, 3, 2, 0), BATCHES[1], device)

    def __call__(self, images: Sequence[Image]) -> list[Faces]:
        """The faces of each image, (H, W, 3) uint8 RGB."""
        tables = [sum_table(image) for image in images]
        found = _inside(_keep_first(self._search(tables)), tables)
        found = _inside(_keep_second(found, self._second(_crop(tables, found, SIZES[0]))), tables)
        return _keep_third(found, self._third(_crop(tables, found, SIZES[1])), len(tables))

    def _search(self, tables: Sequence[Table]) -> list[tuple[Floats, Floats]]:
        """What the first network makes of the pyramid of each frame: cells' boxes (N, 4) and outputs (N, 5)."""
        found: dict[int, tuple[Floats, Floats]] = {}
        for size, frames in _by_size(tables).items():
            canvases = plan_canvases(*size, self._min_face_px)
            step = max(1, self._joint_pixels // max((canvas.share[..., 0].size for canvas in canvases), default=1))
            for start in range(0, len(frames), step):
                part = frames[start : start + step]
                outputs = [self._look(canvas, [tables[frame] for frame in part]) for canvas in canvases]
                found |= {
                    frame: _choose_cells(canvases, [output[place] for output in outputs])
                    for place, frame in enumerate(part)
                }
        return [found[frame] for frame in range(len(tables))]

    def _look(self, canvas: Canvas, tables: Sequence[Table]) -> Floats:
        """The outputs of a canvas's cells in frames of one size, (frames, cells, 5)."""
        pictures = np.empty((len(tables), *canvas.share.shape), np.float32)
        for picture, table in zip(pictures, tables, strict=True):
            np.multiply(add_up(table, canvas.corners), canvas.share, out=picture)
        return self._first(pictures, canvas.ragged)[:, canvas.cells]


def _by_size(tables: Sequence[Table]) -> dict[tuple[int, int], list[int]]:
    """The frames of each height and width, in their order."""
    frames: dict[tuple[int, int], list[int]] = {}
    for frame, table in enumerate(tables):
        frames.setdefault(_frame_size(table), []).append(frame)
    return frames


def _frame_size(table: Table) -> tuple[int, int]:
    return table.shape[0] - 1, table.shape[1] - 1


def _inside(found: _Candidates, tables: Sequence[Table]) -> _Candidates:
    """Without the squares that lie outside their frame."""
    pixels = _to_pixels(found, tables)
    visible = (pixels[:, 2:] > pixels[:, :2]).all(axis=1)
    return _Candidates(found.boxes[visible], found.frames[visible])


def _to_pixels(found: _Candidates, tables: Sequence[Table]) -> Indices:
    sizes = np.array([_frame_size(table)[::-1] for table in tables], np.int64).reshape(-1, 2)
    return to_pixels(found.boxes, sizes[found.frames])


def _crop(tables: Sequence[Table], found: _Candidates, size: int) -> Floats:
    """Every square as a picture of ``size`` pixels, (N, size, size, 4)."""
    ends = np.searchsorted(found.frames, np.arange(1, len(tables)))
    parts = np.split(_to_pixels(found, tables), ends)
    crops = [resize_boxes(table, part, size) for table, part in zip(tables, parts, strict=False) if len(part)]
    return np.concatenate([np.empty((0, size, size, 4), np.float32), *crops])


def _choose_cells(canvases: Sequence[Canvas], outputs: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Boxes and outputs of the cells of one frame that pass the threshold and are the best of their scale."""
    if not canvases:
        return np.empty((0, 4), np.float32), np.empty((0, 5), np.float32)
    chosen = [_passing(output, THRESHOLDS[0]) for output in outputs]
    boxes = np.concatenate([canvas.boxes[index] for canvas, index in zip(canvases, chosen, strict=True)])
    levels = np.concatenate([canvas.levels[index] for canvas, index in zip(canvases, chosen, strict=True)])
    output = np.concatenate([values[index] for values, index in zip(outputs, chosen, strict=True)])
    kept = suppress(boxes, _to_scores(output), levels, LEVEL_OVERLAP)
    return boxes[kept], output[kept]


def _keep_first(cells: Sequence[tuple[Floats, Floats]]) -> _Candidates:
    """The squares that leave the first network, from the chosen cells of each frame."""
    frames = np.repeat(np.arange(len(cells)), [len(boxes) for boxes, _ in cells])
    boxes = np.concatenate([np.empty((0, 4), np.float32), *(boxes for boxes, _ in cells)])
    output = np.concatenate([np.empty((0, 5), np.float32), *(output for _, output in cells)])
    kept = suppress(boxes, _to_scores(output), frames, OVERLAP)
    kept = kept[np.argsort(frames[kept], kind="stable")]
    return _Candidates(to_squares(refine(boxes[kept], output[kept, 1:5], inclusive=False)), frames[kept])


def _keep_second(found: _Candidates, output: Floats) -> _Candidates:
    """The squares that leave the second network."""
    chosen = _passing(output, THRESHOLDS[1])
    boxes, frames, output = found.boxes[chosen], found.frames[chosen], output[chosen]
    kept = suppress(boxes, _to_scores(output), frames, OVERLAP)
    kept = kept[np.argsort(frames[kept], kind="stable")]
    return _Candidates(to_squares(refine(boxes[kept], output[kept, 1:5])), frames[kept])


def _keep_third(found: _Candidates, output: Floats, num_frames: int) -> list[Faces]:
    """The faces that leave the third network, of each frame."""
    chosen = _passing(output, THRESHOLDS[2])
    squares, frames, output = found.boxes[chosen], found.frames[chosen], output[chosen]
    scores, boxes = _to_scores(output), refine(squares, output[:, 1:5])
    landmarks = place_landmarks(squares, output[:, 5:])
    kept = suppress_nested(boxes, scores, frames, OVERLAP)
    own = (kept[frames[kept] == frame] for frame in range(num_frames))
    return [Faces(boxes[index], scores[index], landmarks[index]) for index in own]


def _passing(output: Floats, threshold: float) -> Indices:
    """Which rows have a score of at least the threshold."""
    return np.flatnonzero(output[:, 0] >= np.log(threshold / (1 - threshold)))


def _to_scores(output: Floats) -> Floats:
    """The sigmoid of the logits that passed."""
    scores: Floats = np.float32(1) / (np.float32(1) + np.exp(-output[:, 0]))
    return scores
