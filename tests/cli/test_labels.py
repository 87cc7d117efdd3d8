from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from tcae.cli.main import prep
from tcae.manifests.labels import labelled_sets, labels_path, read_labels
from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tests.clips import numbered
from tests.label_file_builders import by_frame, lines, write
from tests.workspaces import Plan, make_workspace


def run(workspace: Workspace, layout: str, folder: Path, *options: str) -> Result:
    arguments = ["labels", "--root", str(workspace.root), "--layout", layout, str(folder), *options]
    return CliRunner().invoke(prep, arguments)


def bp4d(folder: Path) -> Path:
    write(folder / "AU_OCC" / "F001_T1.csv", lines((0, 1, 12), (1, 0, 1), (26, 1, 9), (27, 1, 1)))
    write(folder / "AU_OCC" / "M002_T3.csv", lines((0, 1, 12), (1, 0, 1)))
    return folder


def test_labels_are_written_with_what_they_were_made_from(workspace: Workspace, tmp_path: Path) -> None:
    result = run(workspace, "bp4d", bp4d(tmp_path / "set"))
    assert result.exit_code == 0, result.output
    row = next(line.split() for line in result.stdout.splitlines() if line.startswith("bp4d"))
    assert row == ["bp4d", "2", "2", "4", "2"]
    assert "frame numbers are taken to count from 1" in result.stdout
    assert (
        result.stdout.splitlines()[-1]
        == "no frames are here yet; next: tcae-prep extract --layout bp4d, tcae-prep align"
    )
    assert by_frame(read_labels(workspace, "bp4d"), "AU12")["F001", "T1", 0, 25] is None
    metadata = pq.read_schema(labels_path(workspace, "bp4d")).metadata
    assert metadata[b"tcae.stage"] == b"labels"
    assert b'"frame_base": null' in metadata[b"tcae.config"]


def test_the_last_line_says_how_many_have_a_face(workspace: Workspace, tmp_path: Path) -> None:
    make_workspace(workspace, [Plan(identity="F001", video="T1", outcomes=(None, "no_face"))])
    result = run(workspace, "bp4d", bp4d(tmp_path / "set"))
    last = "4 labelled frames, 2 of them with a frame = 1 with a face + 2 no_frame + 1 no_face"
    assert result.stdout.splitlines()[-1] == last


def test_labels_meet_the_frames_that_extract_makes(workspace: Workspace, tmp_path: Path) -> None:
    folder = bp4d(tmp_path / "set")
    for number in (1, 25, 27):
        write(folder / "F001" / "T1" / f"{number:04d}.jpg", pictures.encode(numbered(number)))
    options = ["--source", str(folder), "--layout", "bp4d", "--fps", "native", "--workers", "0"]
    assert CliRunner().invoke(prep, ["extract", "--root", str(workspace.root), *options]).exit_code == 0
    result = run(workspace, "bp4d", folder)
    last = "4 labelled frames, 2 of them with a frame = 0 with a face + 2 no_frame + 2 not_aligned"
    assert result.stdout.splitlines()[-1] == last


def test_labels_of_other_clips_are_warned_about(workspace: Workspace, tmp_path: Path) -> None:
    make_workspace(workspace, [Plan()])
    lines_out = run(workspace, "bp4d", bp4d(tmp_path / "set")).stdout.splitlines()
    assert lines_out[-1] == "4 labelled frames, 0 of them with a frame = 0 with a face + 4 no_frame"
    assert lines_out[-2].startswith(
        "warning: F001/T1/0_folder and the others are not among the frames of this workspace"
    )


def test_running_again_replaces_the_labels_of_that_set(workspace: Workspace, tmp_path: Path) -> None:
    folder = bp4d(tmp_path / "set")
    run(workspace, "bp4d", folder)
    (folder / "AU_OCC" / "M002_T3.csv").unlink()
    run(workspace, "bp4d", folder)
    assert len(read_labels(workspace, "bp4d")) == 3
    assert labelled_sets(workspace) == ["bp4d"]


def test_options_reach_the_reader(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "disfa" / "SN001" / "SN001_au1.txt", lines((0, 5)))
    result = run(workspace, "disfa", tmp_path / "disfa", "--frame-base", "0", "--camera", "right")
    assert result.exit_code == 0, result.output
    assert by_frame(read_labels(workspace, "disfa"), "AU01") == {("SN001", "right", 0, 0): 5}
    write(tmp_path / "gft" / "001A.csv", lines(("frame", "AU1"), (1, 1)))
    splits = write(tmp_path / "splits.csv", "identity,split\n001A,test\n")
    assert run(workspace, "gft", tmp_path / "gft", "--split-file", str(splits)).exit_code == 0
    assert by_frame(read_labels(workspace, "gft"), "official_split") == {("001A", "video", 0, 0): "test"}


def test_a_base_of_0_without_a_frame_0_is_warned_about(workspace: Workspace, tmp_path: Path) -> None:
    late = "warning: no file has a frame 0, the first is 1; if numbers count from 1, every label is one frame late"
    write(tmp_path / "disfa" / "SN001" / "SN001_au1.txt", lines((1, 5), (2, 0)))
    assert late in run(workspace, "disfa", tmp_path / "disfa", "--frame-base", "0").stdout
    assert late not in run(workspace, "disfa", tmp_path / "disfa").stdout
    write(tmp_path / "disfa" / "SN001" / "SN001_au1.txt", lines((0, 5), (1, 0)))
    assert late not in run(workspace, "disfa", tmp_path / "disfa", "--frame-base", "0").stdout


def test_pictures_inside_the_labels_are_unpacked(workspace: Workspace, tmp_path: Path) -> None:
    pixels = " ".join(["7"] * 48 * 48)
    file = write(tmp_path / "fer2013.csv", lines(("emotion", "pixels", "Usage"), (3, pixels, "PrivateTest")))
    result = run(workspace, "fer2013", file)
    assert result.exit_code == 0, result.output
    assert "1 pictures unpacked into" in result.stdout
    assert [path.suffix for path in (workspace.videos / "fer2013").rglob("*.png")] == [".png"]
    assert "unpacked" not in run(workspace, "fer2013", file).stdout


@pytest.mark.parametrize(
    ("layout", "text", "options", "message"),
    [
        ("bp4d", lines((0, 1), (1, 3)), (), "line 2: AU01 is 3; it must be one of 0, 1, 9"),
        ("bp4d", lines((0, 1), (0, 1)), (), "say --frame-base 0"),
        ("disfa", "", (), "has no labels: they must be files like SN001/SN001_au1.txt"),
        ("gft", "", (), "has no labels"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_1(
    workspace: Workspace, tmp_path: Path, layout: str, text: str, options: tuple[str, ...], message: str
) -> None:
    write(tmp_path / "AU_OCC" / "F001_T1.csv", text)
    result = run(workspace, layout, tmp_path, *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert labelled_sets(workspace) == []


def test_a_set_that_nobody_knows_is_a_usage_error(workspace: Workspace, tmp_path: Path) -> None:
    result = run(workspace, "bp5d", tmp_path)
    assert result.exit_code == 2
    assert "'bp4d', 'disfa', 'gft'" in result.stderr
