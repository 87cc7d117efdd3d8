from pathlib import Path

import pytest

from tcae.pipeline.trees.walk import Tree, UnreadableError, picture_files
from tests.source_builders import grow


def test_pictures_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    grow(tmp_path, "10.jpg", "9.jpg", "frame2.PNG", "001.jpeg", ".hidden.jpg", "notes.txt", "folder.jpg/")
    assert [path.name for path in picture_files(tmp_path)] == ["001.jpeg", "9.jpg", "10.jpg", "frame2.PNG"]


def test_a_folder_that_is_not_there_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"the folder a/b cannot be listed: No such file"):
        Tree(tmp_path).entries("a/b")
    assert Tree(tmp_path).folders("a/b") == []
    with pytest.raises(UnreadableError, match="cannot be listed"):
        list(Tree(tmp_path).chains("a"))


def test_chains_go_down_to_one_depth_and_keep_what_lies_above_it(tmp_path: Path) -> None:
    tree = Tree(grow(tmp_path, "a/10/x.mp4", "a/9/y.mp4", "a/9/z.txt", "b/", "c.mp4"))
    assert [[entry.name for entry in chain] for chain in tree.chains(depth=3)] == [
        ["a", "9", "y.mp4"],
        ["a", "10", "x.mp4"],
    ]
    assert tree.strays == ["c.mp4"]


def test_only_the_last_entry_of_a_chain_has_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, "a/v/1.mp4", "bad\n/v/1.mp4")
    (tmp_path / "a/w").symlink_to("nowhere")
    chains = list(Tree(tmp_path).chains())
    assert sorted(len(chain) for chain in chains) == [1, 2, 3]
    assert all(entry.problem is None for chain in chains for entry in chain[:-1])
    assert [len(chain) for chain in chains if chain[-1].problem is None] == [3]


def test_a_link_two_levels_up_is_a_loop(tmp_path: Path) -> None:
    grow(tmp_path, "a/v/1.mp4")
    (tmp_path / "a/w").symlink_to("../../" + tmp_path.name)
    details = [str(chain[-1].problem) for chain in Tree(tmp_path).chains() if chain[-1].problem]
    assert details == ["the link w leads back to a folder that it lies in"]
