"""Pictures out of pictures: set side by side, with a title, as PNG."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tcae.manifests.workspace import written_whole

RGB: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8."""

GAP_PX = 8
TITLE_PX = 15
"""Height of letters."""
INK = (40, 40, 40)
PAPER = 255


def write_png(path: Path, picture: RGB) -> None:
    """Write a picture beside its name and rename it; the same picture gives the same bytes.

    Raises:
        WorkspaceError: it cannot be written.
    """
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    with written_whole(path) as partial:
        partial.write_bytes(data.getvalue())


def beside(pictures: Sequence[RGB], gap: int = GAP_PX) -> RGB:
    """Pictures from left to right, their upper edges level, with white gaps."""
    height = max(len(picture) for picture in pictures)
    return _strip([_padded(picture, height, picture.shape[1]) for picture in pictures], gap, axis=1)


def below(pictures: Sequence[RGB], gap: int = GAP_PX) -> RGB:
    """Pictures from top to bottom, their left edges level, with white gaps."""
    width = max(picture.shape[1] for picture in pictures)
    return _strip([_padded(picture, len(picture), width) for picture in pictures], gap, axis=0)


def titled(picture: RGB, title: str, size: int = TITLE_PX) -> RGB:
    """A picture with a line of text above it, as wide as the wider of both."""
    return below([written(title, size), picture], gap=4)


def framed(picture: RGB, edge: int = 2 * GAP_PX) -> RGB:
    """A picture with a white edge all around."""
    return np.pad(picture, ((edge, edge), (edge, edge), (0, 0)), constant_values=PAPER)


def written(text: str, size: int = TITLE_PX) -> RGB:
    """A line of text on white, as wide as it needs."""
    font = _font(size)
    width = max(1, round(font.getlength(text)) + 1)
    line = Image.new("RGB", (width, round(1.4 * size)), (PAPER,) * 3)
    ImageDraw.Draw(line).text((0, 0), text, fill=INK, font=font)
    return np.asarray(line, np.uint8)


def enlarged(picture: RGB, side: int) -> RGB:
    """A square picture at a side of at least ``side``: small ones by a whole factor."""
    factor = -(-side // len(picture))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def from_floats(face: NDArray[np.floating]) -> RGB:
    """(3, H, W) in 0-1 as a picture; what is not a number becomes grey."""
    known = np.nan_to_num(face.transpose(1, 2, 0), nan=0.5).clip(0, 1)
    return np.asarray(np.rint(known * 255), np.uint8)


def coloured(values: NDArray[np.floating], highest: float) -> RGB:
    """(H, W) from 0 to ``highest`` as dark blue to yellow; what is not a number becomes grey."""
    scaled = np.rint(np.nan_to_num(values / max(highest, 1e-12)).clip(0, 1) * 255).astype(np.uint8)
    picture = np.asarray(cv2.cvtColor(cv2.applyColorMap(scaled, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB), np.uint8)
    picture[np.isnan(values)] = 128
    return picture


def _strip(pictures: Sequence[RGB], gap: int, axis: int) -> RGB:
    shape = list(pictures[0].shape)
    shape[axis] = gap
    space = np.full(shape, PAPER, np.uint8)
    parts = [part for picture in pictures for part in (space, picture)][1:]
    return np.concatenate(parts, axis)


def _padded(picture: RGB, height: int, width: int) -> RGB:
    missing = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
    return np.pad(picture, missing, constant_values=PAPER)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow is built with FreeType wherever it comes as a wheel
    return font
