from pathlib import Path

import pytest

from tcae.manifests.rows import Clip
from tcae.pipeline.sources import SourceConfig, list_clips
from tests.source_builders import as_nobody, grow, open_folder, track_rows, track_text

TEXT = track_text(track_rows(0, 50)).encode()


def rows(root: Path) -> list[Clip]:
    return list_clips(SourceConfig(sources=(root,), layout="originals")).clips


def test_an_original_that_cannot_be_reached_refuses_its_tracks(tmp_path: Path) -> None:
    grow(tmp_path, "txt/anna/vid/1.txt", "txt/anna/vid/2.txt", data=TEXT)
    (tmp_path / "vid.mp4").symlink_to("gone.mp4")
    assert [(clip.name, clip.reason) for clip in rows(tmp_path)] == [("1.txt", "unreadable"), ("2.txt", "unreadable")]


def test_a_broken_track_file_and_a_broken_folder_of_them_are_rows(tmp_path: Path) -> None:
    grow(tmp_path, "vid.mp4", "txt/anna/vid/folder/")
    grow(tmp_path, "txt/anna/vid/1.txt", data=TEXT)
    (tmp_path / "txt/anna/vid/2.txt").symlink_to("gone.txt")
    (tmp_path / "txt/bob").symlink_to("nowhere")
    assert [(clip.identity, clip.name, clip.reason) for clip in rows(tmp_path)] == [
        ("anna", "1.txt", None),
        ("anna", "2.txt", "unreadable"),
        ("bob", "bob", "unreadable"),
    ]


def test_an_original_with_a_bad_name_that_no_track_names_is_a_row(tmp_path: Path) -> None:
    grow(tmp_path, "anna/vid.mp4", "anna/bad\n.mp4")
    grow(tmp_path, "txt/anna/vid/1.txt", data=TEXT)
    assert {(clip.video, clip.reason) for clip in rows(tmp_path)} == {("vid", None), (r"bad\x0a", "name")}


def test_of_two_originals_of_one_name_the_one_in_the_persons_folder_is_cut(tmp_path: Path) -> None:
    grow(tmp_path, "anna/vid.mp4", "bob/vid.mp4")
    grow(tmp_path, "txt/bob/vid/1.txt", "txt/zoe/vid/1.txt", data=TEXT)
    assert [(clip.identity, clip.path) for clip in rows(tmp_path)] == [("bob", "bob/vid.mp4"), ("zoe", "anna/vid.mp4")]


def test_a_folder_of_originals_that_cannot_be_listed_is_a_row() -> None:
    with open_folder() as base:
        grow(base, "locked/other.mp4", "vid.mp4")
        grow(base, "txt/anna/vid/1.txt", data=TEXT)
        (base / "locked").chmod(0)
        try:
            with as_nobody():
                found = rows(base)
        finally:
            (base / "locked").chmod(0o755)
    assert [(clip.identity, clip.reason) for clip in found] == [("anna", None), ("locked", "unreadable")]


@pytest.mark.parametrize("base", ["test/txt", "txt/test"])
def test_voxceleb2s_tracks_cut_by_its_split_and_in_fractions(tmp_path: Path, base: str) -> None:
    grow(tmp_path, "vid.mp4")
    text = track_text(track_rows(0, 50, "0.1 0.2 0.3 0.4"), "id00017").encode()
    grow(tmp_path, f"{base}/id00017/vid/1.txt", data=text)
    (clip,) = list_clips(SourceConfig(sources=(tmp_path,))).clips
    assert (clip.layout, clip.official_split, clip.track_unit) == ("originals", "test", "fraction")
    assert (clip.track_path, clip.end_seconds) == (f"{base}/id00017/vid/1.txt", 2.0)


def test_a_folder_called_txt_without_tracks_does_not_make_originals(tmp_path: Path) -> None:
    grow(tmp_path, "anna.mp4", "txt/notes.txt")
    assert [clip.layout for clip in list_clips(SourceConfig(sources=(tmp_path,))).clips] == ["flat"]
