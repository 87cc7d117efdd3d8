"""A place is asked the same whether it is a path or a URL."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tcae.manifests.errors import ConfigError
from tcae.manifests.places import Place, at_hand, is_file, is_folder, is_url, names_in, place, scratch_of
from tcae.manifests.stores import StorePath
from tests.source_builders import grow
from tests.store_builders import memory, put


@pytest.fixture(params=["path", "url"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    grow(tmp_path, "a/1.jpg", "a/2.jpg", "a/notes.txt", "a/b/c.jpg", data=b"123")
    with memory() as store:
        yield tmp_path if request.param == "path" else put(tmp_path, store)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("videos", Path("videos")),
        ("/a:b//c", Path("/a:b/c")),
        ("file:///a%20b/c", Path("/a b/c")),
        ("s3://bucket/tree/", StorePath("s3://bucket/tree")),
        ("memory://tree", StorePath("memory://tree")),
    ],
)
def test_a_text_is_a_path_or_a_url(text: str, wanted: Place) -> None:
    assert place(text) == wanted
    assert type(place(text)) is type(wanted)


def test_a_url_must_name_a_bucket() -> None:
    assert is_url("s3://")
    with pytest.raises(ConfigError, match=r"s3:// names no bucket; write for instance s3://bucket/folder"):
        place("s3://")


def test_folders_and_files_are_told_apart(tree: Place) -> None:
    assert (is_folder(tree / "a"), is_file(tree / "a")) == (True, False)
    assert (is_folder(tree / "a/1.jpg"), is_file(tree / "a/1.jpg")) == (False, True)
    assert (is_folder(tree / "b"), is_file(tree / "b")) == (False, False)
    assert is_file(tree / "b/../a/1.jpg") or isinstance(tree, Path)


def test_names_are_listed(tree: Place) -> None:
    assert sorted(names_in(tree / "a")) == ["1.jpg", "2.jpg", "b", "notes.txt"]
    assert names_in(tree / "b") == []


def test_a_file_or_the_wanted_files_of_a_folder_are_at_hand(tree: Place) -> None:
    with at_hand(tree / "a/1.jpg") as path:
        assert (path.name, path.read_bytes()) == ("1.jpg", b"123")
    assert path.exists() == isinstance(tree, Path)
    with at_hand(tree / "a", lambda name: name.endswith(".jpg")) as path:
        assert {"1.jpg", "2.jpg"} <= {each.name for each in path.iterdir()}
        assert (path / "notes.txt").exists() == isinstance(tree, Path)
    with at_hand(tree / "a/1.jpg", lambda name: True) as path:
        assert path.read_bytes() == b"123"
    with at_hand(tree / "gone.mp4") as path:
        assert (path.name, path.exists()) == ("gone.mp4", False)


def test_what_we_may_not_look_at_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: MemoryFileSystem, path: str, **options: object) -> None:
        raise PermissionError("Forbidden")

    monkeypatch.setattr(MemoryFileSystem, "info", refuse)
    assert not is_folder(StorePath("memory://bucket/a"))
    assert not is_file(StorePath("memory://bucket/a"))


def test_a_store_has_one_scratch_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "a"))
    scratch = scratch_of(StorePath("s3://bucket/w"))
    assert scratch == scratch_of(StorePath("s3://bucket/w/")) != scratch_of(StorePath("s3://bucket/v"))
    assert scratch.parent == tmp_path / "a" / f"tcae-{os.getuid()}"
    assert scratch.parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv("TCAE_SCRATCH")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "b"))
    assert scratch_of(StorePath("s3://bucket/w")).is_relative_to(tmp_path / "b")


def test_a_scratch_that_others_made_or_that_cannot_be_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path))
    (tmp_path / f"tcae-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match=r"tcae-\d+ is not ours; name another folder with \$TCAE_SCRATCH"):
        scratch_of(StorePath("s3://bucket/w"))
    monkeypatch.setenv("TCAE_SCRATCH", str(grow(tmp_path, "file") / "file"))
    with pytest.raises(ConfigError, match=r"cannot make .*file/tcae-\d+ \(Not a directory\); name another"):
        scratch_of(StorePath("s3://bucket/w"))
