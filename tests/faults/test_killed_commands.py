"""A command killed at 20 random moments goes on, and gives what an undisturbed one gives."""

from pathlib import Path

from tcae.manifests.workspace import Workspace
from tests.clips import write_clip
from tests.fault_builders import (
    EXTRACT,
    assert_same,
    finish,
    is_quiet,
    kill_at_random,
    parts,
    start,
    wait_until,
    workers_of,
)
from tests.stage_builders import astronaut, call, faces

NUM_KILLS = 20


def test_extract_killed_at_20_random_moments_goes_on(
    source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    kill_at_random([args, (*args, "--fps", 5)], NUM_KILLS, longest_seconds=0.6, seed=1)
    assert call(*args).exit_code == 0
    assert_same(workspace, undisturbed)


def test_run_killed_at_20_random_moments_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(3):
        folder = source / f"id{number}" / "v"
        folder.mkdir(parents=True)
        write_clip(folder / "a.mp4", 10 + number, draw=astronaut)
    wanted, found = Workspace(tmp_path / "wanted"), Workspace(tmp_path / "found")
    args = ("--source", source, "--workers", 0, "--fps", 5, "--device", "cpu")
    assert call("run", "--root", wanted.root, *args).exit_code == 0
    assert any(row.file for row in faces(wanted))
    again = ("run", "--root", found.root, *args)
    kill_at_random([again, (*again, "--margin", 0.1)], NUM_KILLS, longest_seconds=0.6, seed=2)
    assert call(*again).exit_code == 0
    assert_same(found, wanted)


def test_killed_workers_are_replaced_and_a_killed_command_goes_on(
    source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 2, *EXTRACT)
    first = start(*args)
    wait_until(lambda: bool(parts(workspace)) or first.poll() is not None)
    workers = workers_of(first.pid)
    first.kill()
    first.communicate()
    for worker in workers:
        worker.wait(timeout=30)
    second = start(*args)
    before = len(parts(workspace))
    wait_until(lambda: len(parts(workspace)) > before or second.poll() is not None)
    for worker in workers_of(second.pid)[:1]:
        worker.kill()
    status, out, err = finish(second)
    assert status == 0, err
    assert "19 clips in = 18 with frames + 1 rejected (1 decode)" in out
    assert_same(workspace, undisturbed)
    assert is_quiet(err)
