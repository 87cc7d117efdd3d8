from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tcae.cli.main import prep
from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tests.pair_builders import Tree, write_tree

TREE: Tree = {f"id{number:02d}": {"v1": [3, 1], "v2": [2]} for number in range(20)} | {"single": {"v": [1, 1]}}


def run(workspace: Workspace, *options: str) -> Result:
    return CliRunner().invoke(prep, ["split", "--root", str(workspace.root), *options])


def test_the_tally_shows_what_each_split_got(workspace: Workspace) -> None:
    write_tree(workspace, TREE)
    result = run(workspace)
    assert result.exit_code == 0, result.output
    rows = {words[0]: words[1:] for line in result.stdout.splitlines() if (words := line.split())}
    assert rows["train"] == ["15", "30", "30", "15", "90", "120"]
    assert rows["val"] == ["3", "6", "6", "3", "18", "24"]
    assert rows["test"] == ["2", "4", "4", "2", "12", "16"]
    assert rows["no_pair"] == ["1", "1", "0", "2", "2", "0"]
    last = "21 identities = 15 train + 3 val + 2 test + 0 excluded + 1 no_pair"
    assert result.stdout.splitlines()[-1] == last


def test_options_reach_the_split(workspace: Workspace) -> None:
    write_tree(workspace, TREE, official_test=["id00", "id01"])
    options = "--ratios 1/1/0 --seed 3 --official-test exclude --within video --pairs-per-identity 2"
    result = run(workspace, *options.split())
    assert result.stdout.splitlines()[-1] == "21 identities = 9 train + 10 val + 0 test + 2 excluded + 0 no_pair"
    val = PairIndex.open(workspace.manifest("pairs") / "val")
    assert val.within == "video"
    assert len(val.fixed_pairs()) == 2 * 10


def test_keep_holds_the_assignments_of_a_file(workspace: Workspace, tmp_path: Path) -> None:
    write_tree(workspace, TREE)
    kept = tmp_path / "kept.csv"
    kept.write_text("identity,split\nid05,test\nid06,test\nid07,test\n")
    assert "14 train + 3 val + 3 test" in run(workspace, "--keep", str(kept)).stdout
    test = PairIndex.open(workspace.manifest("pairs") / "test")
    assert test.identity_names == ["id05", "id06", "id07"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "run tcae-prep align"),
        (("--ratios", "75/25"), "like 75/15/10"),
        (("--ratios", "0/0/0"), "not all of them 0"),
        (("--keep", "nowhere.csv"), "nowhere.csv holds no earlier assignments"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_1(workspace: Workspace, options: tuple[str, ...], message: str) -> None:
    result = run(workspace, *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
