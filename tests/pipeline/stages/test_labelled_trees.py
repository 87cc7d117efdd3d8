"""Labelled sets go through extraction under the names and the frame numbers that their labels have."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tcae.cli.main import prep
from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tests.clips import numbered, read_number, write_clip
from tests.stage_builders import frames


def shot(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pictures.encode(numbered(number), path.suffix))


def extracted(workspace: Workspace, source: Path, layout: str) -> list[tuple[str, int | None, int]]:
    """Each kept frame as its clip, its ``source_frame`` and the number that its picture shows."""
    arguments = ["extract", "--source", source, "--layout", layout, "--fps", "native", "--workers", "0"]
    result = CliRunner().invoke(prep, [*map(str, arguments), "--root", str(workspace.root)])
    assert result.exit_code == 0, f"{result.output}\n{result.exception}"
    return [
        (str(row.key), row.source_frame, read_number(pictures.read(workspace.root / str(row.file))))
        for row in frames(workspace)
    ]


def test_pictures_of_bp4d_count_from_one_and_its_videos_give_every_frame(workspace: Workspace, tmp_path: Path) -> None:
    for number in (1, 2, 12):
        shot(tmp_path / f"bp4d/F001/T1/{number:04d}.jpg", number)
    (tmp_path / "bp4d/M001").mkdir()
    write_clip(tmp_path / "bp4d/M001/T2.mp4", 3)
    assert extracted(workspace, tmp_path / "bp4d", "bp4d") == [
        ("F001/T1/0_folder", 0, 1), ("F001/T1/0_folder", 1, 2), ("F001/T1/0_folder", 11, 12),
        ("M001/T2/0_folder", 0, 0), ("M001/T2/0_folder", 1, 1), ("M001/T2/0_folder", 2, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("first", [0, 1])
def test_pictures_of_disfa_that_were_numbered_from_zero_are_seen_to_be(
    workspace: Workspace, tmp_path: Path, first: int
) -> None:
    for number in (first, first + 1):
        shot(tmp_path / f"disfa/RightVideoSN002/RightVideoSN002_{number:08d}.jpg", number)
    assert extracted(workspace, tmp_path / "disfa", "disfa") == [
        ("SN002/right/0_folder", 0, first),
        ("SN002/right/0_folder", 1, first + 1),
    ]


def test_frames_of_biwi_keep_their_numbers(workspace: Workspace, tmp_path: Path) -> None:
    shot(tmp_path / "biwi/01/frame_00003_rgb.png", 3)
    shot(tmp_path / "biwi/01/frame_00005_rgb.png", 5)
    assert extracted(workspace, tmp_path / "biwi", "biwi") == [("01/01/0_folder", 3, 3), ("01/01/0_folder", 5, 5)]


def test_a_loose_picture_is_frame_zero_whatever_number_its_name_has(workspace: Workspace, tmp_path: Path) -> None:
    shot(tmp_path / "set/AFW/image_7.jpg", 7)
    shot(tmp_path / "set/8.png", 8)
    assert extracted(workspace, tmp_path / "set", "pictures") == [
        ("8/picture/0_folder", 0, 8),
        ("AFW-image_7/picture/0_folder", 0, 7),
    ]


def test_a_loose_picture_that_is_none_is_a_rejection(workspace: Workspace, tmp_path: Path) -> None:
    shot(tmp_path / "set/1.jpg", 1)
    (tmp_path / "set/2.jpg").write_bytes(b"no picture")
    arguments = ["extract", "--source", str(tmp_path / "set"), "--layout", "pictures", "--workers", "0"]
    result = CliRunner().invoke(prep, [*arguments, "--root", str(workspace.root)])
    assert result.exit_code == 0
    rejected = [row for row in frames(workspace) if row.reason]
    assert [(row.identity, row.reason) for row in rejected] == [("2", "picture")]
    assert "none of the 1 image file(s) in 2.jpg can be decoded" in str(rejected[0].detail)
    dry = CliRunner().invoke(prep, [*arguments, "--dry-run", "--root", str(workspace.root)])
    assert dry.exit_code == 0
    assert "2 clips" in dry.output
