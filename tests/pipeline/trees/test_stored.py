"""A stored tree is listed right, and with few requests where it is large."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tcae.manifests.stores import StorePath, scan, scan_all
from tcae.pipeline.trees import stored
from tcae.pipeline.trees.stored import StoredFolders
from tcae.pipeline.trees.walk import Tree
from tests.source_builders import grow
from tests.store_builders import memory, put


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[tuple[Path, StorePath]]:
    people = [f"mp4/id{person}/v{video}/{clip}.mp4" for person in range(4) for video in range(3) for clip in range(2)]
    grow(tmp_path, *people, "mp4/id9/notes.txt", "readme.mp4")
    with memory() as store:
        yield tmp_path, put(tmp_path, store)


def test_all_folders_at_once_are_what_each_gives(tree: tuple[Path, StorePath]) -> None:
    found = scan_all(tree[1])
    assert {path: sorted(entries) for path, entries in found.items()} == {
        path: sorted(scan(tree[1] / path)) for path in found
    }
    assert len(found) == 1 + 1 + 5 + 12
    assert scan_all(tree[1] / "gone") == {}


@pytest.mark.parametrize("many", [2, 64])
def test_a_tree_is_walked_alike_with_few_requests_and_many(
    many: int, tree: tuple[Path, StorePath], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MANY", many)
    here, there = ([[entry.path for entry in chain] for chain in Tree(root).chains("mp4")] for root in tree)
    assert here == there
    assert len(there) == 24


def test_people_of_whom_there_are_many_are_a_request_each(
    tree: tuple[Path, StorePath], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MANY", 4)
    asked: list[str] = []
    for ask in (scan, scan_all):

        def noted(where: StorePath, ask: Any = ask) -> Any:
            asked.append(f"{ask.__name__} {where.name}")
            return ask(where)

        monkeypatch.setattr(stored, ask.__name__, noted)
    list(Tree(tree[1]).chains("mp4"))
    assert asked == ["scan mp4", *(f"scan_all id{person}" for person in (0, 1, 2, 3, 9))]


def test_a_folder_that_is_missing_among_many_is_said(
    tree: tuple[Path, StorePath], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MANY", 2)
    folders = StoredFolders(tree[1])
    folders.scan("mp4")
    with pytest.raises(FileNotFoundError):
        folders.scan("mp4/gone")
