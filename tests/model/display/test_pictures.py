"""Montages, words and PNG files."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError, WorkspaceError
from tcae.model.display.pictures import (
    GAP,
    HEADING,
    MISSING,
    RGB,
    below,
    beside,
    centred,
    enlarged,
    factor_of,
    framed,
    line_px,
    outlined,
    picture_of,
    resized,
    titled,
    write_png,
    written,
)
from tests.model.display.builders import flat

RED, BLUE = (255, 0, 0), (0, 0, 255)
WHITE = [255, 255, 255]


def test_a_face_is_scaled_rounded_and_clipped() -> None:
    face = np.array([0.0, 1.0, -0.5, 2.0, 0.5, 100.4 / 255], np.float32).reshape(1, 1, 6).repeat(3, axis=0)
    assert picture_of(face)[0, :, 1].tolist() == [0, 255, 0, 255, 128, 100]


def test_what_is_not_finite_in_a_face_is_grey() -> None:
    face = np.zeros((3, 2, 2), np.float32)
    face[1, 0, 0] = np.nan
    face[2, 1, 1] = np.inf
    picture = picture_of(face)
    assert picture[0, 0].tolist() == picture[1, 1].tolist() == list(MISSING)
    assert picture[0, 1].tolist() == [0, 0, 0]


def test_pictures_lie_beside_each_other_with_a_white_gap() -> None:
    sheet = beside([flat(*RED, 2, 3), flat(*BLUE, 4, 5)], gap=2)
    assert sheet.shape == (4, 3 + 2 + 5, 3)
    assert (sheet[:2, :3] == RED).all()
    assert (sheet[:, 5:] == BLUE).all()
    assert (sheet[:, 3:5] == 255).all()
    assert (sheet[2:, :3] == 255).all()


def test_pictures_lie_below_each_other_as_beside_but_turned() -> None:
    pictures = [flat(*RED, 2, 3), flat(*BLUE, 4, 5)]
    turned = beside([picture.swapaxes(0, 1) for picture in pictures]).swapaxes(0, 1)
    assert below(pictures).shape == (2 + GAP + 4, 5, 3)
    np.testing.assert_array_equal(below(pictures), turned)


@pytest.mark.parametrize(("side", "factor"), [(8, 20), (32, 5), (64, 3), (128, 2), (160, 1), (161, 1), (256, 1)])
def test_small_faces_are_enlarged_by_a_whole_factor(side: int, factor: int) -> None:
    assert factor_of(side) == factor
    assert side * factor >= 160


def test_enlarging_without_smoothing_makes_squares() -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    large = enlarged(picture, 4, smooth=False)
    assert large.shape == (8, 12, 3)
    np.testing.assert_array_equal(large[::4, ::4], picture)
    np.testing.assert_array_equal(large[3::4, 3::4], picture)


def test_smooth_enlarging_keeps_a_flat_picture_flat_and_an_edge_in_its_place() -> None:
    assert (enlarged(flat(10, 20, 30), 5) == (10, 20, 30)).all()
    large = enlarged(beside([flat(0, 0, 0), flat(255, 255, 255)], gap=0), 4)
    assert large.shape == (16, 32, 3)
    assert large[:, :12].max() < 128 < large[:, 20:].min()


def test_resizing_gives_the_asked_height_and_width() -> None:
    assert resized(flat(1, 2, 3, 7, 5), (20, 9)).shape == (20, 9, 3)


@pytest.mark.parametrize(("width", "left"), [(4, 0), (3, 0), (8, 2), (9, 2)])
def test_a_picture_is_centred_between_white_columns(width: int, left: int) -> None:
    picture = centred(flat(*RED), width)
    assert picture.shape == (4, max(4, width), 3)
    assert (picture[:, left : left + 4] == RED).all()
    assert (picture == 255).all(axis=2).sum() == 4 * max(0, width - 4)


def test_a_frame_is_white_on_all_sides() -> None:
    picture = framed(flat(*RED), 3)
    assert picture.shape == (10, 10, 3)
    assert (picture[3:7, 3:7] == RED).all()
    assert (picture == 255).all(axis=2).sum() == 100 - 16


def test_an_outline_makes_white_seen_on_white() -> None:
    picture = outlined(flat(255, 255, 255, 5, 6))
    assert (picture[1:-1, 1:-1] == 255).all()
    assert (picture == 255).all(axis=2).sum() == 3 * 4


def inked(picture: RGB) -> list[int]:
    """The first and the last column in which something is written."""
    columns = np.flatnonzero((picture != 255).any(axis=(0, 2)))
    return [int(columns[0]), int(columns[-1])] if columns.size else []


@given(
    text=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    width=st.integers(1, 200),
    size=st.integers(4, 30),
)
def test_words_always_fill_one_line_of_the_asked_width(text: str, width: int, size: int) -> None:
    assert written(text, width, size).shape == (line_px(size), width, 3)


def test_words_that_fit_are_centred_or_at_the_left() -> None:
    first, last = inked(written("source", 200, 16))
    assert abs((first + last) / 2 - 99.5) <= 2
    assert inked(written("source", 200, 16, "left"))[0] <= 2


def test_long_words_are_set_smaller_before_they_are_cut() -> None:
    text = "pose displacement"
    wide, narrow, cut = (inked(written(text, width, 16, "left")) for width in (300, 100, 30))
    assert wide[1] > 100 > narrow[1] > 70
    assert 15 < cut[1] <= 30


def test_no_part_of_a_letter_is_cut_off() -> None:
    for size in (9, 14, 24):
        picture = written("ÄQgjpy|", 200, size)
        assert (picture[0] == 255).all()
        assert (picture[-1] == 255).all()


def test_words_with_nothing_in_them_are_white() -> None:
    assert inked(written("", 50)) == []


def test_a_title_stands_above_the_picture() -> None:
    picture = titled(flat(*RED, 20, 60), "target")
    assert picture.shape == (line_px(HEADING) + GAP // 2 + 20, 60, 3)
    assert (picture[-20:] == RED).all()
    assert inked(picture[: line_px(HEADING)])


def test_a_png_gives_the_picture_back_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    for name in ("a.png", "b.png"):
        write_png(tmp_path / "new" / name, picture)
    a, b = (tmp_path / "new" / name for name in ("a.png", "b.png"))
    assert a.read_bytes() == b.read_bytes()
    np.testing.assert_array_equal(cv2.imread(str(a), cv2.IMREAD_COLOR_RGB), picture)
    assert sorted(path.name for path in a.parent.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3)])
def test_only_pictures_are_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"a picture is \(H, W, 3\) uint8, not .*: a\.png"):
        write_png(tmp_path / "a.png", np.zeros(shape, np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("a file", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"cannot write .*samples/a\.png"):
        write_png(tmp_path / "samples" / "a.png", flat(*RED))
