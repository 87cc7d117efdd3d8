from click.testing import CliRunner, Result

from tcae.cli.main import prep
from tcae.manifests.workspace import Workspace
from tests.workspaces import Plan, make_workspace


def run(workspace: Workspace, *arguments: str) -> Result:
    return CliRunner().invoke(prep, ["verify", "--root", str(workspace.root), *arguments])


def test_a_healthy_workspace_gets_one_sentence_and_exit_0(workspace: Workspace) -> None:
    result = run(make_workspace(workspace, [Plan()]))
    assert (result.exit_code, result.stdout) == (0, "nothing is wrong: 5 rows, 4 files, 0 identities\n")


def test_findings_are_listed_with_what_to_do_and_exit_1(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan(outcomes=(None,) * 25)])
    for file in workspace.clip_folder("faces", Plan().key).iterdir():
        file.unlink()
    result = run(workspace, "--fast")
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert lines[0] == "missing file: 25"
    assert lines[1].startswith("  faces/id1/v/0_folder/img_0_001.jpg: is not there -> delete manifests/faces/")
    assert lines[-2:] == ["  +5 more", "25 findings in 51 rows, 50 files, 0 identities"]


def test_clips_that_wait_for_align_are_said(workspace: Workspace) -> None:
    result = run(make_workspace(workspace, [Plan(aligned=False)]))
    assert result.exit_code == 0
    assert result.stdout.startswith("clips that wait for tcae-prep align: 1\n")


def test_no_threads_at_all_is_one_line_and_exit_1(workspace: Workspace) -> None:
    result = run(workspace, "--workers", "0")
    assert (result.exit_code, result.stderr) == (1, "Error: --workers must be at least 1, got 0\n")
