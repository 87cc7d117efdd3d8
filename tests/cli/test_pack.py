"""``tcae-prep pack``, and ``--pack`` of the commands that make faces."""

from pathlib import Path

import pytest

from tcae.manifests.locks import held
from tcae.manifests.workspace import Workspace, shard_of
from tests.clips import write_clip
from tests.stage_builders import call, faces, fake_detector, files, listed
from tests.workspaces import Plan, make_workspace

PLANS = [Plan(identity=f"id{n}", video=f"v{n % 2}", clip=n) for n in range(4)]


@pytest.fixture
def aligned(workspace: Workspace) -> Workspace:
    return make_workspace(workspace, PLANS)


def test_pack_and_its_undoing_change_nothing_but_where_faces_lie(aligned: Workspace) -> None:
    rows, before = faces(aligned), files(aligned, "faces")
    result = call("pack", "--root", aligned.root)
    assert result.stdout == "8 faces of 4 shards are packed\n"
    assert [path.suffix for path in (aligned.root / "faces").iterdir()] == [".tar"] * 4
    assert call("verify", "--root", aligned.root).exit_code == 0
    result = call("pack", "--root", aligned.root, "--undo")
    assert result.stdout == "8 faces of 4 shards are in files\n"
    assert files(aligned, "faces") == before
    assert faces(aligned) == rows


def test_files_that_a_killed_pack_left_are_cleared_away(aligned: Workspace) -> None:
    call("pack", "--root", aligned.root)
    left = aligned.picture("faces", PLANS[0].key, 0)
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    call("pack", "--root", aligned.root)
    assert [path.suffix for path in (aligned.root / "faces").iterdir()] == [".tar"] * 4


def test_a_clip_of_which_a_face_is_missing_is_left_and_told(aligned: Workspace) -> None:
    aligned.picture("faces", PLANS[0].key, 0).unlink()
    result = call("pack", "--root", aligned.root)
    assert result.exit_code == 1
    assert "left as they are: 1 clips of which a face is missing or damaged: tcae-prep verify" in result.stderr
    assert [name for name in files(aligned, "faces") if name.endswith(".jpg")] == [
        aligned.relative(aligned.picture("faces", PLANS[0].key, 1))
    ]


def test_run_packs_and_tells_what_was_made_before(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    for name in ("id1/v1/a.mp4", "id2/v1/a.mp4"):
        (tmp_path / "source" / name).parent.mkdir(parents=True)
        write_clip(tmp_path / "source" / name, 30)
    listed(workspace, tmp_path / "source")
    options = ["--root", workspace.root, "--source", tmp_path / "source", "--workers", 0, "--device", "cpu"]
    assert call("run", *options, "--ids", "id1").exit_code == 0
    result = call("run", *options, "--pack")
    assert "the faces of 1 shards were made before and are in files: `tcae-prep pack` packs them" in result.stderr
    assert sorted(Path(name).suffix for name in files(workspace, "faces")) == [".jpg", ".jpg", ".tar"]
    assert call("pack", "--root", workspace.root).exit_code == 0
    assert [Path(name).suffix for name in files(workspace, "faces")] == [".tar", ".tar"]
    assert "made before" not in call("run", *options, "--pack").stderr


def test_align_packs(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_detector(monkeypatch)
    make_workspace(workspace, [Plan(**plan.key._asdict(), aligned=False) for plan in PLANS])
    assert call("align", "--root", workspace.root, "--workers", 0, "--device", "cpu", "--pack").exit_code == 0
    assert [Path(name).suffix for name in files(workspace, "faces")] == [".tar"] * 4
    assert len(faces(workspace)) == 8


def test_the_note_of_a_killed_stage_stays_for_the_next_stage(aligned: Workspace) -> None:
    note = aligned.lock("faces", shard_of(PLANS[0].key)).with_suffix(".holder")
    note.parent.mkdir(parents=True)
    note.write_text(f"process 1 on here, at clip {PLANS[0].key}")
    call("pack", "--root", aligned.root)
    assert note.read_text().endswith(f"at clip {PLANS[0].key}")


def test_a_shard_that_a_stage_holds_is_left_to_it(aligned: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcae.manifests.locks.LOCK_SECONDS", 0.01)
    shard = shard_of(PLANS[0].key)
    with held(aligned.lock("faces", shard), "a shard"):
        result = call("pack", "--root", aligned.root)
    assert result.exit_code == 1
    assert f"shard {shard:04d} of faces is held by process" in result.stderr


def test_an_empty_workspace_has_nothing_to_pack(tmp_path: Path) -> None:
    result = call("pack", "--root", tmp_path)
    assert result.stdout == "0 faces of 0 shards are packed\n"
