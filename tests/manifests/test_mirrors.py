"""Tables go to the scratch and back; on a disk nothing moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tcae.manifests.mirrors import Mirror, bring, mirrored
from tcae.manifests.stores import StorePath
from tcae.manifests.workspace import Workspace
from tests.source_builders import grow
from tests.store_builders import memory, objects, put


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """In a store that has two tables, with another state of them in the scratch."""
    with memory() as store:
        put(grow(tmp_path / "there", "manifests/a/0001.parquet", "manifests/b/0001.parquet", data=b"store"), store)
        grow(tmp_path / "here", "manifests/a/0001.parquet", "manifests/a/0002.parquet", data=b"old")
        yield Workspace(tmp_path / "here", store)


def tables(store: StorePath | None) -> dict[str, bytes]:
    assert store is not None
    return {name.removeprefix("manifests/"): data for name, data in objects(store).items()}


def test_what_is_brought_is_what_the_store_has(workspace: Workspace) -> None:
    bring(workspace, "a", "c")
    assert {path.name: path.read_bytes() for path in workspace.manifest("a").iterdir()} == {"0001.parquet": b"store"}
    assert not workspace.manifest("b").exists()


def test_only_what_was_changed_is_put_back(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = list[str]()
    real = MemoryFileSystem.put_file

    def noted(self: MemoryFileSystem, here: str, there: str) -> None:
        sent.append(Path(there).name)
        real(self, here, there)

    monkeypatch.setattr(MemoryFileSystem, "put_file", noted)
    with mirrored(workspace, ["a"], ["a"]):
        grow(workspace.root, "manifests/a/0003.parquet", "manifests/a/.0004.parquet.partial", data=b"new")
    assert sent == ["0003.parquet"]
    assert tables(workspace.store) == {
        "a/0001.parquet": b"store", "a/0003.parquet": b"new", "b/0001.parquet": b"store",
    }  # fmt: skip


def test_a_table_that_is_not_read_is_written_anew(workspace: Workspace) -> None:
    with mirrored(workspace, [], ["b"]):
        assert not workspace.manifest("b").exists()
        grow(workspace.root, "manifests/b/x/0009.parquet", data=b"new")
    assert tables(workspace.store) == {"a/0001.parquet": b"store", "b/x/0009.parquet": b"new"}


def test_a_record_is_never_beside_parts_of_which_it_does_not_speak(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_all(number: int) -> None:
        with mirrored(workspace, ["a"], ["a"]):
            grow(workspace.root, "manifests/a/0001.parquet", "manifests/a/listed.json", data=b"%d" % number)

    put_all(1)
    real, seen = MemoryFileSystem.put_file, list[set[str]]()

    def watched(self: MemoryFileSystem, here: str, there: str) -> None:
        seen.append({name for name in tables(workspace.store) if name.startswith("a/")})
        real(self, here, there)

    monkeypatch.setattr(MemoryFileSystem, "put_file", watched)
    put_all(2)
    assert seen == [{"a/0001.parquet"}] * 2
    assert tables(workspace.store)["a/listed.json"] == b"2"


def test_on_a_disk_nothing_moves(tmp_path: Path) -> None:
    grow(tmp_path, "manifests/a/0001.parquet")
    bring(Workspace(tmp_path), "a")
    with mirrored(Workspace(tmp_path), [], ["a"]):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["manifests", "a", "0001.parquet"]


def test_a_mirror_puts_fetches_and_prunes(tmp_path: Path) -> None:
    with memory() as store:
        mirror = Mirror(grow(tmp_path, "x/a", "x/b"), store)
        assert mirror.of(tmp_path / "x" / "a") == store / "x" / "a"
        mirror.put([tmp_path / "x" / "a", tmp_path / "x" / "b"])
        (tmp_path / "x" / "b").unlink()
        mirror.put([tmp_path / "x" / "b"])
        assert set(objects(store)) == {"x/a"}
        (tmp_path / "x" / "a").unlink()
        mirror.fetch([tmp_path / "x" / "a", tmp_path / "x" / "b"])
        assert [path.name for path in (tmp_path / "x").iterdir()] == ["a"]
        (tmp_path / "x" / "a").rename(tmp_path / "x" / "c")
        mirror.prune([tmp_path / "x"])
        assert objects(store) == {}
