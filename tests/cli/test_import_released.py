"""``tcae import-released``."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from tcae.cli.main import learn
from tcae.manifests.workspace import Workspace
from tests.released_builders import Released


def call(workspace: Workspace, *options: str) -> Result:
    return CliRunner().invoke(learn, ["import-released", "--root", str(workspace.root), *options])


def test_a_published_checkpoint_becomes_a_run_that_can_be_exported(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "released.pth"
    torch.save({"state_dict": Released().state_dict(), "epoch": 1000}, file, _use_new_zipfile_serialization=False)
    result = call(workspace, str(file))
    assert result.exit_code == 0, result.output
    folder = workspace.root / "runs" / "released-import"
    wanted = f"{folder}: a run with the weights of {file}; next: tcae export --run released-import\n"
    assert result.stdout == wanted
    exported = CliRunner().invoke(learn, ["export", "--root", str(workspace.root), "--run", "released-import"])
    assert exported.exit_code == 0, exported.output
    assert "8,035,488 parameters; template unknown" in exported.stdout
    assert "which carries no licence" in (folder / "encoder" / "README.md").read_text()
    again = call(workspace, str(file))
    assert again.exit_code == 1
    assert "name another with --run" in again.stderr


@pytest.mark.parametrize(("content", "message"), [(None, "there is no checkpoint"), (b"PK", "damaged")])
def test_a_wrong_file_is_one_line_and_exit_1(
    workspace: Workspace, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "some.pth"
    if content is not None:
        file.write_bytes(content)
    result = call(workspace, str(file))
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
