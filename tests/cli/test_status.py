import json

from click.testing import CliRunner

from tcae.cli.main import prep
from tcae.manifests.workspace import Workspace
from tests.workspaces import Plan, make_workspace


def run(workspace: Workspace, *arguments: str) -> str:
    result = CliRunner().invoke(prep, ["status", "--root", str(workspace.root), *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_table_has_a_line_per_stage_and_says_what_to_run_next(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan(outcomes=(None, "no_face")), Plan(clip=1, failed="decode")])
    lines = run(workspace).splitlines()
    assert [word for line in lines for word in line.split()[:1] if word in {"extract", "align", "split"}] == [
        "extract",
        "align",
        "split",
    ]
    assert any("1 decode" in line and "1 frames" not in line for line in lines)
    assert lines[-1] == "next: run tcae-prep split"


def test_json_carries_the_same_numbers(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan(outcomes=(None, "no_face"))])
    read = json.loads(run(workspace, "--json"))
    assert read["root"] == str(workspace.root)
    align = next(stage for stage in read["stages"] if stage["stage"] == "align")
    assert (align["num_items"], align["num_done"], align["rejected"]) == (2, 1, {"no_face": 1})


def test_an_empty_workspace_gets_a_sentence(workspace: Workspace) -> None:
    assert run(workspace) == "next: nothing is here yet; run tcae-prep extract --source PATH first\n"
