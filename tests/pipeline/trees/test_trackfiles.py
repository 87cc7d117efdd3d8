import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.pipeline.trees.trackfiles import MOST_BYTES, TrackFile, TrackFileError, box_at, read_track_file
from tests.source_builders import track_rows, track_text


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "00001.txt"
    path.write_text(track_text(["008809 \t100 \t50 \t80 \t90 ", "008810 \t104 \t52 \t80 \t90 "]))
    return path


def made(frames: list[int], boxes: list[list[float]]) -> TrackFile:
    return TrackFile(
        identity="",
        reference="",
        offset=None,
        face_confidence=None,
        speaker_confidence=None,
        frames=np.array(frames, np.int64),
        boxes=np.array(boxes, np.float64),
    )


def test_a_file_as_voxceleb_writes_it_is_read_without_its_trailing_spaces(written: Path) -> None:
    track = read_track_file(written)
    assert (track.identity, track.reference) == ("id10001", "AbC-_123xyz")
    assert (track.offset, track.face_confidence, track.speaker_confidence) == (-2, 16.14, 5.142)
    np.testing.assert_array_equal(track.frames, [8809, 8810])
    np.testing.assert_array_equal(track.boxes, [[100, 50, 80, 90], [104, 52, 80, 90]])
    assert track.frames.dtype == np.int64


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(written: Path) -> None:
    plain = read_track_file(written)
    written.write_bytes(b"\xef\xbb\xbf" + written.read_text().replace("\n", "\r\n").encode())
    other = read_track_file(written)
    assert other.identity == plain.identity
    np.testing.assert_array_equal(other.boxes, plain.boxes)


def test_a_missing_header_costs_only_the_header(written: Path) -> None:
    written.write_text("FRAME X Y W H\n0 0.1 0.2 0.3 0.4\n")
    track = read_track_file(written)
    assert (track.identity, track.offset) == ("", None)


def test_the_track_is_half_open_in_seconds_of_the_original_at_25_fps(written: Path) -> None:
    track = read_track_file(written)
    assert track.start_seconds == pytest.approx(8809 / 25)
    assert track.end_seconds == pytest.approx(8811 / 25)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["0 1 2 3"], 8),
        (["0 1 2 3 4", "1 1 2 3 4 5"], 9),
        (["0 1 2 3 4", "one 1 2 3 4"], 9),
        (["0 1 2 3 4", "1 nan 2 3 4"], 9),
        (["0 1 2 3 4", "1 1 2 inf 4"], 9),
        (["0 1 2 3 4", "0 1 2 3 4"], 9),
        (["5 1 2 3 4", "4 1 2 3 4"], 9),
        (["-1 1 2 3 4"], 8),
        (["0.5 1 2 3 4"], 8),
        (["99999999999999999999 1 2 3 4"], 8),
        (["0 1 2 0 4"], 8),
        (["0 1 2 3 -4"], 8),
        (["0 1 2 3 4", "", "1 1 2 3"], 10),
    ],
)
def test_nonsense_is_refused_with_file_and_line(written: Path, rows: list[str], line: int) -> None:
    written.write_text(track_text(rows))
    with pytest.raises(TrackFileError, match=rf"line {line} of track file 00001\.txt is .*rising whole number"):
        read_track_file(written)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "has no line FRAME X Y W H"),
        (b"Identity : a\n", "has no line FRAME X Y W H"),
        (b"FRAME X Y W H\n\n", "has no row below"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
    ],
)
def test_a_file_without_a_table_is_refused(written: Path, data: bytes, message: str) -> None:
    written.write_bytes(data)
    with pytest.raises(TrackFileError, match=message):
        read_track_file(written)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrackFileError, match=r"no\.txt cannot be read: No such file"):
        read_track_file(tmp_path / "no.txt")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_track_or_an_item_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(b"FRAME X Y W H\n" + data)
    with contextlib.suppress(TrackFileError):
        track = read_track_file(path)
        assert track.boxes.shape == (len(track.frames), 4)
        assert np.isfinite(track.boxes).all()


def test_numbers_above_two_are_pixels() -> None:
    assert made([0], [[0.1, 0.2, 0.3, 1.1]]).unit == "fraction"
    assert made([0], [[0, 0, 40, 40]]).unit == "px360"


def test_pixels_are_of_a_frame_360_high_in_x_and_y_alike() -> None:
    track = made([0], [[100, 50, 80, 90]])
    assert box_at(track, 0, unit="px360", width_px=1280, height_px=720) == (200, 100, 360, 280)
    assert box_at(track, 0, unit="px360", width_px=480, height_px=360) == (100, 50, 180, 140)


def test_fractions_are_of_width_and_height() -> None:
    track = made([0], [[0.25, 0.5, 0.5, 0.25]])
    assert box_at(track, 0, unit="fraction", width_px=640, height_px=400) == (160, 200, 480, 300)


def test_time_counts_from_the_first_frame_of_the_track() -> None:
    moving = made([8000, 8025], [[0, 0, 10, 10], [360, 0, 10, 10]])
    near = box_at(moving, 1.0, unit="px360", width_px=360, height_px=360)
    assert near == (360, 0, 370, 10)


def test_a_box_between_two_rows_is_interpolated() -> None:
    track = made([0, 1], [[0, 0, 10, 10], [10, 20, 30, 10]])
    assert box_at(track, 0.5 / 25, unit="px360", width_px=360, height_px=360) == pytest.approx((5, 10, 25, 20))


@pytest.mark.parametrize(
    ("seconds", "has_box"), [(-0.21, False), (-0.2, True), (1.2, True), (1.3, False), (2.75, False), (2.8, True)]
)
def test_no_box_is_made_up_more_than_a_fifth_of_a_second_from_a_row(seconds: float, has_box: bool) -> None:
    track = made([*range(100, 126), *range(175, 200)], [[0, 0, 10, 10]] * 51)
    assert (box_at(track, seconds, unit="px360", width_px=9, height_px=360) is not None) == has_box


def test_an_unknown_unit_is_our_bug() -> None:
    with pytest.raises(ValueError, match="is 'px'; it must be one of px360, fraction"):
        box_at(made([0], [[0, 0, 1, 1]]), 0, unit="px", width_px=1, height_px=1)


@given(st.integers(0, 10_000), st.integers(1, 60), st.floats(0, 2))
def test_shifting_all_frames_changes_no_box(first: int, number: int, seconds: float) -> None:
    boxes = [[float(k), 2.0 * k, 10.0, 10.0] for k in range(number)]
    here = made(list(range(number)), boxes)
    there = made(list(range(first, first + number)), boxes)
    one, other = (box_at(t, seconds, unit="px360", width_px=10, height_px=360) for t in (here, there))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one == pytest.approx(other, abs=1e-6)


def test_rows_of_the_builder_are_rows_of_a_track(written: Path) -> None:
    written.write_text(track_text(track_rows(325, 4)))
    np.testing.assert_array_equal(read_track_file(written).frames, [325, 326, 327, 328])


def test_a_header_of_a_million_spaces_is_read_at_once(written: Path) -> None:
    written.write_text("Offset" + " " * 1_000_000 + ":" + " " * 1_000_000 + "7 x\nFRAME X Y W H\n0 0.1 0.2 0.3 0.4\n")
    assert read_track_file(written).offset == 7


def test_a_track_file_of_more_than_a_few_megabytes_is_refused(written: Path) -> None:
    with written.open("ab") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(TrackFileError, match=r"00001\.txt has more than 4,194,304 bytes, which are the most"):
        read_track_file(written)
