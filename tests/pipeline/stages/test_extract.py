"""Extraction gives a row and a file for every kept frame, one row for a clip without any, and leaves nothing else."""

import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Clip, ClipKey
from tcae.manifests.tables import read_parts
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline import pictures
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.base import Selection
from tcae.pipeline.stages.extract import ExtractConfig, ExtractStage, keep_only
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.stages.shards import run_shard
from tcae.pipeline.video import VideoConfig
from tests.clips import flip_bytes, numbered, read_number, write_clip
from tests.source_builders import grow, track_rows, track_text
from tests.stage_builders import extract, extract_config, files, frames, listed, read
from tests.toys import config_of


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two good clips and one that is none."""
    root = tmp_path / "source"
    (root / "id1" / "v1").mkdir(parents=True)
    write_clip(root / "id1" / "v1" / "00001.mp4", 60)
    write_clip(root / "id1" / "v1" / "00002.mp4", 30)
    grow(root, "id2/v1/00001.mp4", data=b"no video at all")
    return root


def test_every_kept_frame_has_a_row_and_a_file(workspace: Workspace, source: Path) -> None:
    tally = extract(listed(workspace, source))
    rows = [row for row in frames(workspace) if row.reason is None]
    assert [(row.clip, row.frame, row.source_frame) for row in rows] == [
        (0, 0, 0), (0, 1, 25), (0, 2, 50), (1, 0, 0), (1, 1, 25),
    ]  # fmt: skip
    assert [row.pts_seconds for row in rows] == [0, 1, 2, 0, 1]
    assert {(row.width_px, row.height_px, row.num_decode_errors, row.track_box) for row in rows} == {(96, 64, 0, None)}
    assert rows[1].file == "frames/id1/v1/0_folder/img_0_002.jpg"
    for row in rows:
        data = (workspace.root / str(row.file)).read_bytes()
        assert zlib.crc32(data) == row.crc32
        assert read_number(pictures.decode(data)) == row.source_frame
    assert sorted(files(workspace, "frames")) == [row.file for row in rows]
    assert (tally.clips, tally.done, tally.reasons("frames")) == (3, {"frames": 5}, {"decode": 1})


def test_a_clip_without_frames_has_one_row_that_says_why(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source))
    (row,) = [row for row in frames(workspace) if row.reason is not None]
    assert (row.key, row.reason, row.frame, row.file) == (ClipKey("id2", "v1", 0), "decode", None, None)
    assert "00001.mp4" in str(row.detail)


def test_frames_are_png_on_demand(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source), suffix=".png")
    assert all(name.endswith(".png") for name in files(workspace, "frames"))
    with pytest.raises(ConfigError, match=r"frames are kept as \.jpg or \.png, not '\.bmp'"):
        ExtractConfig(suffix=".bmp")


def test_running_again_keeps_every_file_as_it_is(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source))
    before = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*.*") if ".locks" not in path.parts}
    tally = extract(listed(workspace, source))
    assert (tally.made, tally.kept) == (0, 3)
    assert before == {p: p.stat().st_mtime_ns for p in workspace.root.rglob("*.*") if ".locks" not in p.parts}


def test_another_rate_redoes_the_clips_and_removes_what_is_too_much(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source), fps=5)
    assert len(files(workspace, "frames")) == 12 + 6
    tally = extract(workspace)
    assert tally.made == 3
    assert len(files(workspace, "frames")) == 5
    extract(workspace, suffix=".png")
    assert {Path(name).suffix for name in files(workspace, "frames")} == {".png"}


def test_a_bound_keeps_the_first_seconds_and_is_part_of_what_rows_depend_on(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source), fps=25)
    before = {row.file for row in frames(workspace) if row.reason is None}
    config = replace(extract_config(25), video=VideoConfig(fps=Fraction(25), max_seconds=1.4))
    tally = run_job(ExtractStage(workspace=workspace, config=config), RunnerConfig(workers=0))
    assert (tally.made, tally.done) == (3, {"frames": 35 + 30})
    assert set(files(workspace, "frames")) < before
    assert run_job(ExtractStage(workspace=workspace, config=config), RunnerConfig(workers=0)).made == 0


def test_without_a_bound_rows_depend_on_what_they_always_did() -> None:
    assert extract_config(1).describe() == {"fps": "1", "reader": "pyav", "suffix": ".jpg"}


def test_a_changed_file_is_made_again_and_a_broken_one_loses_its_frames(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source))
    write_clip(source / "id1" / "v1" / "00001.mp4", 90)
    (source / "id1" / "v1" / "00002.mp4").write_bytes(b"broken now")
    assert extract(listed(workspace, source)).made == 2
    assert [row.reason for row in frames(workspace)] == [None] * 4 + ["decode", "decode"]
    assert not workspace.clip_folder("frames", ClipKey("id1", "v1", 1)).exists()


def test_a_clip_that_left_the_source_keeps_its_rows_and_files(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source))
    before = frames(workspace)
    (source / "id1" / "v1" / "00002.mp4").unlink()
    assert extract(listed(workspace, source)).made == 0
    assert frames(workspace) == before


def test_a_cut_clip_starts_at_its_cut_and_carries_the_track_box(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "originals"
    (root / "id00012").mkdir(parents=True)
    write_clip(root / "id00012" / "abcdefghijk.mp4", 100)
    text = track_text(track_rows(25, 50, "0.25 \t0.25 \t0.5 \t0.5 "))
    grow(root, "txt/id00012/abcdefghijk/00001.txt", data=text.encode())
    extract(listed(workspace, root))
    rows = frames(workspace)
    assert [row.frame for row in rows] == [0, 1]
    assert [read_number(pictures.read(workspace.root / str(row.file))) for row in rows] == [25, 50]
    assert [row.pts_seconds for row in rows] == [0, 1]
    assert rows[0].track_box == pytest.approx((24, 16, 72, 48))


def test_images_are_taken_as_frames(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "source" / "id1" / "v1" / "c"
    folder.mkdir(parents=True)
    for number in (7, 3, 12):
        (folder / f"{number}.png").write_bytes(pictures.encode(numbered(number), ".png"))
    grow(folder, "9.jpg", data=b"no picture")
    extract(listed(workspace, tmp_path / "source"))
    rows = frames(workspace)
    assert [(row.frame, row.source_frame, row.pts_seconds, row.num_decode_errors) for row in rows] == [
        (0, 3, None, 1), (1, 7, None, 1), (3, 12, None, 1),
    ]  # fmt: skip
    assert [read_number(pictures.read(workspace.root / str(row.file))) for row in rows] == [3, 7, 12]


def test_damage_is_counted_and_the_frames_still_come(workspace: Workspace, tmp_path: Path) -> None:
    def draw(number: int) -> NDArray[np.uint8]:
        noise = np.random.default_rng(number).integers(0, 60, (256, 256, 3), dtype=np.uint8)
        return noise + numbered(number, 256, 256) // 2

    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    whole = write_clip(tmp_path / "whole.mp4", 60, draw=draw)
    flip_bytes(whole, folder / "a.mp4", 400)
    tally = extract(listed(workspace, tmp_path / "source"))
    assert tally.done["frames"] == 3
    assert all((row.num_decode_errors or 0) > 0 for row in frames(workspace))


def test_an_entry_that_the_listing_refused_becomes_a_rejection(workspace: Workspace, source: Path) -> None:
    (source / "id1" / "v1" / "00003.mp4").symlink_to("00003.mp4")
    extract(listed(workspace, source))
    (refused,) = [clip for clip in read(workspace, "clips") if clip.reason]
    (row,) = [row for row in frames(workspace) if row.key == refused.key]
    assert (row.reason, row.detail) == (refused.reason, refused.detail)


def test_only_selected_clips_are_made_and_the_others_rows_stay(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source), selected=frozenset([ClipKey("id1", "v1", 1)]))
    assert {row.clip for row in frames(workspace)} == {1}
    tally = extract(workspace, selected=frozenset([ClipKey("id1", "v1", 0)]))
    assert (tally.clips, tally.made) == (1, 1)
    assert {row.clip for row in frames(workspace)} == {0, 1}


def test_a_selection_chooses_by_identity_and_number(workspace: Workspace, source: Path) -> None:
    clips = read_parts(listed(workspace, source).manifest("clips"), Clip)
    assert Selection().keys(clips) is None
    assert Selection(limit=1).keys(clips) == frozenset({ClipKey("id1", "v1", 0)})
    assert Selection(ids=frozenset(["id2"])).keys(clips) == frozenset({ClipKey("id2", "v1", 0)})
    assert Selection(ids=frozenset(["id1"]), limit=9).keys(clips) == frozenset(
        {ClipKey("id1", "v1", 0), ClipKey("id1", "v1", 1)}
    )
    with pytest.raises(ConfigError, match=r"no such identities: \.\./x; 2 are there"):
        Selection(ids=frozenset(["id1", "../x"])).keys(clips)
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        Selection(limit=0)


def test_rejected_clips_are_taken_again_only_on_demand(workspace: Workspace, source: Path) -> None:
    stage = ExtractStage(workspace=listed(workspace, source), config=extract_config())
    made = [run_job(stage, RunnerConfig(workers=0), retry).made for retry in (None, None, "timeout", "decode", "any")]
    assert made == [3, 0, 0, 1, 1]


def test_rows_go_before_the_files_that_they_belong_to_change(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed run must not leave the rows of one rate beside the files of another."""
    extract(listed(workspace, source), fps=5)
    key = ClipKey("id1", "v1", 0)
    seen: list[bool] = []

    def look(path: Path, data: bytes) -> int:
        seen.append(any(row.key == key for row in frames(workspace)))
        return 0

    monkeypatch.setattr(pictures, "write", look)
    run_shard(ExtractStage(workspace=workspace, config=extract_config()), shard_of(key), None, lambda: False)
    assert seen == [False, False, False]


def test_a_part_says_what_its_rows_were_made_with(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source))
    assert config_of(workspace, shard_of(ClipKey("id1", "v1", 0))) == {"fps": "1", "reader": "pyav", "suffix": ".jpg"}


def test_a_folder_keeps_only_what_belongs_there(tmp_path: Path) -> None:
    grow(tmp_path, "a.jpg", "b.jpg", ".c.jpg.partial")
    keep_only(tmp_path, ["a.jpg"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
    keep_only(tmp_path / "not there", [])
    keep_only(tmp_path, [])
    assert not tmp_path.exists()


def test_frames_are_the_pictures_of_the_video(workspace: Workspace, source: Path) -> None:
    extract(listed(workspace, source), suffix=".png")
    row = frames(workspace)[0]
    image = cv2.imread(str(workspace.root / str(row.file)))
    assert image is not None
    assert np.abs(image[..., ::-1].astype(int) - numbered(0)).mean() < 12
