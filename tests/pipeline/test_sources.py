import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Clip
from tcae.manifests.tables import read_table, rows_of, table_of, write_table
from tcae.pipeline.sources import LAYOUTS, TRACKS, Listing, SourceConfig, inputs_of, list_clips
from tests.source_builders import grow, track_rows, track_text


def listing(*roots: Path, known: list[Clip] | None = None, layout: str = "auto") -> Listing:
    return list_clips(SourceConfig(sources=roots, layout=layout), known or [])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sources": ()}, "no source tree was named; name one with --source PATH"),
        ({"layout": "voxceleb3"}, "layout 'voxceleb3' is unknown; it must be one of auto, voxceleb2, voxceleb1"),
        ({"tracks": "yes"}, "tracks is 'yes'; it must be one of auto, use, ignore"),
    ],
)
def test_nonsense_is_refused_when_the_config_is_built(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SourceConfig(**({"sources": (Path("x"),)} | wrong))  # type: ignore[arg-type]


def test_a_missing_source_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no source tree at .*videos \(No such file.*--source PATH"):
        listing(tmp_path / "videos")


def test_a_source_that_is_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "videos").symlink_to("videos")
    with pytest.raises(ConfigError, match="symbolic links"):
        listing(tmp_path / "videos")


def test_a_source_that_is_a_file_is_refused(tmp_path: Path) -> None:
    grow(tmp_path, "a.mp4")
    with pytest.raises(ConfigError, match=r"a\.mp4 is a file; --source takes the folder"):
        listing(tmp_path / "a.mp4")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_source_says_what_was_looked_for(tmp_path: Path, layout: str) -> None:
    grow(tmp_path, "readme.txt", "a/b/c.wav")
    with pytest.raises(
        ConfigError, match=r"no clip was found in .*; looked for .*<|no clip was found .*\*\.mp4"
    ) as caught:
        listing(tmp_path, layout=layout)
    assert "--source PATH" in str(caught.value)
    assert "--layout" in str(caught.value)


def test_a_source_whose_path_is_no_utf8_is_refused(tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    grow(root, "a/v/1.mp4")
    with pytest.raises(ConfigError, match="not UTF-8"):
        listing(root)


def test_two_sources_are_listed_together(tmp_path: Path) -> None:
    one, two = grow(tmp_path / "vox1", "id10001/v/1.mp4"), grow(tmp_path / "vox2", "dev/mp4/id00012/v/1.mp4")
    found = listing(one, two)
    assert [(clip.identity, clip.layout, clip.source) for clip in found.clips] == [
        ("id00012", "voxceleb2", str(two)),
        ("id10001", "voxceleb1", str(one)),
    ]
    assert [note.split(": ")[1].split(",")[0] for note in found.notes] == [
        "taken for voxceleb1",
        "taken for voxceleb2",
    ]
    assert found.notes[0].endswith("1 clips in 1 videos of 1 identities")


def test_one_identity_in_two_sources_is_refused_by_both_names(tmp_path: Path) -> None:
    one, two = grow(tmp_path / "one", "anna/v/1.mp4"), grow(tmp_path / "two", "anna/w/1.mp4")
    with pytest.raises(ConfigError, match=r"identity anna is in both .*one and .*two"):
        listing(one, two)


def test_one_source_given_twice_is_refused(tmp_path: Path) -> None:
    one = grow(tmp_path / "one", "anna/v/1.mp4")
    (tmp_path / "link").symlink_to(one)
    with pytest.raises(ConfigError, match=r"one and .*link are the same folder"):
        listing(one, tmp_path / "link")


def test_a_tree_that_moved_keeps_numbers_and_inputs(tmp_path: Path) -> None:
    first = grow(tmp_path / "first", "a/v/5.mp4", "a/v/7.mp4")
    before = listing(first).clips
    shutil.move(first, tmp_path / "second")
    grow(tmp_path / "second", "a/v/1.mp4")
    after = listing(tmp_path / "second", known=before).clips
    assert [(clip.clip, clip.name) for clip in after] == [(0, "5.mp4"), (1, "7.mp4"), (2, "1.mp4")]
    assert [inputs_of(clip) for clip in after[:2]] == [inputs_of(clip) for clip in before]


def test_listing_again_changes_nothing(tmp_path: Path) -> None:
    root = grow(tmp_path, "a/v/10.mp4", "a/v/9.mp4", "a/v/x.mp4/", "b/w/c.mov")
    (tmp_path / "a/v/gone.mp4").symlink_to("nowhere")
    first = listing(root).clips
    assert listing(root, known=first).clips == first


def test_clips_are_sorted_by_key_and_keys_are_unique(tmp_path: Path) -> None:
    root = grow(tmp_path, *(f"p{k}/v{k % 3}/{k}.mp4" for k in range(12)), "p1/v1/bad\n.mp4", "p1/v1/bad\r.mp4")
    keys = [clip.key for clip in listing(root).clips]
    assert keys == sorted(set(keys))


def test_every_row_can_be_written_and_read_back(tmp_path: Path) -> None:
    root = grow(tmp_path / "tree", "a/v/1.mp4", "a/v/e\u0301.mp4", "a/v/x\x7f.mp4", "李/v/1.mp4")
    Path(os.fsdecode(os.fsencode(root) + b"/a/v/\xff.mp4")).write_bytes(b"")
    clips = listing(root).clips
    write_table(table_of(clips, Clip), tmp_path / "clips.parquet")
    assert rows_of(read_table(tmp_path / "clips.parquet", Clip), Clip) == clips


def test_of_two_names_that_are_one_in_composed_form_the_second_is_refused(tmp_path: Path) -> None:
    root = grow(tmp_path, "a/v/e\u0301.mp4", "a/v/\u00e9.mp4")
    one, two = listing(root).clips
    assert (one.name, one.reason, two.name, two.reason) == ("\u00e9.mp4", None, "\u00e9.mp4", "name")
    assert {one.path, two.path} == {"a/v/e\u0301.mp4", "a/v/\u00e9.mp4"}
    assert two.detail is not None
    assert "the same identity, video and name as" in two.detail


def test_a_person_spelled_in_two_unicode_forms_is_one_person(tmp_path: Path) -> None:
    root = grow(tmp_path, "Zoe\u0308/v/1.mp4", "Zo\u00eb/w/1.mp4")
    assert [str(clip.key) for clip in listing(root).clips] == ["Zo\u00eb/v/0_folder", "Zo\u00eb/w/0_folder"]


def test_refused_entries_are_counted_in_the_note(tmp_path: Path) -> None:
    root = grow(tmp_path, "a/v/1.mp4", "a/v/2.mp4/")
    assert listing(root).notes[0].endswith("1 clips in 1 videos of 1 identities; 1 entries refused")


def test_size_and_time_come_from_the_file(tmp_path: Path) -> None:
    root = grow(tmp_path, "a/v/1.mp4", data=b"12345")
    os.utime(root / "a/v/1.mp4", ns=(1, 123_456_789))
    (clip,) = listing(root).clips
    assert (clip.num_bytes, clip.modified_ns) == (5, 123_456_789)


def test_inputs_change_with_size_time_cut_and_track_file(tmp_path: Path) -> None:
    text = track_text(track_rows(0, 50)).encode()
    root = grow(grow(tmp_path, "id10001/v.mp4"), "txt/id10001/v/1.txt", data=text)
    (clip,) = listing(root).clips
    seen = {inputs_of(clip), inputs_of(replace(clip, num_bytes=9)), inputs_of(replace(clip, modified_ns=9))}
    seen |= {inputs_of(replace(clip, start_seconds=0.5)), inputs_of(replace(clip, track_path=None))}
    seen.add(inputs_of(replace(clip, track_unit="fraction")))
    grow(tmp_path, "txt/id10001/v/1.txt", data=text + b"\n")
    seen.add(inputs_of(clip))
    (tmp_path / "txt/id10001/v/1.txt").unlink()
    seen.add(inputs_of(clip))
    assert len(seen) == 8
    assert not any(str(tmp_path) in inputs for inputs in seen)


def test_inputs_do_not_change_with_number_and_names(tmp_path: Path) -> None:
    (clip,) = listing(grow(tmp_path, "a/v/1.mp4")).clips
    assert inputs_of(replace(clip, clip=7, identity="b", source="/elsewhere", path="x/y.mp4")) == inputs_of(clip)


def test_real_clips_in_a_flat_folder_are_found(media: Path) -> None:
    clips = listing(media).clips
    assert {"two_people.mp4", "signing_yes.mkv", "face_then_none.mov"} <= {clip.name for clip in clips}
    assert all(clip.reason is None and clip.num_bytes > 0 for clip in clips)


def test_the_first_choice_of_each_closed_set_is_auto() -> None:
    assert (LAYOUTS[0], TRACKS[0]) == ("auto", "auto")
