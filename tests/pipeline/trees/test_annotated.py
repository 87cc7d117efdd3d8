"""The trees of labelled sets give clips under the names of their labels."""

from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Clip
from tcae.pipeline.sources import SourceConfig, list_clips
from tests.source_builders import as_nobody, grow, open_folder


def listed(root: Path, layout: str) -> list[Clip]:
    return list_clips(SourceConfig(sources=(root,), layout=layout)).clips


def short(root: Path, layout: str) -> list[str]:
    return [
        f"{clip.key} {clip.path} {clip.media}" + (f" {clip.reason}" if clip.reason else "")
        for clip in listed(root, layout)
    ]


@pytest.mark.parametrize("base", ["", "BP4D-training/", "a/b/c/"])
def test_bp4d_has_a_task_in_a_folder_of_pictures_or_in_a_file(tmp_path: Path, base: str) -> None:
    grow(tmp_path, f"{base}F001/T1/0001.jpg", f"{base}F001/T1/0002.jpg", f"{base}M018/T8.mp4")
    grow(tmp_path, "AUCoding/AU_OCC/F001_T1.csv", "F001/T2/", "F001/notes/1.jpg", "X001/T1/1.jpg", "F001/trailer.mp4")
    assert short(tmp_path, "bp4d") == [
        f"F001/T1/0_folder {base}F001/T1 images",
        f"M018/T8/0_folder {base}M018/T8.mp4 video",
    ]


def test_disfa_tells_its_cameras_by_the_names_of_the_videos(tmp_path: Path) -> None:
    grow(tmp_path, "Videos_LeftCamera/LeftVideoSN001_comp.avi", "Video_RightCamera/RightVideoSN001_comp.avi")
    grow(tmp_path, "pictures/RightVideoSN002/RightVideoSN002_00000001.jpg", "crops/SN003/00000.jpg")
    grow(tmp_path, "ActionUnit_Labels/SN001/SN001_au1.txt", "SN0045.avi")
    assert short(tmp_path, "disfa") == [
        "SN001/left/0_folder Videos_LeftCamera/LeftVideoSN001_comp.avi video",
        "SN001/right/0_folder Video_RightCamera/RightVideoSN001_comp.avi video",
        "SN002/right/0_folder pictures/RightVideoSN002 images",
        "SN003/left/0_folder crops/SN003 images",
    ]


def test_gft_has_one_video_for_each_person(tmp_path: Path) -> None:
    grow(tmp_path, "g1/001A.mp4", "g1/001B_video.avi", "002C/0001.png", "003A/003A-cut.mov", "001AB.mp4", "004a.mp4")
    assert short(tmp_path, "gft") == [
        "001A/video/0_folder g1/001A.mp4 video",
        "001B/video/0_folder g1/001B_video.avi video",
        "002C/video/0_folder 002C images",
        "003A/video/0_folder 003A/003A-cut.mov video",
    ]


def test_biwi_has_one_folder_for_each_recording(tmp_path: Path) -> None:
    grow(tmp_path, "hpdb/01/frame_00003_rgb.png", "hpdb/01/frame_00003_pose.txt", "hpdb/24/frame_00004_rgb.png")
    grow(tmp_path, "hpdb/01.obj", "db_annotations/01/frame_00003_pose.bin")
    assert short(tmp_path, "biwi") == ["01/01/0_folder hpdb/01 images", "24/24/0_folder hpdb/24 images"]


def test_each_loose_picture_is_a_person_of_its_own(tmp_path: Path) -> None:
    grow(tmp_path, "AFW/a_1.jpg", "AFW/a_1.mat", "AFW_Flip/a_1.jpg", "top.PNG", data=b"1234")
    assert short(tmp_path, "pictures") == [
        "AFW-a_1/picture/0_folder AFW/a_1.jpg images",
        "AFW_Flip-a_1/picture/0_folder AFW_Flip/a_1.jpg images",
        "top/picture/0_folder top.PNG images",
    ]
    assert {clip.num_bytes for clip in listed(tmp_path, "pictures")} == {4}


@pytest.mark.parametrize("base", ["Image/aligned/", "aligned/", ""])
def test_rafdb_names_its_pictures_as_its_list_does(tmp_path: Path, base: str) -> None:
    grow(tmp_path, f"{base}train_00001_aligned.jpg", f"{base}test_0001_aligned.jpg")
    grow(tmp_path, "EmoLabel/list_patition_label.txt", "Image/original/train_00001.jpg")
    assert [(*clip.key, clip.path) for clip in listed(tmp_path, "rafdb")] == [
        ("test_0001", "picture", 0, f"{base}test_0001_aligned.jpg"),
        ("train_00001", "picture", 0, f"{base}train_00001_aligned.jpg"),
    ]


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        ("pictures", ["a.jpg", "a.png"]),
        ("pictures", ["a-b.jpg", "a/b.jpg"]),
        ("bp4d", ["copy/F001/T1.mp4", "F001/T1/1.jpg"]),
        ("disfa", ["LeftVideoSN001.avi", "LeftVideoSN001_comp.avi"]),
    ],
)
def test_of_two_files_for_one_video_the_second_is_refused(tmp_path: Path, layout: str, files: list[str]) -> None:
    grow(tmp_path, *files)
    taken, refused = sorted(listed(tmp_path, layout), key=lambda clip: clip.reason is not None)
    assert (taken.clip, taken.reason, refused.reason) == (0, None, "name")
    assert refused.detail is not None
    assert f"has the same identity, video and name as {taken.path}; rename one of them" in refused.detail


def test_a_video_that_was_made_again_under_another_name_keeps_its_number(tmp_path: Path) -> None:
    grow(tmp_path, "LeftVideoSN001_comp.avi")
    known = listed(tmp_path, "disfa")
    (tmp_path / "LeftVideoSN001_comp.avi").rename(tmp_path / "LeftVideoSN001.mp4")
    config = SourceConfig(sources=(tmp_path,), layout="disfa")
    assert [clip.clip for clip in list_clips(config, known).clips] == [0]


def test_the_summary_says_the_shape_and_auto_never_guesses_it(tmp_path: Path) -> None:
    grow(tmp_path, "F001/T1.mp4")
    notes = list_clips(SourceConfig(sources=(tmp_path,), layout="bp4d")).notes
    assert "taken for bp4d, [.../]<F001>/<T1>/*.jpg" in notes[0]
    assert [clip.layout for clip in listed(tmp_path, "auto")] == ["originals"]


def test_a_tree_of_another_set_is_refused(tmp_path: Path) -> None:
    grow(tmp_path, "F001/T1.mp4")
    with pytest.raises(ConfigError, match=r"no clip was found in .*; looked for .*LeftVideo<SN001>"):
        listed(tmp_path, "disfa")


def test_a_broken_link_is_a_row(tmp_path: Path) -> None:
    grow(tmp_path, "videos/F001/T1.mp4", "pictures/1.jpg")
    (tmp_path / "videos/F001/T2.mp4").symlink_to("gone.mp4")
    (tmp_path / "pictures/2.jpg").symlink_to("gone.jpg")
    assert [clip.reason for clip in listed(tmp_path / "videos", "bp4d")] == [None, "unreadable"]
    assert [clip.reason for clip in listed(tmp_path / "pictures", "pictures")] == [None, "unreadable"]


@pytest.mark.parametrize("layout", ["bp4d", "pictures"])
def test_a_folder_that_may_not_be_read_is_a_row(layout: str) -> None:
    with open_folder() as base:
        grow(base, "F001/T1.mp4", "a/1.jpg", "locked/F002/T1.mp4")
        (base / "locked").chmod(0)
        try:
            with as_nobody():
                rows = listed(base, layout)
        finally:
            (base / "locked").chmod(0o755)
    refused = [clip for clip in rows if clip.reason]
    assert [(clip.identity, clip.reason) for clip in refused] == [("locked", "unreadable")]
    assert len(rows) == 2
