"""Extracting and aligning in one pass gives the faces of the two commands, byte for byte."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tcae.manifests.rows import ClipKey, Frame
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.stages.extract import ExtractConfig
from tcae.pipeline.stages.fused import FusedStage
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.video import VideoConfig
from tests.clips import write_clip
from tests.source_builders import grow
from tests.stage_builders import HERE, align, astronaut, extract, faces, fake_detector, files, frames, fused, listed


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A clip with a real face, a short one, and one that is none."""
    root = tmp_path / "source"
    (root / "id1" / "v1").mkdir(parents=True)
    write_clip(root / "id1" / "v1" / "a.mp4", 12, draw=astronaut)
    write_clip(root / "id1" / "v1" / "b.mp4", 30)
    return grow(root, "id2/v1/a.mp4", data=b"no video at all")


def bare(row: Frame) -> Frame:
    """Without what says where the picture is kept."""
    return replace(row, fingerprint="", file=None, crc32=None)


def test_run_gives_the_faces_of_extract_as_png_and_align(tmp_path: Path, source: Path) -> None:
    two, one = (listed(Workspace(tmp_path / name), source) for name in ("two", "one"))
    extract(two, fps=6, suffix=".png")
    align(two)
    fused(one, fps=6)
    assert sum(row.reason is None for row in faces(one)) >= 3
    assert files(one, "faces") == files(two, "faces")
    assert [replace(row, fingerprint="") for row in faces(one)] == [replace(row, fingerprint="") for row in faces(two)]
    assert [bare(row) for row in frames(one)] == [bare(row) for row in frames(two)]
    assert files(one, "frames") == {}


def test_run_again_keeps_and_another_rate_redoes(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    tally = fused(listed(workspace, source), fps=5)
    assert (tally.made, tally.done["frames"], tally.done["faces"]) == (3, 9, 9)
    assert tally.reasons("frames") == {"decode": 1}
    assert fused(workspace, fps=5).kept == 3
    assert fused(workspace).made == 3
    assert len(files(workspace, "faces")) == len(faces(workspace)) == 3


def test_a_run_in_one_pass_is_bounded_too(workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch)
    listed(workspace, source)
    config = ExtractConfig(video=VideoConfig(fps=Fraction(25), max_seconds=0.4), suffix="")
    stage = FusedStage(workspace=workspace, extract=config, faces=FaceConfig(device="cpu"))
    assert run_job(stage, HERE).done == {"frames": 20, "faces": 20}
    assert fused(workspace, fps=25).done == {"frames": 42, "faces": 42}


def test_run_takes_away_the_frames_of_an_earlier_extract(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    extract(listed(workspace, source))
    fused(workspace)
    assert files(workspace, "frames") == {}
    assert {row.file for row in frames(workspace)} == {None}


def test_a_clip_that_broke_loses_its_faces(workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch)
    fused(listed(workspace, source))
    (source / "id1" / "v1" / "b.mp4").write_bytes(b"broken now")
    fused(listed(workspace, source))
    assert {row.key for row in faces(workspace)} == {ClipKey("id1", "v1", 0)}
    assert not workspace.clip_folder("faces", ClipKey("id1", "v1", 1)).exists()


def test_a_run_that_was_killed_between_its_two_tables_is_noticed(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames say that the clip is rejected; the faces are still those of before."""
    fake_detector(monkeypatch)
    fused(listed(workspace, source))
    key = ClipKey("id2", "v1", 0)
    stray = replace(faces(workspace)[0], **key._asdict())
    write_table(table_of([stray], type(stray)), workspace.part("faces", shard_of(key)))
    assert fused(workspace).made == 1
    assert key not in {row.key for row in faces(workspace)}
