"""Pictures as arrays: from faces, side by side, with words on them, and as PNG files.

Every function is pure numpy in and out; the words are in Pillow's own font, which knows ASCII and little more.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import written_whole

RGB: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8."""
Field: TypeAlias = NDArray[np.floating[Any]]
"""Numbers per pixel: (H, W), or (channels, H, W)."""
Ink: TypeAlias = tuple[int, int, int]

WHITE, BLACK, GREY = (255, 255, 255), (34, 34, 34), (110, 110, 110)
MISSING: Ink = (128, 128, 128)
"""Of a pixel whose number is not finite."""
LINE: Ink = (208, 208, 208)
GAP = 8
"""Pixels between pictures, and half the margin around all of them."""
LEAST_SIDE = 160
"""Smaller pictures are enlarged to this side or a little more."""
TITLE, HEADING, NOTE = 24, 16, 14
"""Font sizes in pixels: of a sheet, over a column, under it."""
_SMALLEST_FONT = 9


def picture_of(face: Field) -> RGB:
    """A face (3, H, W) in 0-1 as a picture; what lies outside is clipped, what is not finite is grey."""
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(face).all(axis=0))
    shown = np.where(finite, face, 0).clip(0, 1).transpose(1, 2, 0)
    return filled(np.rint(shown * 255).astype(np.uint8), ~finite)


def filled(picture: RGB, missing: NDArray[np.bool_]) -> RGB:
    """The picture with its missing pixels (H, W) in grey."""
    return np.where(missing[..., None], np.array(MISSING, np.uint8), picture)


def factor_of(side: int, least: int = LEAST_SIDE) -> int:
    """The whole number by which a side is enlarged to reach ``least``; 1 for what is large already."""
    return max(1, -(-least // side))


def enlarged(picture: RGB, factor: int, smooth: bool = True) -> RGB:
    """A picture ``factor`` times as large: by Lanczos, or with every pixel a square."""
    if not smooth or factor == 1:
        return picture.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = picture.shape[:2]
    return resized(picture, (height * factor, width * factor))


def resized(picture: RGB, shape: tuple[int, int]) -> RGB:
    """A picture of another height and width, by Lanczos; shrinking is antialiased."""
    height, width = shape
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def beside(pictures: Sequence[RGB], gap: int = GAP) -> RGB:
    """Pictures from left to right, white between and below them.

    Returns:
        As high as the highest, as wide as all together with their gaps.
    """
    heights, widths = zip(*(picture.shape[:2] for picture in pictures), strict=True)
    sheet = blank(max(heights), sum(widths) + gap * (len(pictures) - 1))
    left = 0
    for picture in pictures:
        sheet[: picture.shape[0], left : left + picture.shape[1]] = picture
        left += picture.shape[1] + gap
    return sheet


def below(pictures: Sequence[RGB], gap: int = GAP) -> RGB:
    """Pictures from top to bottom, white between and to the right of them: ``beside``, turned."""
    return beside([picture.swapaxes(0, 1) for picture in pictures], gap).swapaxes(0, 1)


def blank(height: int, width: int) -> RGB:
    """A white picture."""
    return np.full((height, width, 3), WHITE, np.uint8)


def centred(picture: RGB, width: int) -> RGB:
    """The picture in the middle of white columns; as it is where it is as wide already."""
    left = max(0, width - picture.shape[1]) // 2
    right = max(0, width - picture.shape[1]) - left
    return np.pad(picture, ((0, 0), (left, right), (0, 0)), constant_values=255)


def framed(picture: RGB, margin: int = 2 * GAP) -> RGB:
    """The picture with a white margin."""
    return np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)


def outlined(picture: RGB) -> RGB:
    """The picture with its outermost pixels in light grey, so that a white one is seen on white."""
    drawn = np.full_like(picture, LINE)
    drawn[1:-1, 1:-1] = picture[1:-1, 1:-1]
    return drawn


def line_px(size: int) -> int:
    """The height of a line of words in a font of that size."""
    return round(1.4 * size)


def written(
    text: str, width: int, size: int = NOTE, align: Literal["left", "centre"] = "centre", ink: Ink = BLACK
) -> RGB:
    """One line of words on white, (``line_px(size)``, width, 3); long ones are set smaller, then cut with dots."""
    strip = Image.fromarray(blank(line_px(size), width))
    font, text = _fitted(text, width, size)
    x, anchor = (0, "ls") if align == "left" else (width / 2, "ms")
    ImageDraw.Draw(strip).text((x, round(1.05 * size)), text, fill=ink, font=font, anchor=anchor)
    return np.asarray(strip)


def titled(picture: RGB, text: str, size: int = HEADING) -> RGB:
    """The picture with a line of words above it, of the same width and half a gap away."""
    return below([written(text, picture.shape[1], size), picture], gap=GAP // 2)


def write_png(path: Path, picture: RGB) -> None:
    """Write a picture beside its name and rename it; the same picture gives the same bytes.

    Raises:
        ConfigError: it is no RGB picture of 8 bits.
        WorkspaceError: the disk is full, or the folder cannot be written.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ConfigError(f"a picture is (H, W, 3) uint8, not {picture.shape} {picture.dtype}: {path.name}")
    with written_whole(path) as partial:
        Image.fromarray(picture).save(partial, format="PNG", compress_level=1)


@cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _fitted(text: str, width: int, size: int) -> tuple[ImageFont.ImageFont | ImageFont.FreeTypeFont, str]:
    """The largest font up to ``size`` in which the words fit, and as many of them as do."""
    for smaller in range(size, min(size, _SMALLEST_FONT) - 1, -1):
        if _font(smaller).getlength(text) <= width:
            return _font(smaller), text
    font = _font(min(size, _SMALLEST_FONT))
    kept = len(text)
    while kept and font.getlength(text[:kept] + "...") > width:
        kept -= 1
    return font, text[:kept] + "..." if kept else ""
