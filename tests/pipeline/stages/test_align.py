"""Alignment gives one row for every frame, a file for every face, and follows its frames."""

import zlib
from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline import pictures
from tcae.pipeline.detect import Detection
from tcae.pipeline.pictures import Image
from tests.clips import read_number, write_clip
from tests.source_builders import grow
from tests.stage_builders import align, extract, faces, fake_detector, files, frames, fused, in_the_middle, listed


@pytest.fixture
def extracted(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Two clips of 3 and 2 frames, and one without."""
    for name, num_frames in {"id1/v1/a.mp4": 60, "id1/v1/b.mp4": 30}.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        write_clip(tmp_path / "source" / name, num_frames)
    grow(tmp_path / "source", "id2/v1/a.mp4", data=b"no video at all")
    extract(listed(workspace, tmp_path / "source"))
    return workspace


def none_at_25(image: Image) -> list[Detection]:
    return [] if read_number(image) == 25 else in_the_middle(image)


def test_every_frame_has_a_row_and_every_face_a_file(extracted: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch, none_at_25)
    tally = align(extracted)
    rows = faces(extracted)
    assert [(row.key.clip, row.frame, row.reason) for row in rows] == [
        (0, 0, None), (0, 1, "no_face"), (0, 2, None), (1, 0, None), (1, 1, "no_face"),
    ]  # fmt: skip
    found = [row for row in rows if row.reason is None]
    assert found[1].file == "faces/id1/v1/0_folder/img_0_003.jpg"
    for row in found:
        data = (extracted.root / str(row.file)).read_bytes()
        assert zlib.crc32(data) == row.crc32
        assert pictures.decode(data).shape == (256, 256, 3)
        assert (row.detector, row.weights, row.template) == ("fake", "0" * 16, "tcae")
    assert sorted(files(extracted, "faces")) == [row.file for row in found]
    assert (tally.done, tally.reasons("faces")) == ({"faces": 3}, {"no_face": 2})
    assert tally.done["faces"] + sum(tally.reasons("faces").values()) == 5


def test_running_again_keeps_and_other_options_redo(extracted: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch)
    assert align(extracted).made == 2
    before = files(extracted, "faces")
    assert (again := align(extracted)).kept == 2
    assert again.made == 0
    assert align(extracted, template="arcface").made == 2
    assert files(extracted, "faces").keys() == before.keys()
    assert files(extracted, "faces") != before


def test_where_it_runs_is_no_reason_to_do_it_again(extracted: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch)
    align(extracted)
    assert align(extracted, batch_frames=1).made == 0


def test_new_frames_redo_the_faces_and_remove_those_too_much(
    extracted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    extract(extracted, fps=5)
    align(extracted)
    assert len(files(extracted, "faces")) == 12 + 6
    extract(extracted)
    assert align(extracted).made == 2
    assert len(files(extracted, "faces")) == 5


def test_rejected_faces_have_no_file(extracted: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch)
    align(extracted)
    tally = align(extracted, min_face_px=60.0)
    assert tally.reasons("faces") == {"small": 5}
    assert files(extracted, "faces") == {}


def test_a_clip_without_frames_any_more_loses_its_faces(
    extracted: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    align(extracted)
    (tmp_path / "source" / "id1" / "v1" / "b.mp4").write_bytes(b"broken now")
    extract(listed(extracted, tmp_path / "source"))
    align(extracted)
    assert {row.key for row in faces(extracted)} == {ClipKey("id1", "v1", 0)}
    assert not extracted.clip_folder("faces", ClipKey("id1", "v1", 1)).exists()


def test_a_damaged_frame_is_rejected_alone_and_taken_again(
    extracted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    path = extracted.picture("frames", ClipKey("id1", "v1", 0), 1)
    data = path.read_bytes()
    path.write_bytes(b"")
    assert align(extracted).reasons("faces") == {"picture": 1}
    (row,) = [row for row in faces(extracted) if row.reason]
    assert row.frame == 1
    assert row.detail == "img_0_002.jpg is not a picture (0 bytes); it must be JPEG, PNG, BMP, GIF or WebP"
    path.write_bytes(data)
    assert align(extracted, retry="picture").made == 1
    assert len(files(extracted, "faces")) == 5


def test_align_after_run_has_nothing_to_do(extracted: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch)
    fused(extracted)
    assert align(extracted).made == 0


def test_align_with_other_options_after_run_says_what_to_do(
    extracted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    fused(extracted)
    before = faces(extracted), files(extracted, "faces")
    with pytest.raises(ConfigError, match=r"id1/v1/0_folder are not on disk .* use `run`, or extract first"):
        align(extracted, template="arcface")
    assert (faces(extracted), files(extracted, "faces")) == before


def test_a_clip_that_fails_whole_gives_one_row_per_frame(extracted: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from tcae.pipeline.align import LandmarksError
    from tcae.pipeline.stages import align as stage

    def fail(*_: object) -> None:
        raise LandmarksError("the points lie on one another")

    fake_detector(monkeypatch)
    align(extracted)
    monkeypatch.setattr(stage, "find_faces", fail)
    tally = align(extracted, margin=0.1)
    assert tally.reasons("faces") == {LandmarksError.reason: 5}
    assert [row.frame for row in faces(extracted)] == [0, 1, 2, 0, 1]
    assert files(extracted, "faces") == {}


def test_rows_of_one_clip_stay_while_another_is_made(extracted: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch)
    align(extracted)
    extracted.part("faces", shard_of(ClipKey("id1", "v1", 1))).unlink()
    assert align(extracted).made == 1
    assert len(faces(extracted)) == len([row for row in frames(extracted) if row.reason is None]) == 5
