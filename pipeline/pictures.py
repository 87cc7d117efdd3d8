"""Pictures as files: encode, decode, and write whole or not at all."""

import zlib
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ItemError
from tcae.manifests.picture_headers import FORMATS, LARGEST_PX, picture_size
from tcae.manifests.workspace import written_whole

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8, RGB."""

JPEG_QUALITY = 95
"""Of every JPEG that the pipeline writes."""


class PictureError(ItemError):
    """A picture file is missing or cannot be decoded."""

    reason = "picture"


class TooLargeError(PictureError):
    """A picture, or a frame of a clip, has more pixels than are taken into memory."""

    reason = "too_large"


def check_size(name: str, width_px: int, height_px: int, max_pixels: int = LARGEST_PX) -> None:
    """Refuse a picture before memory is taken for it.

    Raises:
        TooLargeError: it has more than ``max_pixels``; the message names the file.
    """
    if width_px * height_px > max_pixels:
        raise TooLargeError(f"{name} has {width_px}x{height_px} pixels; {max_pixels:,} are the most")


def encode(image: Image, suffix: str = ".jpg") -> bytes:
    """A picture as the bytes of a JPEG of quality 95 (``.jpg``) or of a PNG (``.png``)."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 1]
    return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def decode(data: bytes, name: str = "picture") -> Image:
    """The picture in a file's bytes.

    Raises:
        PictureError: the bytes are no picture, or of a format that is not read.
        TooLargeError: it has too many pixels; it is not decoded.
    """
    size = picture_size(data)
    if size is None:
        raise PictureError(f"{name} is not a picture ({len(data)} bytes); it must be {FORMATS}")
    check_size(name, *size)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # a side that is longer than OpenCV takes
        image = None
    if image is None:
        raise PictureError(f"{name} is not a picture that OpenCV can decode ({len(data)} bytes)")
    return image.astype(np.uint8, copy=False)


def read(path: Path) -> Image:
    """Read one picture file.

    Raises:
        PictureError: it is missing, unreadable or no picture.
        TooLargeError: it has too many pixels.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path.name} cannot be read: {error.strerror}") from error
    return decode(data, path.name)


def write(path: Path, data: bytes) -> int:
    """Write a file beside its name and rename it.

    Returns:
        The CRC-32 of ``data``.

    Raises:
        WorkspaceError: the disk is full, or the folder cannot be written.
    """
    with written_whole(path) as partial:
        partial.write_bytes(data)
    return zlib.crc32(data)
