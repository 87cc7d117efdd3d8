from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tcae.cli.main import prep
from tcae.manifests.workspace import Workspace
from tests.workspaces import Plan, make_workspace


def run(workspace: Workspace, *arguments: str) -> Result:
    return CliRunner().invoke(prep, ["report", "--root", str(workspace.root), *arguments])


def test_the_last_line_says_where_the_page_is(workspace: Workspace) -> None:
    result = run(make_workspace(workspace, [Plan()]))
    path = workspace.root / "report.html"
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith(f"{path} (0.")
    assert "id1" in path.read_text(encoding="utf-8")


def test_the_page_goes_where_it_is_told_with_as_many_faces_as_told(workspace: Workspace, tmp_path: Path) -> None:
    make_workspace(workspace, [Plan(outcomes=(None,) * 6)])
    out = tmp_path / "new" / "page.html"
    assert run(workspace, "--out", str(out), "--faces", "4").exit_code == 0
    assert "4 of 6, drawn at random" in out.read_text(encoding="utf-8")
    assert not (workspace.root / "report.html").exists()


@pytest.mark.parametrize(("arguments", "message"), [(("--faces", "-1"), "faces must be at least 0, got -1")])
def test_nonsense_is_one_line_and_exit_1(workspace: Workspace, arguments: tuple[str, ...], message: str) -> None:
    result = run(make_workspace(workspace, [Plan()]), *arguments)
    assert (result.exit_code, result.stderr) == (1, f"Error: {message}\n")


def test_an_empty_workspace_says_what_to_run_first(workspace: Workspace) -> None:
    result = run(workspace)
    assert result.exit_code == 1
    assert "run tcae-prep extract --source PATH first" in result.stderr
