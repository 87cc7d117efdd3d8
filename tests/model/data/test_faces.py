"""Face files to pixels."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tcae.manifests.rows import ClipKey
from tcae.model.data.faces import FaceFileError, decoded_side, read_face
from tests.training_builders import face_picture

SIDES = [8, 16, 32, 64, 100, 128, 256]


def picture(width: int = 256, height: int = 256) -> NDArray[np.uint8]:
    """Smooth, RGB, another one in each channel."""
    whole = face_picture(ClipKey("id", "v", 0), 0, 256)
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def written(path: Path, rgb: NDArray[Any]) -> Path:
    cv2.imwrite(str(path), rgb[..., ::-1] if rgb.ndim == 3 else rgb, [cv2.IMWRITE_JPEG_QUALITY, 98])
    return path


def mean_of_blocks(rgb: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """The area mean, the obvious way."""
    step = len(rgb) // side
    return np.asarray(rgb.reshape(side, step, side, step, 3).mean((1, 3)), np.float64)


def distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("side", SIDES)
def test_a_face_is_read_at_every_side(tmp_path: Path, side: int, suffix: str) -> None:
    face = read_face(written(tmp_path / f"face.{suffix}", picture()), side)
    assert face.shape == (side, side, 3)
    assert face.dtype == np.uint8
    assert face.flags.writeable
    if 256 % side == 0:
        assert distance(face, mean_of_blocks(picture(), side)) < 2


@pytest.mark.parametrize("side", [16, 32, 64, 128, 256])
def test_a_lossless_file_gives_the_area_mean(tmp_path: Path, side: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    face = read_face(written(tmp_path / "face.png", noise), side)
    assert np.abs(face - mean_of_blocks(noise, side)).max() <= 1


@pytest.mark.parametrize("side", [32, 64, 128])
def test_decoding_at_reduced_cost_is_close_to_the_area_mean_of_all_pixels(tmp_path: Path, side: int) -> None:
    path = written(tmp_path / "face.jpg", picture())
    assert distance(read_face(path, side), mean_of_blocks(read_face(path, 256), side)) < 1


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("own", [20, 64, 100, 200, 300, 512])
def test_a_file_of_another_size_is_resized(tmp_path: Path, own: int, suffix: str) -> None:
    path = written(tmp_path / f"face.{suffix}", picture(own, own))
    whole = read_face(path, own)
    for side in (64, 128, 256):
        how = cv2.INTER_AREA if own > side else cv2.INTER_LINEAR
        resized = np.asarray(cv2.resize(whole, (side, side), interpolation=how))
        assert distance(read_face(path, side), resized) < 1


def test_a_grey_file_becomes_three_equal_channels(tmp_path: Path) -> None:
    face = read_face(written(tmp_path / "face.png", picture()[..., 0]), 256)
    assert (face == picture()[..., :1]).all()


def test_channels_are_red_green_blue(tmp_path: Path) -> None:
    red = np.zeros((256, 256, 3), np.uint8)
    red[..., 0] = 255
    for suffix in ("png", "jpg"):
        assert np.abs(read_face(written(tmp_path / f"face.{suffix}", red), 64) - red[0, 0].astype(int)).max() < 8


@pytest.mark.parametrize(("width", "height"), [(128, 256), (256, 300), (64, 32)])
@pytest.mark.parametrize("side", [64, 256])
def test_a_picture_that_is_not_square_is_refused(tmp_path: Path, width: int, height: int, side: int) -> None:
    path = written(tmp_path / "face.jpg", picture(width, height))
    with pytest.raises(FaceFileError, match=f"face.jpg is {width}x{height} px; a face is square"):
        read_face(path, side)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "id" / "face.jpg"
    with pytest.raises(FaceFileError, match="cannot be read: No such file or directory") as caught:
        read_face(path, 64)
    assert str(caught.value).startswith(f"{path} ")
    with pytest.raises(FaceFileError, match="cannot be read: Is a directory"):
        read_face(tmp_path, 64)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff"])
@pytest.mark.parametrize("side", [64, 256])
def test_a_file_that_is_no_picture_is_named(tmp_path: Path, data: bytes, side: int) -> None:
    path = tmp_path / "face.jpg"
    path.write_bytes(data)
    with pytest.raises(FaceFileError, match=rf"face.jpg is not a picture that OpenCV can decode \({len(data)} bytes\)"):
        read_face(path, side)


def test_a_file_that_ends_too_early_is_no_picture(tmp_path: Path) -> None:
    path = written(tmp_path / "face.jpg", picture())
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FaceFileError, match="is not a picture"):
        read_face(path, 128)


@pytest.mark.parametrize(("size", "side"), [(256, 256), (128, 256), (64, 128), (8, 16), (512, 256)])
def test_faces_are_decoded_at_twice_what_the_network_sees(size: int, side: int) -> None:
    assert decoded_side(size) == side


def test_a_file_that_claims_to_be_enormous_is_no_picture(tmp_path: Path) -> None:
    path = written(tmp_path / "face.png", picture())
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 200_000, 200_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    with pytest.raises(FaceFileError, match=r"face\.png has 200000x200000 pixels; 67,108,864 are the most"):
        read_face(path, 256)
