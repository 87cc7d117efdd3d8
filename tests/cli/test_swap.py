"""``tcae swap``."""

from pathlib import Path

import av
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tcae.cli.main import learn
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace
from tests.run_builders import workspace_with_run


def call(workspace: Workspace, *arguments: object) -> Result:
    return CliRunner().invoke(learn, ["swap", "--root", str(workspace.root), "--device", "cpu", *map(str, arguments)])


def clip(workspace: Workspace, identity: str) -> Path:
    return workspace.clip_folder("faces", ClipKey(identity, "v", 0))


@pytest.fixture
def with_run(workspace: Workspace) -> Workspace:
    """Clips of three faces each."""
    return workspace_with_run(workspace, identities=2)


def frames_of(path: Path) -> tuple[int, float]:
    """How many pictures a video has, and how many a second."""
    with av.open(path) as container:
        rate = container.streams.video[0].average_rate
        return sum(1 for _ in container.decode(video=0)), float(rate or 0)


def test_two_faces_make_three_pictures_and_a_sheet(with_run: Workspace, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jpg"
    mine.write_bytes((clip(with_run, "id1") / "img_0_002.jpg").read_bytes())
    result = call(with_run, "faces/id0/v/0_folder/img_0_001.jpg", mine)
    assert result.exit_code == 0, result.output
    folder = with_run.root / "runs" / "tiny" / "swaps" / "id0-v-0_folder-img_0_001-to-mine"
    assert result.stdout == f"{folder}: au.png, pose.png, both.png and sheet.png\n"
    sizes = {}
    for path in folder.iterdir():
        with Image.open(path) as picture:
            sizes[path.name] = picture.size
    assert sizes.pop("sheet.png")[0] > 8 * 8
    assert sizes == {"au.png": (8, 8), "pose.png": (8, 8), "both.png": (8, 8)}


def test_two_clips_make_a_video_as_long_as_the_shorter(with_run: Workspace, tmp_path: Path) -> None:
    (clip(with_run, "id1") / "img_0_003.jpg").unlink()
    result = call(with_run, clip(with_run, "id0"), clip(with_run, "id1"), "--to", tmp_path, "--fps", 5)
    assert result.exit_code == 0, result.output
    wanted = f"{tmp_path / 'swap.mp4'}: 2 of 2 pairs of faces, 5 per second; the longer clip is cut by 1\n"
    assert result.stdout == wanted
    assert frames_of(tmp_path / "swap.mp4") == (2, 5.0)


def test_a_face_and_a_clip_make_a_video_without_the_unreadable(with_run: Workspace, tmp_path: Path) -> None:
    (clip(with_run, "id1") / "img_0_002.jpg").write_bytes(b"")
    result = call(with_run, clip(with_run, "id0") / "img_0_001.jpg", clip(with_run, "id1"), "--to", tmp_path)
    assert result.stdout == f"{tmp_path / 'swap.mp4'}: 2 of 3 pairs of faces, 10 per second\n"
    assert result.stderr.startswith("warning: left out: ")
    assert frames_of(tmp_path / "swap.mp4") == (2, 10.0)


def test_a_clip_without_one_readable_face_is_an_error(with_run: Workspace) -> None:
    for path in clip(with_run, "id1").iterdir():
        path.write_bytes(b"")
    result = call(with_run, clip(with_run, "id0"), clip(with_run, "id1"))
    assert result.exit_code == 1
    assert "no pair of faces can be read" in result.stderr


def test_a_face_that_is_not_there_is_named(with_run: Workspace) -> None:
    result = call(with_run, clip(with_run, "id0") / "img_0_001.jpg", "nowhere.jpg")
    assert result.exit_code == 1
    assert "nowhere.jpg" in result.stderr


def test_nonsense_is_one_line_and_exit_1(with_run: Workspace) -> None:
    result = call(with_run, clip(with_run, "id0"), clip(with_run, "id1"), "--fps", 0)
    assert (result.exit_code, result.stderr) == (1, "Error: --fps must be at least 1, not 0\n")
