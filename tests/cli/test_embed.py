"""``tcae embed``."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from tcae.cli.main import learn
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.export import export
from tcae.model.training.runs import load_trained
from tests.run_builders import workspace_with_run, write_run


def call(workspace: Workspace, *arguments: object) -> Result:
    return CliRunner().invoke(learn, ["embed", "--root", str(workspace.root), "--device", "cpu", *map(str, arguments)])


@pytest.fixture
def with_run(workspace: Workspace) -> Workspace:
    """24 faces and the run ``tiny``."""
    return workspace_with_run(workspace)


def test_the_last_line_says_what_became_of_every_face(with_run: Workspace) -> None:
    result = call(with_run)
    assert result.exit_code == 0, result.output
    folder = with_run.root / "manifests" / "embeddings" / "tiny" / "best"
    first, last = result.stdout.splitlines()
    assert first == f"{folder}: by tiny, best, step 40"
    assert last == "24 faces in = 24 embedded (0 of them before) + 0 unreadable"
    assert sum(pq.read_table(path).num_rows for path in folder.glob("*.parquet")) == 24
    again = "24 faces in = 24 embedded (24 of them before) + 0 unreadable"
    assert call(with_run, "--run", "tiny").stdout.splitlines()[-1] == again
    assert result.stderr == ""


def test_another_checkpoint_has_a_place_of_its_own(with_run: Workspace) -> None:
    assert call(with_run, "--checkpoint", "last").exit_code == 0
    assert [path.name for path in (with_run.manifest("embeddings") / "tiny").iterdir()] == ["last"]


def test_unreadable_faces_are_warned_of(with_run: Workspace) -> None:
    faces = sorted((with_run.root / "faces").rglob("*.jpg"))
    for face in faces[:5]:
        face.write_bytes(b"")
    result = call(with_run)
    assert result.stdout.splitlines()[-1] == "24 faces in = 19 embedded (0 of them before) + 5 unreadable"
    assert len(result.stderr.splitlines()) == 4
    assert result.stderr.splitlines()[-1] == "warning: 2 more faces could not be read"


def test_an_export_gives_the_embeddings_of_its_run(with_run: Workspace, tmp_path: Path) -> None:
    folder = export(load_trained(with_run, "tiny"), tmp_path / "export")
    call(with_run)
    result = call(with_run, "--encoder", folder)
    assert result.stdout.splitlines()[-1] == "24 faces in = 24 embedded (24 of them before) + 0 unreadable"


def test_a_folder_of_faces_becomes_one_table(with_run: Workspace, tmp_path: Path) -> None:
    faces = with_run.root / "faces" / "id1"
    result = call(with_run, "--faces", faces)
    path = with_run.root / "manifests" / "embeddings" / "tiny" / "best" / "folders" / "id1.parquet"
    assert result.stdout.splitlines()[0] == f"{path}: by tiny, best, step 40"
    assert pq.read_table(path).num_rows == 6
    assert call(with_run, "--faces", faces, "--to", tmp_path / "a.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(path))


def test_an_unknown_template_is_a_warning(workspace: Workspace) -> None:
    result = call(workspace_with_run(workspace, template="unknown"))
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: the template that the encoder's faces were aligned to is not known")


def test_another_template_is_an_error_unless_forced(workspace: Workspace) -> None:
    workspace_with_run(workspace, template="arcface")
    result = call(workspace)
    assert result.exit_code == 1
    assert "wants faces aligned to arcface" in result.stderr
    assert call(workspace, "--any-template").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--run", "tiny", "--encoder", "export"), "--run tiny and --encoder export exclude each other"),
        (("--to", "a.parquet"), "--to names the table of --faces"),
        (("--run", "other"), "there is no run other"),
        (("--batch-size", "0"), "--batch-size must be at least 1, not 0"),
        (("--encoder", "nowhere"), "nowhere is no exported encoder"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_1(with_run: Workspace, arguments: tuple[str, ...], message: str) -> None:
    result = call(with_run, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_which_run_must_be_said_where_there_are_several_or_none(with_run: Workspace, tmp_path: Path) -> None:
    write_run(with_run, "other")
    assert "there are 2 runs; name one with --run: other, tiny" in call(with_run).stderr
    assert "run tcae train first" in call(Workspace(tmp_path / "empty")).stderr
