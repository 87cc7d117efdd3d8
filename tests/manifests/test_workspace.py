"""Paths of a workspace, and which folder is one."""

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError, WorkspaceError
from tcae.manifests.rows import ClipKey
from tcae.manifests.stores import StorePath
from tcae.manifests.workspace import (
    NUM_SHARDS,
    Workspace,
    find_workspace,
    frame_of,
    picture_name,
    shard_of,
    written_whole,
)


@pytest.mark.parametrize(
    ("clip", "frame", "name"),
    [(0, 0, "img_0_001.jpg"), (12, 98, "img_12_099.jpg"), (3, 998, "img_3_999.jpg"), (3, 12344, "img_3_12345.jpg")],
)
def test_a_pictures_number_is_one_more_than_its_frame(clip: int, frame: int, name: str) -> None:
    assert picture_name(clip, frame) == name
    assert frame_of(name) == frame


@pytest.mark.parametrize("name", ["img_0_01.jpg", "x.jpg", "img_0_001.gif", ".img_0_001.jpg.partial"])
def test_other_files_are_no_pictures(name: str) -> None:
    assert frame_of(name) is None


def test_a_shard_depends_on_the_key_alone() -> None:
    assert shard_of(ClipKey("id10001", "1zcIwhmdeo4", 0)) == 3932
    assert shard_of(ClipKey("id10001", "1zcIwhmdeo4", 1)) == 2418


@given(st.text(), st.text(), st.integers(0, 10**6))
def test_a_shard_is_in_range(identity: str, video: str, clip: int) -> None:
    assert 0 <= shard_of(ClipKey(identity, video, clip)) < NUM_SHARDS


def test_the_named_root_wins_over_the_environment_and_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TCAE_ROOT", raising=False)
    assert find_workspace(None) == Workspace(tmp_path)
    monkeypatch.setenv("TCAE_ROOT", str(tmp_path / "a"))
    assert find_workspace(None) == Workspace(tmp_path / "a")
    assert find_workspace(tmp_path / "b") == Workspace(tmp_path / "b")


def test_inside_a_checkout_the_workspace_is_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "__init__.py").touch()
    assert find_workspace(tmp_path) == Workspace(tmp_path / "workspace")


def test_a_file_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(ConfigError, match=r"x is not a folder; name one with --root"):
        find_workspace(tmp_path / "x")


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "f"
    with written_whole(path) as partial:
        partial.write_bytes(b"x")
        assert not path.exists()
    assert path.read_bytes() == b"x"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(WorkspaceError, match=r"cannot write .*file/x: (Not a directory|File exists)"),
        written_whole(tmp_path / "file" / "x"),
    ):
        pass


def test_a_workspace_in_a_store_is_for_commands_that_can_do_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "here"))
    monkeypatch.setenv("TCAE_ROOT", "s3://bucket/w")
    with pytest.raises(ConfigError, match=r"the workspace s3://bucket/w is in an object store.* copy it to a disk"):
        find_workspace(None)
    workspace = find_workspace(None, may_be_stored=True)
    assert workspace == find_workspace(StorePath("s3://bucket/w"), may_be_stored=True)
    assert str(workspace) == str(workspace.place) == "s3://bucket/w"
    assert str(workspace.signs) == "s3://bucket/w/manifests/.locks"
    assert workspace.part("frames", 7).is_relative_to(tmp_path / "here")
    data = pickle.dumps(workspace)
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "there"))
    there = pickle.loads(data)
    assert there.store == workspace.store
    assert there.root == tmp_path / "there" / workspace.root.relative_to(tmp_path / "here")
    on_disk = Workspace(tmp_path)
    assert pickle.loads(pickle.dumps(on_disk)) == on_disk
    assert on_disk.signs == tmp_path / "manifests" / ".locks"
