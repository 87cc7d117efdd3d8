from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Clip, Frame, type_of_table
from tcae.manifests.tables import read_table, rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline import pictures
from tcae.pipeline.verify.whole import VerifyConfig, verify_workspace
from tests.workspaces import Plan, make_workspace, write_rows

PLAN = Plan(identity="ann", outcomes=(None, "no_face", None))
PLANS = [PLAN, Plan(identity="ann", clip=1), Plan(identity="bob"), Plan(identity="cid", failed="decode")]

Damage = Callable[[Workspace], object]


@pytest.fixture
def healthy(workspace: Workspace) -> Workspace:
    return make_workspace(workspace, PLANS, splits={"ann": "train", "bob": "val"})


def kinds_of(workspace: Workspace, *, fast: bool = False) -> dict[str, int]:
    return dict(verify_workspace(workspace, VerifyConfig(fast=fast, workers=2)).findings.counts)


def face_file(workspace: Workspace, frame: int = 0) -> Path:
    return workspace.picture("faces", PLAN.key, frame)


def part(workspace: Workspace, table: str) -> Path:
    return workspace.part(table, shard_of(PLAN.key))


def rewrite(workspace: Workspace, table: str, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the rows of PLAN's part."""
    row_type = type_of_table[table]
    path = part(workspace, table)
    rows: list[Any] = rows_of(read_table(path, row_type), row_type)
    write_table(table_of(change(rows), row_type), path)


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def shrink_the_face(workspace: Workspace) -> None:
    crc32 = pictures.write(face_file(workspace), pictures.encode(np.zeros((128, 256, 3), np.uint8)))
    rewrite(workspace, "faces", lambda rows: [replace(row, crc32=crc32) if row.frame == 0 else row for row in rows])


def write_text_as_face(workspace: Workspace) -> None:
    crc32 = pictures.write(face_file(workspace), b"text")
    rewrite(workspace, "faces", lambda rows: [replace(row, crc32=crc32) if row.frame == 0 else row for row in rows])


def misplace(workspace: Workspace) -> None:
    other = next(number for number in range(4096) if not workspace.part("faces", number).exists())
    part(workspace, "faces").rename(workspace.part("faces", other))


def put_a_folder(workspace: Workspace) -> None:
    face_file(workspace).unlink()
    face_file(workspace).mkdir()


REJECTED = Frame(**PLAN.key._asdict(), reason="decode", detail="no picture")

DAMAGES: dict[str, tuple[Damage, dict[str, int]]] = {
    "a face is gone": (lambda workspace: face_file(workspace).unlink(), {"missing file": 1}),
    "a frame is gone": (
        lambda workspace: workspace.picture("frames", PLAN.key, 1).unlink(),
        {"missing file": 1},
    ),
    "a byte of a face flipped": (lambda workspace: flip_a_byte(face_file(workspace)), {"damaged file": 1}),
    "a face is text": (write_text_as_face, {"damaged file": 1}),
    "a face is 256x128": (shrink_the_face, {"wrong size": 1}),
    "a file that no row names": (
        lambda workspace: face_file(workspace).with_name("img_0_099.jpg").write_bytes(b"x"),
        {"orphan file": 1},
    ),
    "what a killed writer left": (
        lambda workspace: face_file(workspace).with_name(".img_0_001.jpg.partial").write_bytes(b"x"),
        {"orphan file": 1},
    ),
    "a table that a killed writer left": (
        lambda workspace: part(workspace, "faces").with_name(".0007.parquet.partial").write_bytes(b"x"),
        {"orphan file": 1},
    ),
    "a table of another name": (
        lambda workspace: part(workspace, "faces").with_name("copy.parquet").write_bytes(b"x"),
        {"orphan file": 1},
    ),
    "a file beside the identities": (
        lambda workspace: (workspace.root / "faces" / "notes.txt").write_text("x"),
        {"orphan file": 1},
    ),
    "a face lost its row": (
        lambda workspace: rewrite(workspace, "faces", lambda rows: rows[:-1]),
        {"not conserved": 1, "orphan file": 1},
    ),
    "a frame lost its row": (
        lambda workspace: rewrite(workspace, "frames", lambda rows: rows[:-1]),
        {"not conserved": 1, "orphan file": 1},
    ),
    "a face row stands twice": (
        lambda workspace: rewrite(workspace, "faces", lambda rows: [*rows, rows[0]]),
        {"duplicate row": 1},
    ),
    "a clip is listed twice": (
        lambda workspace: rewrite(workspace, "clips", lambda rows: [*rows, rows[0]]),
        {"duplicate row": 2},
    ),
    "a face row without landmarks": (
        lambda workspace: rewrite(workspace, "faces", lambda rows: [replace(rows[0], landmarks=None), *rows[1:]]),
        {"incomplete row": 1},
    ),
    "a rejection with a file": (
        lambda workspace: rewrite(workspace, "faces", lambda rows: [replace(rows[0], reason="small"), *rows[1:]]),
        {"incomplete row": 1},
    ),
    "a row that names a file elsewhere": (
        lambda workspace: rewrite(workspace, "faces", lambda rows: [replace(rows[0], file="x.jpg"), *rows[1:]]),
        {"misnamed file": 1, "orphan file": 1},
    ),
    "a row that leads out of the workspace": (
        lambda workspace: rewrite(workspace, "faces", lambda rows: [replace(rows[0], file="../x.jpg"), *rows[1:]]),
        {"damaged table": 1},
    ),
    "a part under another number": (misplace, {"wrong shard": 1, "not conserved": 3}),
    "a folder where a face was": (put_a_folder, {"unreadable file": 1}),
    "a clip both extracted and rejected": (
        lambda workspace: rewrite(workspace, "frames", lambda rows: [*rows, REJECTED]),
        {"not conserved": 1},
    ),
    "a clip rejected twice": (
        lambda workspace: rewrite(workspace, "frames", lambda rows: [*rows, REJECTED, REJECTED]),
        {"not conserved": 1, "duplicate row": 1},
    ),
    "something else named like a listing": (
        lambda workspace: part(workspace, "clips").with_name("copy.parquet").write_bytes(b"x"),
        {"orphan file": 1, "damaged table": 1},
    ),
    "a part cut short": (
        lambda workspace: part(workspace, "faces").write_bytes(part(workspace, "faces").read_bytes()[:99]),
        {"damaged table": 1},
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_is_found_and_nothing_else(healthy: Workspace, name: str) -> None:
    damage, expected = DAMAGES[name]
    damage(healthy)
    assert kinds_of(healthy) == expected


def test_a_healthy_workspace_has_no_finding(healthy: Workspace) -> None:
    verdict = verify_workspace(healthy, VerifyConfig())
    assert verdict.findings.total == 0
    assert (verdict.num_rows, verdict.num_files, verdict.num_identities, verdict.num_to_align) == (4 + 8 + 7, 13, 2, 0)


def test_an_empty_workspace_has_no_finding(workspace: Workspace) -> None:
    assert kinds_of(workspace) == {}


def test_frames_that_were_not_kept_on_disk_are_no_finding(workspace: Workspace) -> None:
    assert kinds_of(make_workspace(workspace, PLANS, frames_on_disk=False)) == {}


def test_clips_that_wait_for_align_are_counted_and_no_finding(workspace: Workspace) -> None:
    make_workspace(workspace, [PLAN, Plan(identity="bob", aligned=False)])
    verdict = verify_workspace(workspace, VerifyConfig())
    assert (verdict.findings.total, verdict.num_to_align) == (0, 1)


def test_files_of_a_rejected_clip_are_orphans(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan(outcomes=("small", "small"))])
    folder = workspace.clip_folder("faces", Plan().key)
    folder.mkdir(parents=True)
    (folder / "img_0_001.jpg").write_bytes(b"x")
    assert kinds_of(workspace) == {"orphan file": 1}


def test_fast_does_not_read_files_and_still_misses_none(healthy: Workspace) -> None:
    flip_a_byte(face_file(healthy, 0))
    assert kinds_of(healthy, fast=True) == {}
    face_file(healthy, 0).write_bytes(b"")
    face_file(healthy, 2).unlink()
    assert kinds_of(healthy, fast=True) == {"damaged file": 1, "missing file": 1}


def test_the_other_parts_are_checked_when_one_is_damaged(healthy: Workspace) -> None:
    DAMAGES["a part cut short"][0](healthy)
    healthy.picture("faces", Plan(identity="bob").key, 0).unlink()
    assert kinds_of(healthy) == {"damaged table": 1, "missing file": 1}


def test_a_remedy_names_the_part_and_the_command(healthy: Workspace) -> None:
    face_file(healthy).unlink()
    (found,) = verify_workspace(healthy, VerifyConfig()).findings.examples["missing file"]
    name = f"{shard_of(PLAN.key):04d}.parquet"
    assert found.path == "faces/ann/v/0_folder/img_0_001.jpg"
    assert found.remedy == f"delete manifests/faces/{name} and run tcae-prep align again"


def test_a_name_under_two_numbers_is_found(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan(), Plan(clip=1)])
    shard = shard_of(Plan(clip=1).key)
    clips = rows_of(read_table(workspace.part("clips", shard), Clip), Clip)
    write_rows(workspace, "clips", [replace(clip, name="00000.mp4") if clip.clip == 1 else clip for clip in clips])
    verdict = verify_workspace(workspace, VerifyConfig())
    assert [found.detail for found in verdict.findings.examples["duplicate row"]] == ["is listed under 2 numbers"]


def test_less_than_one_thread_is_refused() -> None:
    with pytest.raises(ConfigError, match="--workers must be at least 1, got 0"):
        VerifyConfig(workers=0)
