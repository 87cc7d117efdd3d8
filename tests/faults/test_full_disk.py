"""A disk that fills up while a face or a table is written: one line, and with room the same command goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tcae.manifests.errors import WorkspaceError
from tcae.manifests.workspace import Workspace
from tcae.pipeline.stages.job import run_job
from tests.clips import write_clip
from tests.fault_builders import assert_same
from tests.stage_builders import HERE, call, fake_detector, files
from tests.toys import ToyStage, frames_of, toy_clip, write_clips

ROOM = 16 << 20


def refused(result_of: Callable[[], object]) -> str:
    """The one line that a command ends with."""
    result = result_of()
    assert result.exit_code == 1  # type: ignore[attr-defined]
    (line,) = [text for text in result.stderr.splitlines() if text.startswith("Error")]  # type: ignore[attr-defined]
    return str(line)


def test_a_disk_that_fills_up_with_faces_costs_one_clip_and_no_row_is_wrong(
    small_disk: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    for number in range(4):
        folder = tmp_path / "source" / f"id{number}" / "v"
        folder.mkdir(parents=True)
        write_clip(folder / "a.mp4", 30)
    args = ("--source", tmp_path / "source", "--workers", 0, "--fps", 10, "--device", "cpu")
    wanted = Workspace(tmp_path / "wanted")
    assert call("run", "--root", wanted.root, *args).exit_code == 0
    num_bytes = sum(path.stat().st_size for path in (wanted.root / "faces").rglob("*.jpg"))
    found = Workspace(small_disk(num_bytes // 2 + (100 << 10)) / "w")
    line = refused(lambda: call("run", "--root", found.root, *args))
    assert "faces" in line
    assert "No space left on device" in line
    assert 0 < len(files(found, "faces")) < len(files(wanted, "faces"))
    small_disk(ROOM)
    assert call("run", "--root", found.root, *args).exit_code == 0
    assert_same(found, wanted)


def test_a_disk_that_fills_up_with_a_table_keeps_the_one_before(
    small_disk: Callable[[int], Path], tmp_path: Path
) -> None:
    """Rows grow and no picture does, so that it is a table which finds no room."""
    found, wanted = (Workspace(root / "w") for root in (small_disk(ROOM), tmp_path))
    write_clips(found, many := [toy_clip(2 * number, video="v" * 200) for number in range(16)])
    write_clips(wanted, many)
    run_job(ToyStage(workspace=wanted), HERE)
    run_job(ToyStage(workspace=found, config="before"), HERE)
    before = {path.name: path.read_bytes() for path in found.manifest("frames").glob("*.parquet")}
    used = sum(path.stat().st_blocks * 512 for path in found.root.rglob("*"))
    small_disk(used + (8 << 10))
    with pytest.raises(WorkspaceError, match=r"cannot write .*frames/\d{4}\.parquet: No space left on device"):
        run_job(ToyStage(workspace=found, config="a" * 3000), HERE)
    after = {path.name: path.read_bytes() for path in found.manifest("frames").glob("*.parquet")}
    assert len(after) == len(before)
    assert any(after[name] == before[name] for name in before)
    small_disk(ROOM)
    run_job(ToyStage(workspace=found), HERE)
    assert frames_of(found) == frames_of(wanted)
