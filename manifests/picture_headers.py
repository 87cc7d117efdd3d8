"""What a picture file's first bytes say: its format and its size, without decoding it.

Only the formats that are known here are decoded at all: OpenCV reads a dozen more by their content, whatever a file is
called, and some of them take memory for a size that nobody checked.
"""

import struct
from collections.abc import Callable

FORMATS = "JPEG, PNG, BMP, GIF or WebP"
"""What a picture may be; its name need not say which."""

LARGEST_PX = 1 << 26
"""Pixels of the largest picture that is read: 8192x8192, of which 8K is half; 192 MiB as RGB."""

_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
"""JPEG's markers that nothing follows."""

_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""JPEG's markers of a frame, which has the size."""

_SCAN = 0xDA
"""JPEG's marker of the pictures' data."""


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where the bytes are none of ``FORMATS`` or break off in the header."""
    for magic, size_of in _READERS.items():
        if data.startswith(magic):
            try:
                return size_of(data)
            except (struct.error, IndexError):
                return None
    return None


def _png(data: bytes) -> tuple[int, int] | None:
    kind, width, height = struct.unpack_from(">4sII", data, 12)
    return (width, height) if kind == b"IHDR" else None


def _bmp(data: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return abs(width), abs(height)


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[8:16]
    if kind == b"WEBPVP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"WEBPVP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return (width & 0x3FFF, height & 0x3FFF) if kind == b"WEBPVP8 " else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    place = 2
    while (place := data.find(b"\xff", place)) >= 0:
        marker = data[place + 1]
        if marker in _SIZES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        if marker == _SCAN:
            return None
        if marker in (0x00, 0xFF):
            place += 1
        elif marker in _WITHOUT_LENGTH:
            place += 2
        else:
            place += 2 + struct.unpack_from(">H", data, place + 2)[0]
    return None


_READERS: dict[bytes, Callable[[bytes], tuple[int, int] | None]] = {
    b"\xff\xd8": _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"BM": _bmp,
    b"GIF8": _gif,
    b"RIFF": _webp,
}
