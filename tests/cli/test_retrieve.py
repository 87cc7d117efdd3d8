"""``tcae retrieve``."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tcae.cli.main import learn
from tcae.manifests.workspace import Workspace
from tests.run_builders import workspace_with_run, write_run

QUERY = "faces/id1/v/0_folder/img_0_002.jpg"


def call(workspace: Workspace, *arguments: object, command: str = "retrieve") -> Result:
    options = ["--root", str(workspace.root), "--device", "cpu"]
    return CliRunner().invoke(learn, [command, *options, *map(str, arguments)])


def rows_of(result: Result) -> list[list[str]]:
    """The cells of the table, row by row."""
    assert result.exit_code == 0, result.output
    return [words for line in result.stdout.splitlines() if (words := line.split()) and words[0].isdecimal()]


@pytest.fixture
def embedded(workspace: Workspace) -> Workspace:
    """24 faces of four identities with their embeddings."""
    workspace_with_run(workspace)
    assert call(workspace, command="embed").exit_code == 0
    return workspace


def test_the_nearest_faces_are_listed_and_drawn(embedded: Workspace) -> None:
    result = call(embedded, QUERY)
    rows = rows_of(result)
    assert [int(row[0]) for row in rows] == list(range(1, 11))
    similarities = [float(row[1]) for row in rows]
    assert similarities == sorted(similarities, reverse=True)
    assert -1 <= similarities[-1] < similarities[0] < 1
    identity, video, clip, frame, file = rows[0][2:]
    assert file == f"faces/{identity}/{video}/{clip}_folder/img_{clip}_{int(frame) + 1:03d}.jpg"
    assert QUERY not in [row[-1] for row in rows]
    sheet = embedded.root / "runs" / "tiny" / "retrieved" / "id1-v-0_folder-img_0_002-au.png"
    assert result.stdout.splitlines()[-1] == f"{sheet}: the nearest 10 by au embedding"
    with Image.open(sheet) as picture:
        assert picture.width > 5 * 128


def test_all_other_identities_come_before_the_own_one(embedded: Workspace, tmp_path: Path) -> None:
    rows = rows_of(call(embedded, QUERY, "--other-identities", "--top", 24, "--to", tmp_path / "sheet.png"))
    assert [row[2] == "id1" for row in rows] == [False] * 18 + [True] * 5
    assert (tmp_path / "sheet.png").is_file()


def test_any_aligned_face_can_be_asked_for(embedded: Workspace, tmp_path: Path) -> None:
    picture = tmp_path / "mine.jpg"
    picture.write_bytes((embedded.root / QUERY).read_bytes())
    rows = rows_of(call(embedded, picture, "--embedding", "pose", "--top", 1))
    assert rows[0][1:2] + rows[0][-1:] == ["1.0000", QUERY]
    assert (embedded.root / "runs" / "tiny" / "retrieved" / "mine-pose.png").is_file()


def test_a_found_face_that_is_gone_is_grey(embedded: Workspace) -> None:
    for path in (embedded.root / "faces" / "id2").rglob("*.jpg"):
        path.unlink()
    assert len(rows_of(call(embedded, QUERY, "--top", 23))) == 23


def test_embed_must_come_first(workspace: Workspace) -> None:
    result = call(workspace_with_run(workspace), QUERY)
    assert result.exit_code == 1
    assert "run tcae embed --run tiny --checkpoint best first" in result.stderr


def test_embeddings_of_other_weights_are_refused(embedded: Workspace) -> None:
    write_run(embedded, scale=2.0)
    last = embedded.root / "runs" / "tiny" / "checkpoints" / "last.pt"
    last.replace(last.with_name("best.pt"))
    result = call(embedded, QUERY)
    assert result.exit_code == 1
    assert "were made by other weights" in result.stderr
    assert "run tcae embed --run tiny --checkpoint best again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.jpg",), "nowhere.jpg"),
        ((QUERY, "--top", "0"), "--top must be at least 1, not 0"),
        ((QUERY, "--run", "other"), "there is no run other"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_1(embedded: Workspace, arguments: tuple[str, ...], message: str) -> None:
    result = call(embedded, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
