import os
from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Clip
from tcae.pipeline.sources import SourceConfig, list_clips
from tests.source_builders import as_nobody, grow, open_folder, track_rows, track_text


def listed(root: Path, layout: str = "auto", tracks: str = "auto") -> list[Clip]:
    return list_clips(SourceConfig(sources=(root,), layout=layout, tracks=tracks)).clips


def notes(root: Path, layout: str = "auto", tracks: str = "auto") -> str:
    return "\n".join(list_clips(SourceConfig(sources=(root,), layout=layout, tracks=tracks)).notes)


def short(clips: list[Clip]) -> list[str]:
    return [f"{clip.key} {clip.path}" + (f" {clip.reason}" if clip.reason else "") for clip in clips]


@pytest.mark.parametrize("base", ["mp4/", "dev/mp4/", "test/mp4/", "dev/", ""])
@pytest.mark.parametrize("suffix", [".mp4", ".AVI", ".webm"])
def test_voxceleb2_is_recognised_with_every_prefix_and_extension(tmp_path: Path, base: str, suffix: str) -> None:
    grow(tmp_path, f"{base}id00012/-_x/00002{suffix}", f"{base}id00012/-_x/00010{suffix}")
    clips = listed(tmp_path)
    assert short(clips) == [
        f"id00012/-_x/0_folder {base}id00012/-_x/00002{suffix}",
        f"id00012/-_x/1_folder {base}id00012/-_x/00010{suffix}",
    ]
    assert {(clip.layout, clip.media, clip.name[:3]) for clip in clips} == {("voxceleb2", "video", "000")}
    assert {clip.official_split for clip in clips} == {base.split("/")[0] if base[:1] in "dt" and base else None}


def test_voxceleb2_takes_both_halves_of_its_split(tmp_path: Path) -> None:
    grow(tmp_path, "dev/mp4/id00012/v/1.mp4", "test/mp4/id00017/v/1.mp4")
    assert [(clip.identity, clip.official_split) for clip in listed(tmp_path)] == [
        ("id00012", "dev"),
        ("id00017", "test"),
    ]


def test_a_source_that_is_itself_the_mp4_folder_knows_its_split(tmp_path: Path) -> None:
    grow(tmp_path, "test/mp4/id00012/v/1.mp4")
    for root in (tmp_path / "test", tmp_path / "test" / "mp4"):
        assert [clip.official_split for clip in listed(root)] == ["test"]


def test_an_identity_in_both_halves_counts_as_test(tmp_path: Path) -> None:
    grow(tmp_path, "dev/mp4/id00012/v/1.mp4", "test/mp4/id00012/w/1.mp4")
    assert {clip.official_split for clip in listed(tmp_path)} == {"test"}
    assert "1 identities are in both dev and test and count as test, e.g. id00012" in notes(tmp_path)


def test_any_names_below_mp4_are_taken_for_voxceleb2(tmp_path: Path) -> None:
    grow(tmp_path, "mp4/anna/v/1.mp4")
    assert [(clip.identity, clip.layout) for clip in listed(tmp_path)] == [("anna", "voxceleb2")]


def test_voxceleb1_and_its_official_test_identities(tmp_path: Path) -> None:
    people = ["id10001", "id10269", "id10270", "id10309", "id10310"]
    grow(tmp_path, *(f"{name}/v/00001.avi" for name in people))
    clips = listed(tmp_path)
    assert {clip.layout for clip in clips} == {"voxceleb1"}
    assert [clip.official_split for clip in clips] == ["dev", "dev", "test", "test", "dev"]


def test_one_tree_may_mix_both_data_sets(tmp_path: Path) -> None:
    grow(tmp_path, "id00012/v/1.mp4", "id10001/v/1.mp4", "txt/id10001/v/1.txt", "txt/id00012/v/1.txt")
    assert [(clip.layout, clip.track_path) for clip in listed(tmp_path)] == [
        ("voxceleb2", None),
        ("voxceleb1", "txt/id10001/v/1.txt"),
    ]
    assert "taken for voxceleb1 and voxceleb2" in notes(tmp_path)


@pytest.mark.parametrize("folder", ["", "txt/"])
def test_a_track_file_of_voxceleb1_names_the_person_of_its_utterance(tmp_path: Path, folder: str) -> None:
    grow(tmp_path, "id10001/v/00001.mp4", "id10001/v/00002.mp4", f"{folder}id10001/v/00001.txt")
    one, two = listed(tmp_path)
    assert (one.track_path, one.track_unit) == (f"{folder}id10001/v/00001.txt", "px360")
    assert (two.track_path, two.track_unit) == (None, None)
    assert (one.start_seconds, one.end_seconds) == (None, None)
    assert [clip.track_path for clip in listed(tmp_path, tracks="ignore")] == [None, None]


@pytest.mark.parametrize("tracks", ["dev/txt", "txt/dev", "txt"])
def test_tracks_of_voxceleb2_are_used_only_when_asked_for(tmp_path: Path, tracks: str) -> None:
    grow(tmp_path, "dev/mp4/id00012/v/00001.mp4", f"{tracks}/id00012/v/00001.txt")
    assert listed(tmp_path)[0].track_path is None
    assert "cropped around the person already" in notes(tmp_path)
    clip = listed(tmp_path, tracks="use")[0]
    assert (clip.track_path, clip.track_unit) == (f"{tracks}/id00012/v/00001.txt", "fraction")


def test_tracks_beside_a_source_that_is_the_mp4_folder_are_found(tmp_path: Path) -> None:
    grow(tmp_path, "mp4/id00012/v/00001.mp4", "txt/id00012/v/00001.txt")
    clip = listed(tmp_path / "mp4", tracks="use")[0]
    assert clip.track_path == "../txt/id00012/v/00001.txt"
    assert (Path(clip.source) / clip.track_path).is_file()


def test_any_three_levels_are_clips(tmp_path: Path) -> None:
    grow(tmp_path, "anna/holiday/b.mp4", "anna/holiday/a.MOV", "bob/talk/c.mkv", "bob/talk/pictures/1.png")
    assert short(listed(tmp_path)) == [
        "anna/holiday/0_folder anna/holiday/a.MOV",
        "anna/holiday/1_folder anna/holiday/b.mp4",
        "bob/talk/0_folder bob/talk/c.mkv",
        "bob/talk/1_folder bob/talk/pictures",
    ]
    assert [clip.media for clip in listed(tmp_path)] == ["video", "video", "video", "images"]
    assert "taken for clips" in notes(tmp_path)


def test_people_may_be_called_dev_and_test(tmp_path: Path) -> None:
    grow(tmp_path, "dev/v/1.mp4", "test/v/1.mp4", "zoe/v/1.mp4")
    assert [clip.identity for clip in listed(tmp_path)] == ["dev", "test", "zoe"]


def test_folders_of_pictures_sum_their_sizes_and_take_the_newest_time(tmp_path: Path) -> None:
    grow(tmp_path, "anna/v/take/10.jpg", "anna/v/take/9.PNG", data=b"1234")
    grow(tmp_path, "anna/v/take/notes.txt", "anna/v/empty/")
    os.utime(tmp_path / "anna/v/take/9.PNG", ns=(5, 2_000_000_000_000_000_000))
    empty, take = listed(tmp_path)
    assert (take.layout, take.media, take.num_bytes) == ("images", "images", 8)
    assert take.modified_ns == 2_000_000_000_000_000_000
    assert (empty.reason, empty.name) == ("no_pictures", "empty")


def test_a_flat_folder_makes_each_file_a_person_and_warns(tmp_path: Path) -> None:
    grow(tmp_path, "anna.mp4", "bob.v2.mkv", "readme.md")
    assert short(listed(tmp_path)) == ["anna/anna/0_folder anna.mp4", "bob.v2/bob.v2/0_folder bob.v2.mkv"]
    assert "warning: in a flat folder each file is taken for another person" in notes(tmp_path)


CSV = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10001\tA.J._Buckley\tm\tIreland\tdev\n"
CSV += "id10270\tEartha_Kitt\tf\tUSA\ttest\n"


def test_the_face_dump_with_tracks_is_keyed_by_id(tmp_path: Path) -> None:
    data = "unzippedIntervalFaces/data"
    grow(tmp_path, f"{data}/A.J._Buckley/1.6/vid/10/1.jpg", f"{data}/A.J._Buckley/1.6/vid/2/1.jpg")
    grow(tmp_path, f"{data}/Eartha_Kitt/1.6/vid/0/1.jpg")
    (tmp_path / "vox1_meta.csv").write_text(CSV)
    clips = listed(tmp_path)
    assert short(clips) == [
        f"id10001/vid/0_folder {data}/A.J._Buckley/1.6/vid/2",
        f"id10001/vid/1_folder {data}/A.J._Buckley/1.6/vid/10",
        f"id10270/vid/0_folder {data}/Eartha_Kitt/1.6/vid/0",
    ]
    assert {(clip.layout, clip.media) for clip in clips} == {("voxceleb1-images", "images")}
    assert [clip.official_split for clip in clips] == ["dev", "dev", "test"]


@pytest.mark.parametrize("inside", ["", "unzippedFaces", "data"])
def test_the_face_dump_without_tracks_has_one_clip_per_video(tmp_path: Path, inside: str) -> None:
    grow(tmp_path, f"{inside}/Eartha_Kitt/1.6/vid/0001.jpg".lstrip("/"))
    assert [(*clip.key, clip.name) for clip in listed(tmp_path)] == [("Eartha_Kitt", "vid", 0, "vid")]
    assert "no vox1_meta.csv" in notes(tmp_path)


@pytest.mark.parametrize("where", ["", "unzippedIntervalFaces", "unzippedIntervalFaces/data"])
@pytest.mark.parametrize("source", ["", "unzippedIntervalFaces", "unzippedIntervalFaces/data"])
def test_the_names_are_found_in_the_source_or_above_its_data(tmp_path: Path, where: str, source: str) -> None:
    grow(tmp_path, "unzippedIntervalFaces/data/Eartha_Kitt/1.6/vid/0/1.jpg")
    (tmp_path / where / "vox1_meta.csv").write_text(CSV)
    assert [clip.identity for clip in listed(tmp_path / source)] == ["id10270"]


def test_a_celebrity_that_cannot_be_reached_is_a_row(tmp_path: Path) -> None:
    grow(tmp_path, "unzippedFaces/A/1.6/vid/1.jpg", "unzippedFaces/A/1.6/empty/", "unzippedFaces/C/1.6/vid/2.jpg")
    (tmp_path / "unzippedFaces/B").symlink_to("nowhere")
    assert [(*clip.key, clip.reason) for clip in listed(tmp_path)] == [
        ("A", "empty", 0, "no_pictures"),
        ("A", "vid", 0, None),
        ("B", "-", 0, "unreadable"),
        ("C", "vid", 0, None),
    ]


def test_names_that_the_csv_lacks_are_said(tmp_path: Path) -> None:
    grow(tmp_path, "unzippedFaces/Nobody/1.6/vid/1.jpg")
    (tmp_path / "vox1_meta.csv").write_text(CSV)
    assert [clip.identity for clip in listed(tmp_path)] == ["Nobody"]
    assert "1 names are not in vox1_meta.csv and stay names: Nobody" in notes(tmp_path)


def test_of_two_face_dumps_the_one_with_tracks_is_taken(tmp_path: Path) -> None:
    grow(tmp_path, "unzippedFaces/A/1.6/vid/1.jpg", "unzippedIntervalFaces/data/A/1.6/vid/7/1.jpg")
    assert [clip.name for clip in listed(tmp_path)] == ["7"]
    assert "unzippedFaces shows the same people" in notes(tmp_path)


@pytest.mark.parametrize("text", ["", "a,b,c\n", "VoxCeleb1 ID,VGGFace1 ID\n"], ids=["empty", "other", "commas"])
def test_a_csv_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    grow(tmp_path, "unzippedFaces/A/1.6/vid/1.jpg")
    (tmp_path / "vox1_meta.csv").write_text(text)
    with pytest.raises(ConfigError, match="its columns must be VoxCeleb1 ID, VGGFace1 ID"):
        listed(tmp_path)


def test_a_csv_that_is_no_text_is_refused(tmp_path: Path) -> None:
    grow(tmp_path, "unzippedFaces/A/1.6/vid/1.jpg")
    (tmp_path / "vox1_meta.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"vox1_meta\.csv cannot be read as tab-separated text"):
        listed(tmp_path)


def test_an_identity_of_the_csv_cannot_leave_the_workspace(tmp_path: Path) -> None:
    grow(tmp_path, "unzippedFaces/A/1.6/vid/1.jpg", "unzippedFaces/B/1.6/vid/1.jpg")
    (tmp_path / "vox1_meta.csv").write_text("VoxCeleb1 ID\tVGGFace1 ID\n../../etc\tA\nid10001\tB\n")
    bad, good = listed(tmp_path)
    assert (bad.identity, bad.reason) == (r"\x2e.\x2f..\x2fetc", "name")
    assert good.reason is None


@pytest.mark.parametrize("film", ["id10001/vid.mp4", "vid.mkv", "videos/vid.webm", "videos/id10001/vid.mp4"])
def test_tracks_cut_clips_out_of_originals(tmp_path: Path, film: str) -> None:
    grow(tmp_path, film)
    for name, first in (("00002", 500), ("00001", 325)):
        grow(tmp_path, f"txt/id10001/vid/{name}.txt", data=track_text(track_rows(first, 100)).encode())
    one, two = listed(tmp_path)
    assert (one.name, one.clip, one.path, one.layout) == ("00001.txt", 0, film, "originals")
    assert (one.start_seconds, one.end_seconds) == (13.0, 17.0)
    assert (two.start_seconds, two.end_seconds) == (20.0, 24.0)
    assert (one.track_path, one.track_unit) == ("txt/id10001/vid/00001.txt", "px360")
    assert (one.num_bytes, one.official_split) == (1, "dev")


def test_two_people_may_be_cut_out_of_one_original(tmp_path: Path) -> None:
    grow(tmp_path, "vid.mp4")
    fractions = track_text(track_rows(0, 50, "0.1 0.2 0.3 0.4"))
    grow(tmp_path, "txt/anna/vid/1.txt", "txt/bob/vid/1.txt", data=fractions.encode())
    assert [(clip.identity, clip.path, clip.track_unit) for clip in listed(tmp_path)] == [
        ("anna", "vid.mp4", "fraction"),
        ("bob", "vid.mp4", "fraction"),
    ]


def test_a_senseless_track_file_is_a_row_and_the_others_go_on(tmp_path: Path) -> None:
    grow(tmp_path, "id10001/vid.mp4", "txt/id10001/vid/1.txt")
    grow(tmp_path, "txt/id10001/vid/2.txt", data=track_text(track_rows(0, 50)).encode())
    bad, good = listed(tmp_path)
    assert (bad.name, bad.reason, good.reason) == ("1.txt", "track_file", None)
    assert bad.detail is not None
    assert "has no line FRAME" in bad.detail


def test_originals_without_tracks_and_tracks_without_originals_are_said(tmp_path: Path) -> None:
    grow(tmp_path, "id10001/vid.mp4", "id10001/lonely.mp4")
    text = track_text(track_rows(0, 50)).encode()
    grow(tmp_path, "txt/id10001/vid/1.txt", "txt/id10001/gone/1.txt", data=text)
    assert len(listed(tmp_path)) == 1
    assert "1 videos have track files but are not here, e.g. gone" in notes(tmp_path)
    assert "1 videos have no track file and are left out, e.g. id10001/lonely.mp4" in notes(tmp_path)


def test_without_tracks_an_original_is_one_clip(tmp_path: Path) -> None:
    grow(tmp_path, "id10001/vid.mp4", "id10001/other.mp4", "txt/id10001/vid/1.txt")
    for clips in (listed(tmp_path, tracks="ignore"), listed(tmp_path, "originals", "ignore")):
        assert short(clips) == ["id10001/other/0_folder id10001/other.mp4", "id10001/vid/0_folder id10001/vid.mp4"]
        assert [clip.start_seconds for clip in clips] == [None, None]


def test_hidden_entries_visited_and_other_files_are_passed_over(tmp_path: Path) -> None:
    grow(tmp_path, "a/v/1.mp4", "a/v/.2.mp4", "a/v/VISITED", "a/v/1.txt", "a/v/x.json", "readme.md", ".git/v/1.mp4")
    grow(tmp_path, "a/VISITED/1.mp4", "a/v/no_extension")
    assert short(listed(tmp_path)) == ["a/v/0_folder a/v/1.mp4"]


def test_videos_above_the_level_of_clips_are_said(tmp_path: Path) -> None:
    grow(tmp_path, "a/v/1.mp4", "a/trailer.mp4", "intro.mp4")
    assert len(listed(tmp_path)) == 1
    assert "2 video files lie above the level of the clips and are left out, e.g. a/trailer.mp4" in notes(tmp_path)


@pytest.mark.parametrize(
    ("tree", "layout"), [("id00012/v", "voxceleb2"), ("id10001/v", "voxceleb1"), ("a/v", "clips"), ("", "flat")]
)
def test_a_folder_with_a_videos_name_is_a_row(tmp_path: Path, tree: str, layout: str) -> None:
    grow(tmp_path / tree, "1.mp4", "x.mp4/")
    assert [(clip.name, clip.reason, clip.layout, clip.media) for clip in listed(tmp_path)] == [
        ("1.mp4", None, layout, "video"),
        ("x.mp4", "not_a_file", layout, "video"),
    ]
    assert listed(tmp_path)[1].detail == "x.mp4 is a folder, not a video file"


def test_a_pipe_with_a_videos_name_is_a_row(tmp_path: Path) -> None:
    grow(tmp_path, "a/v/1.mp4")
    os.mkfifo(tmp_path / "a/v/2.mp4")
    assert [clip.reason for clip in listed(tmp_path)] == [None, "not_a_file"]


def test_broken_links_and_loops_are_rows_at_every_level(tmp_path: Path) -> None:
    grow(tmp_path, "a/v/1.mp4")
    (tmp_path / "a/v/2.mp4").symlink_to("gone.mp4")
    (tmp_path / "a/v/3.mp4").symlink_to("3.mp4")
    (tmp_path / "a/w").symlink_to("nowhere")
    (tmp_path / "b").symlink_to(".")
    (tmp_path / "a/v/4.mp4").symlink_to("1.mp4")
    rows = listed(tmp_path)
    assert [(clip.identity, clip.video, clip.name, clip.reason) for clip in rows] == [
        ("a", "v", "1.mp4", None),
        ("a", "v", "2.mp4", "unreadable"),
        ("a", "v", "3.mp4", "unreadable"),
        ("a", "v", "4.mp4", None),
        ("a", "w", "w", "unreadable"),
        ("b", "-", "b", "unreadable"),
    ]
    details = [clip.detail or "" for clip in rows]
    assert "No such file" in details[1]
    assert "symbolic links" in details[2]
    assert "leads back to a folder that it lies in" in details[5]


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    grow(tmp_path, "disk/a/v/1.mp4", "tree/")
    (tmp_path / "tree/a").symlink_to(tmp_path / "disk/a")
    assert short(listed(tmp_path / "tree")) == ["a/v/0_folder a/v/1.mp4"]


def test_unreadable_folders_are_rows_for_an_unprivileged_user() -> None:
    with open_folder() as base:
        grow(base, "a/v/1.mp4", "a/w/1.mp4", "b/v/1.mp4", "c/v/1.mp4")
        locked = [base / "a/w", base / "b"]
        for folder in locked:
            folder.chmod(0)
        try:
            with as_nobody():
                rows = listed(base)
        finally:
            for folder in locked:
                folder.chmod(0o755)
    assert [(clip.identity, clip.video, clip.reason) for clip in rows] == [
        ("a", "v", None),
        ("a", "w", "unreadable"),
        ("b", "-", "unreadable"),
        ("c", "v", None),
    ]
    assert rows[1].detail == "the folder a/w cannot be listed: Permission denied"


@pytest.mark.parametrize("closed", ["", "tree"])
def test_a_source_that_may_not_be_read_is_said_in_one_line(closed: str) -> None:
    with open_folder() as base:
        grow(base, "tree/a/v/1.mp4")
        (base / closed).chmod(0)
        try:
            with as_nobody(), pytest.raises(ConfigError, match="Permission denied"):
                listed(base / "tree")
        finally:
            (base / closed).chmod(0o755)


def test_names_that_are_no_utf8_or_have_control_characters_are_rows(tmp_path: Path) -> None:
    grow(tmp_path, "a/v/1.mp4", "a/v/new\nline.mp4", "a/bad\n/1.mp4", "b\x01/v/1.mp4")
    grow(tmp_path, "a/v/caf\udce9.mp4", "caf\udce9/")
    rows = listed(tmp_path)
    assert {(clip.identity, clip.video, clip.name, clip.reason) for clip in rows} == {
        ("a", "v", "1.mp4", None),
        ("a", "v", r"new\x0aline.mp4", "name"),
        ("a", "v", r"caf\xe9.mp4", "name"),
        ("a", r"bad\x0a", r"bad\x0a", "name"),
        (r"b\x01", "-", r"b\x01", "name"),
        (r"caf\xe9", "-", r"caf\xe9", "name"),
    }
    for clip in rows:
        "".join(map(str, (clip.path, clip.name, clip.detail))).encode()
    assert len({clip.key for clip in rows}) == len(rows)
