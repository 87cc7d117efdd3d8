"""A picture's header tells its size without decoding it."""

import io
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from tcae.manifests.picture_headers import picture_size
from tcae.pipeline.pictures import PictureError, decode

SUFFIXES = [".jpg", ".png", ".bmp", ".gif", ".webp"]


def encoded(suffix: str, width_px: int, height_px: int, *options: int) -> bytes:
    image = np.full((height_px, width_px, 3), 90, np.uint8)
    image[::2] = 30
    return bytes(cv2.imencode(suffix, image, list(options))[1])


@pytest.mark.parametrize("size", [(1, 1), (20, 10), (7, 300), (1000, 3)])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_header_says_the_size_of_the_picture(suffix: str, size: tuple[int, int]) -> None:
    data = encoded(suffix, *size)
    assert picture_size(data) == size
    assert decode(data).shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + bytes(600), "icc_profile": bytes(90_000)}),
        ("JPEG", {"comment": b"\xff\xc0\0\x11\x08\0\x01\0\x01"}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 40}),
        ("WEBP", {"exif": b"Exif\0\0" + bytes(60)}),
        ("PNG", {}),
        ("BMP", {}),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_another_encoders_pictures_are_read_alike(kind: str, options: dict[str, object], mode: str) -> None:
    sink = io.BytesIO()
    Pillow.new(mode, (123, 45)).save(sink, kind, **options)
    assert picture_size(sink.getvalue()) == (123, 45)


def test_old_and_upside_down_bitmaps_are_read() -> None:
    data = encoded(".bmp", 20, 10)
    assert picture_size(data[:22] + struct.pack("<i", -10) + data[26:]) == (20, 10)
    assert picture_size(data[:14] + struct.pack("<IHH", 12, 30, 40)) == (30, 40)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_header_that_breaks_off_has_no_size(suffix: str) -> None:
    data = encoded(suffix, 20, 10)
    for length in range(9):
        assert picture_size(data[:length]) is None


@pytest.mark.parametrize("suffix", [".tiff", ".pgm", ".hdr"])
def test_other_formats_are_refused_whatever_opencv_makes_of_them(suffix: str) -> None:
    with pytest.raises(PictureError, match=r"a\.jpg is not a picture .*; it must be JPEG, PNG, BMP, GIF or WebP"):
        decode(encoded(suffix, 20, 10), "a.jpg")


@given(st.sampled_from([b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8", b"RIFF"]), st.binary(max_size=200))
def test_any_bytes_have_a_size_or_none(magic: bytes, rest: bytes) -> None:
    size = picture_size(magic + rest)
    assert size is None or (size[0] >= 0 and size[1] >= 0)
