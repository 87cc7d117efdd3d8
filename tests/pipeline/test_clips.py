"""A clip gives rows and pictures whatever it is on disk."""

from pathlib import Path

import pytest

from tcae.manifests.rows import Clip
from tcae.pipeline import pictures
from tcae.pipeline.clips import open_clip, source_frames
from tcae.pipeline.pictures import PictureError
from tcae.pipeline.trees.trackfiles import TrackFileError
from tcae.pipeline.trees.walk import UnreadableError
from tcae.pipeline.video import VideoConfig
from tests.clips import numbered, read_number, write_clip
from tests.source_builders import grow, track_rows, track_text


def clip_at(source: Path, path: str, **given: object) -> Clip:
    values = {"identity": "id1", "video": "v1", "clip": 0, "name": path, "layout": "clips", "media": "video"} | given
    return Clip(source=str(source), path=path, **values)  # type: ignore[arg-type]


def test_a_video_gives_its_frames_with_their_sizes(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", 60)
    with open_clip(clip_at(tmp_path, "a.mp4"), VideoConfig()) as opened:
        found = [(row, read_number(image)) for row, image in opened]
        assert opened.num_decode_errors == 0
    assert [(row.frame, row.source_frame, number) for row, number in found] == [(0, 0, 0), (1, 25, 25), (2, 50, 50)]
    assert {(row.width_px, row.height_px, row.track_box, row.file) for row, _ in found} == {(96, 64, None, None)}


def test_a_track_names_the_box_of_each_frame(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", 60)
    rows = [*track_rows(0, 30, "0.5 \t0.25 \t0.25 \t0.5 ")]
    grow(tmp_path, "a.txt", data=track_text(rows).encode())
    clip = clip_at(tmp_path, "a.mp4", track_path="a.txt", track_unit="fraction")
    with open_clip(clip, VideoConfig()) as opened:
        boxes = [row.track_box for row, _ in opened]
    assert boxes[0] == boxes[1] == pytest.approx((48, 16, 72, 48))
    assert boxes[2] is None


def test_a_broken_track_file_rejects_the_clip(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", 30)
    grow(tmp_path, "a.txt", data=b"\xff\xfe nothing")
    clip = clip_at(tmp_path, "a.mp4", track_path="a.txt", track_unit="fraction")
    with pytest.raises(TrackFileError, match=r"a\.txt"), open_clip(clip, VideoConfig()):
        pass


def test_a_file_that_went_after_the_listing_is_unreadable(tmp_path: Path) -> None:
    with (
        pytest.raises(UnreadableError, match=r"a\.mp4 cannot be opened: No such file"),
        open_clip(clip_at(tmp_path, "a.mp4"), VideoConfig()),
    ):
        pass


def test_images_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name, number in {"f9.png": 9, "f10.png": 10, "noon.png": 77}.items():
        (tmp_path / name).write_bytes(pictures.encode(numbered(number), ".png"))
    with open_clip(clip_at(tmp_path, "", media="images"), VideoConfig()) as opened:
        found = [(row.frame, row.source_frame, row.pts_seconds, read_number(image)) for row, image in opened]
    assert found == [(0, 9, None, 9), (1, 10, None, 10), (2, 2, None, 77)]


def test_images_that_cannot_be_decoded_are_counted(tmp_path: Path) -> None:
    grow(tmp_path, "1.png", "2.png", data=b"no picture")
    (tmp_path / "3.png").write_bytes(pictures.encode(numbered(3), ".png"))
    with open_clip(clip_at(tmp_path, "", media="images"), VideoConfig()) as opened:
        assert [row.frame for row, _ in opened] == [2]
        assert opened.num_decode_errors == 2


def test_images_of_which_none_can_be_decoded_are_rejected(tmp_path: Path) -> None:
    grow(tmp_path, "c/1.png", "c/2.png", data=b"no picture")
    clip = clip_at(tmp_path, "c", media="images")
    with (
        pytest.raises(PictureError, match=r"none of the 2 image file\(s\) in c can be decoded"),
        open_clip(clip, VideoConfig()) as opened,
    ):
        list(opened)


def test_a_picture_is_a_whole_clip(tmp_path: Path) -> None:
    (tmp_path / "f9.png").write_bytes(pictures.encode(numbered(9), ".png"))
    with open_clip(clip_at(tmp_path, "f9.png", media="images"), VideoConfig()) as opened:
        assert [(row.frame, row.source_frame, read_number(image)) for row, image in opened] == [(0, 0, 9)]


@pytest.mark.parametrize(
    ("layout", "names", "numbers"),
    [
        ("images", ["1.jpg", "2.jpg"], [1, 2]),
        ("bp4d", ["0001.jpg", "0012.jpg"], [0, 11]),
        ("bp4d", ["0012.jpg", "noon.jpg"], [11, 1]),
        ("disfa", ["00000.jpg", "00001.jpg"], [0, 1]),
        ("biwi", ["frame_00003_rgb.png"], [3]),
    ],
)
def test_pictures_count_from_where_their_layout_does(layout: str, names: list[str], numbers: list[int]) -> None:
    assert source_frames(names, layout) == numbers
