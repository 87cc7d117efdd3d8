"""Packed faces are verified as files are, and their tars with their indexes besides."""

from collections.abc import Callable

import pytest

from tcae.manifests.packs import Packed, members_of
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.packing import pack_workspace
from tcae.pipeline.verify.findings import Finding
from tcae.pipeline.verify.whole import VerifyConfig, verify_workspace
from tests.pack_builders import packed
from tests.stage_builders import call
from tests.workspaces import Plan, make_workspace

PLANS = [Plan(identity="ann", outcomes=(None, "no_face", None)), Plan(identity="bob"), Plan(identity="cid", clip=2)]
ANN = PLANS[0].key
SHARD = shard_of(ANN)


@pytest.fixture
def healthy(workspace: Workspace) -> Workspace:
    make_workspace(workspace, PLANS, splits={"ann": "train", "bob": "val", "cid": "test"})
    pack_workspace(workspace)
    return workspace


def findings(workspace: Workspace, *, fast: bool = False) -> dict[str, list[Finding]]:
    found = verify_workspace(workspace, VerifyConfig(fast=fast, workers=2)).findings
    assert all(len(found.examples[kind]) == found.counts[kind] for kind in found.counts)
    return found.examples


def kinds(workspace: Workspace, *, fast: bool = False) -> dict[str, int]:
    return {kind: len(found) for kind, found in findings(workspace, fast=fast).items()}


def cut(workspace: Workspace) -> None:
    data = workspace.pack(SHARD).read_bytes()
    workspace.pack(SHARD).write_bytes(data[: len(data) // 2])


def cut_without_index(workspace: Workspace) -> None:
    cut(workspace)
    workspace.part("packs", SHARD).unlink()


def flip_a_byte(workspace: Workspace) -> None:
    place = members_of(workspace, SHARD)[0]
    data = bytearray(workspace.pack(SHARD).read_bytes())
    data[place.offset + place.num_bytes // 2] ^= 0xFF
    workspace.pack(SHARD).write_bytes(data)


def mix_up(workspace: Workspace) -> None:
    """The faces of the clip in the wrong order, under the right names."""
    data = workspace.pack(SHARD).read_bytes()
    faces = [data[one.offset : one.offset + one.num_bytes] for one in members_of(workspace, SHARD)]
    packed(workspace, [Packed(ANN, 0, faces[1]), Packed(ANN, 2, faces[0])])


def leave_one_out(workspace: Workspace) -> None:
    one = members_of(workspace, SHARD)[0]
    data = workspace.pack(SHARD).read_bytes()[one.offset : one.offset + one.num_bytes]
    packed(workspace, [Packed(one.key, one.frame, data)])


def add_one(workspace: Workspace) -> None:
    data = workspace.pack(SHARD).read_bytes()
    faces = [
        Packed(one.key, one.frame, data[one.offset : one.offset + one.num_bytes])
        for one in members_of(workspace, SHARD)
    ]
    packed(workspace, [*faces, Packed(ANN, 7, b"x")])


def leave_a_tar(workspace: Workspace) -> None:
    key = next(
        key
        for key in (ClipKey("dan", "v", n) for n in range(9))
        if shard_of(key) not in map(shard_of, (p.key for p in PLANS))
    )
    packed(workspace, [Packed(key, 0, b"x")])


def leave_half_a_tar(workspace: Workspace) -> None:
    (workspace.root / "faces" / f".{SHARD:04d}.tar.partial").write_bytes(b"x")


def leave_files(workspace: Workspace) -> None:
    folder = workspace.unpacked(SHARD) / str(ANN)
    folder.mkdir(parents=True)
    (folder / "img_0_001.jpg").write_bytes(b"x")


DAMAGES: dict[str, tuple[Callable[[Workspace], object], dict[str, int], dict[str, int]]] = {
    "nothing": (lambda workspace: None, {}, {}),
    "an index is gone, which is no damage": (lambda workspace: workspace.part("packs", SHARD).unlink(), {}, {}),
    "a tar is cut short": (cut, {"damaged pack": 1}, {"damaged pack": 1}),
    "a tar without an index is cut short": (cut_without_index, {"damaged pack": 1}, {"damaged pack": 1}),
    "a tar is gone": (lambda workspace: workspace.pack(SHARD).unlink(), {"damaged pack": 1}, {"damaged pack": 1}),
    "an index is no table": (
        lambda workspace: workspace.part("packs", SHARD).write_bytes(b"PAR1"), {"damaged pack": 1}, {"damaged pack": 1}
    ),
    "a byte of a face flipped": (flip_a_byte, {"damaged file": 1}, {}),
    "two faces are mixed up": (mix_up, {"damaged file": 2}, {}),
    "a tar lacks a face": (leave_one_out, {"missing file": 1}, {"missing file": 1}),
    "a tar has a face too much": (add_one, {"orphan face": 1}, {"orphan face": 1}),
    "a tar of a shard without rows": (leave_a_tar, {"orphan file": 2}, {"orphan file": 2}),
    "what a killed writer left": (leave_half_a_tar, {"orphan file": 1}, {"orphan file": 1}),
    "what a killed stage left": (leave_files, {"orphan file": 1}, {"orphan file": 1}),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "whole", "fast"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_found(
    healthy: Workspace, damage: Callable[[Workspace], object], whole: dict[str, int], fast: dict[str, int]
) -> None:
    damage(healthy)
    assert kinds(healthy) == whole
    assert kinds(healthy, fast=True) == fast


def test_a_damaged_pack_is_named_once_with_what_to_do(healthy: Workspace) -> None:
    cut(healthy)
    (found,) = findings(healthy)["damaged pack"]
    assert found.path == f"faces/{SHARD:04d}.tar"
    assert "it was cut short or replaced" in found.detail
    assert found.remedy == "run tcae-prep align again"
    healthy.part("packs", SHARD).unlink()
    (found,) = findings(healthy)["damaged pack"]
    assert found.remedy == f"delete manifests/faces/{SHARD:04d}.parquet and run tcae-prep align again"


def test_packing_again_takes_out_a_face_that_no_row_names(healthy: Workspace) -> None:
    add_one(healthy)
    call("pack", "--root", healthy.root)
    assert kinds(healthy) == {}


@pytest.mark.parametrize("damage", [cut, cut_without_index])
@pytest.mark.parametrize("undo", [False, True])
def test_packing_leaves_a_damaged_tar_as_it_is(
    healthy: Workspace, damage: Callable[[Workspace], object], undo: bool
) -> None:
    damage(healthy)
    before = healthy.pack(SHARD).read_bytes()
    assert pack_workspace(healthy, undo=undo).num_lost == 1
    assert healthy.pack(SHARD).read_bytes() == before
