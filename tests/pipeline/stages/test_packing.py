"""Faces of a shard go into one tar: the same rows, the same bytes, whatever happened on the way."""

import os
import shutil
import tarfile
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tcae.manifests.errors import WorkspaceError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.packs import fault_of, is_packed, members_of
from tcae.manifests.rows import Face
from tcae.manifests.workspace import Workspace
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.stages.align import AlignStage
from tcae.pipeline.stages.base import Tally
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.stages.packing import pack_faces, unpack_faces
from tcae.pipeline.stages.planning import plan_job
from tcae.pipeline.stages.shards import run_shard
from tests.fault_builders import run_and_die
from tests.pack_builders import SHARD, keys_of_shard
from tests.stage_builders import HERE, FakeDetector, faces, files
from tests.workspaces import Plan, make_workspace

KEYS = keys_of_shard(SHARD, 3)
PLANS = [Plan(**key._asdict(), outcomes=(None,), aligned=False) for key in KEYS]


@pytest.fixture(autouse=True)
def _detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcae.pipeline.stages.align.load_detector", lambda config: FakeDetector())


@pytest.fixture
def extracted(workspace: Workspace) -> Workspace:
    """Three clips of one shard with a frame each, not yet aligned."""
    return make_workspace(workspace, PLANS)


def stage(workspace: Workspace, pack: bool = True, selected: Any = None, **options: Any) -> AlignStage:
    return AlignStage(workspace=workspace, config=FaceConfig(device="cpu", **options), pack=pack, selected=selected)


def align(workspace: Workspace, pack: bool = True, **options: Any) -> Tally:
    return run_job(stage(workspace, pack, **options), HERE)


def members(workspace: Workspace) -> dict[str, bytes]:
    """What unpacking all tars would write, by its name in the workspace."""
    found: dict[str, bytes] = {}
    for path in sorted((workspace.root / "faces").glob("*.tar")):
        with tarfile.open(path) as tar:
            found |= {f"faces/{one.name}": (tar.extractfile(one) or BytesIO()).read() for one in tar}
    return found


@pytest.fixture
def undisturbed(extracted: Workspace, tmp_path: Path) -> tuple[list[Face], dict[str, bytes]]:
    """The rows and the files of the same clips, never packed."""
    other = make_workspace(Workspace(tmp_path / "other"), PLANS)
    align(other, pack=False)
    return faces(other), files(other, "faces")


Result = tuple[list[Face], dict[str, bytes]]


def check(workspace: Workspace, undisturbed: Result) -> None:
    """Packed is what was never packed, and nothing else lies about."""
    rows, by_name = undisturbed
    assert faces(workspace) == rows
    assert members(workspace) == by_name
    assert list(files(workspace, "faces")) == [f"faces/{SHARD:04d}.tar"]
    reader = FaceFiles(workspace)
    assert {name: reader.read(workspace.root / name) for name in by_name} == by_name
    assert len(members_of(workspace, SHARD)) == len(by_name)
    assert fault_of(workspace, SHARD) is None
    assert plan_job(stage(workspace)).num_todo == 0


def test_packed_faces_have_the_rows_and_the_bytes_of_faces_in_files(extracted: Workspace, undisturbed: Result) -> None:
    tally = align(extracted)
    check(extracted, undisturbed)
    assert [path.name for path in (extracted.root / "faces").iterdir()] == [f"{SHARD:04d}.tar"]
    assert len(undisturbed[1]) == 3
    assert (tally.made, tally.done) == (3, {"faces": 3})


def test_a_clip_that_is_made_anew_joins_the_others(extracted: Workspace, undisturbed: Result) -> None:
    align(extracted)
    assert align(extracted, template="arcface", selected=frozenset(KEYS[:1])).made == 1
    assert align(extracted, selected=frozenset(KEYS[:1])).made == 1
    check(extracted, undisturbed)


def test_a_shard_that_is_packed_stays_packed(extracted: Workspace, undisturbed: Result) -> None:
    align(extracted, selected=frozenset(KEYS[:1]))
    assert align(extracted, pack=False).made == 2
    check(extracted, undisturbed)


def test_files_made_before_are_packed_with_those_made_now(extracted: Workspace, undisturbed: Result) -> None:
    align(extracted, pack=False, selected=frozenset(KEYS[:2]))
    assert not is_packed(extracted, SHARD)
    assert align(extracted).made == 1
    assert members(extracted) == undisturbed[1]
    assert not [name for name in files(extracted, "faces") if name.endswith(".jpg")]
    assert faces(extracted) == undisturbed[0]


def test_packing_and_unpacking_bring_back_what_was_there(extracted: Workspace, undisturbed: Result) -> None:
    align(extracted, pack=False)
    assert pack_faces(extracted, SHARD, faces(extracted)) == set()
    assert members(extracted) == undisturbed[1]
    assert align(extracted).made == 0
    assert unpack_faces(extracted, SHARD, faces(extracted)) == set()
    assert not is_packed(extracted, SHARD)
    assert files(extracted, "faces") == undisturbed[1]


def test_clips_whose_frames_went_leave_the_tar(extracted: Workspace) -> None:
    align(extracted)
    extracted.part("frames", SHARD).unlink()
    align(extracted)
    assert not is_packed(extracted, SHARD)
    assert faces(extracted) == []
    assert files(extracted, "faces") == {}


def test_a_clip_without_faces_leaves_no_member(extracted: Workspace) -> None:
    align(extracted)
    align(extracted, min_face_px=60.0)
    assert {row.reason for row in faces(extracted)} == {"small"}
    assert not is_packed(extracted, SHARD)


SPOILS: dict[str, Callable[[Workspace], object]] = {
    "cut short": lambda workspace: os.truncate(workspace.pack(SHARD), 3000),
    "gone": lambda workspace: workspace.pack(SHARD).unlink(),
    "another": lambda workspace: workspace.pack(SHARD).write_bytes(b"no tar" * 1000),
    "index damaged": lambda workspace: workspace.part("packs", SHARD).write_bytes(b"PAR1"),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_faces_of_a_damaged_pack_are_made_anew(
    extracted: Workspace, undisturbed: Result, spoil: Callable[[Workspace], object]
) -> None:
    align(extracted)
    spoil(extracted)
    assert fault_of(extracted, SHARD) is not None
    assert align(extracted).made == 3
    check(extracted, undisturbed)


def test_of_a_damaged_pack_clips_that_are_not_selected_are_left_to_make(
    extracted: Workspace, undisturbed: Result
) -> None:
    align(extracted)
    os.truncate(extracted.pack(SHARD), 3000)
    assert align(extracted, selected=frozenset(KEYS[:1])).made == 1
    assert {row.key for row in faces(extracted)} == {KEYS[0]}
    assert align(extracted).made == 2
    check(extracted, undisturbed)


def test_a_face_that_rotted_in_its_tar_is_not_carried_on(extracted: Workspace, undisturbed: Result) -> None:
    align(extracted)
    place = members_of(extracted, SHARD)[-1]
    with extracted.pack(SHARD).open("r+b") as sink:
        sink.seek(place.offset + 100)
        sink.write(b"rot")
    align(extracted, template="arcface", selected=frozenset(KEYS[:1]))
    assert {row.key for row in faces(extracted)} == set(KEYS[:2])
    align(extracted)
    check(extracted, undisturbed)


def test_a_disk_that_fills_up_while_packing_keeps_what_was_packed(
    extracted: Workspace, undisturbed: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    align(extracted, selected=frozenset(KEYS[:1]))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tcae.manifests.packs.os.fsync", full)
        with pytest.raises(WorkspaceError, match=r"cannot write .*\.tar: No space left"):
            align(extracted)
    assert {row.key for row in faces(extracted)} == {KEYS[0]}
    align(extracted)
    check(extracted, undisturbed)


def make_all(workspace: Workspace) -> None:
    run_shard(stage(workspace), SHARD, None, lambda: False)


def unpack(workspace: Workspace) -> None:
    unpack_faces(workspace, SHARD, faces(workspace))


@pytest.mark.parametrize("before", ["files", "packed"])
def test_killed_at_any_change_and_run_again_is_undisturbed(
    extracted: Workspace, undisturbed: Result, before: str
) -> None:
    if before == "files":
        align(extracted, pack=False, selected=frozenset(KEYS[:2]))
    if before == "packed":
        align(extracted, selected=frozenset(KEYS[:2]), template="arcface")
    at = 0
    while run_and_die(partial(make_all, extracted), extracted.root, at):
        reader = FaceFiles(extracted)
        for row in faces(extracted):  # what the rows say is there at every moment
            assert zlib.crc32(reader.read(extracted.root / str(row.file))) == row.crc32
        shutil.rmtree(extracted.root / "manifests" / ".locks", True)  # else clips are made in processes apart
        at += 1
    assert at > 20
    check(extracted, undisturbed)


def test_unpacking_that_is_killed_at_any_change_is_ended_by_another(extracted: Workspace, undisturbed: Result) -> None:
    align(extracted)
    at = 0
    while run_and_die(partial(unpack, extracted), extracted.root, at):
        reader = FaceFiles(extracted)
        assert {name: reader.read(extracted.root / name) for name in undisturbed[1]} == undisturbed[1]
        at += 1
    assert files(extracted, "faces") == undisturbed[1]
    assert at > 6
