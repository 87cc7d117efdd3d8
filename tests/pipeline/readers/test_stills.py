"""A picture of a source says whether its decoder saw damage, and nobody else's words are lost."""

import os
from pathlib import Path

import numpy as np
import pytest

from tcae.pipeline import pictures
from tcae.pipeline.pictures import PictureError
from tcae.pipeline.readers.stills import read_still
from tests.clips import flip_bytes, numbered


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "whole.jpg"
    noise = np.random.default_rng(0).integers(0, 60, (128, 128, 3), dtype=np.uint8)
    path.write_bytes(pictures.encode(numbered(5, 128, 128) // 2 + noise))
    return path


def test_a_whole_picture_is_as_it_was(whole: Path) -> None:
    image, is_damaged = read_still(whole)
    np.testing.assert_array_equal(image, pictures.read(whole))
    assert not is_damaged


@pytest.mark.parametrize("fraction", [0.5, 0.9])
def test_a_picture_that_breaks_off_is_damaged(fraction: float, whole: Path) -> None:
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * fraction)] + b"\xff\xd9")
    assert read_still(whole)[1]


def test_flipped_bits_are_damage(whole: Path, tmp_path: Path) -> None:
    assert read_still(flip_bytes(whole, tmp_path / "flipped.jpg", 20))[1]


def test_nothing_reaches_the_terminal(whole: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole.write_bytes(whole.read_bytes()[:3000] + b"\xff\xd9")
    assert read_still(whole)[1]
    assert capfd.readouterr() == ("", "")


def test_the_words_of_others_are_passed_on(
    whole: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def talking(path: Path) -> pictures.Image:
        os.write(2, b"progress 1 of 2\nCorrupt JPEG data: 3 extraneous bytes before marker 0xd9\nprogress 2 of 2\n")
        return numbered(1)

    monkeypatch.setattr("tcae.pipeline.readers.stills.pictures.read", talking)
    assert read_still(whole)[1]
    assert capfd.readouterr().err == "progress 1 of 2\nprogress 2 of 2\n"


def test_stderr_is_back_after_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PictureError):
        read_still(tmp_path / "none.jpg")
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"
