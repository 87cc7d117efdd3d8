"""A command killed at 20 random moments goes on, and gives what an undisturbed one gives."""

import signal
from pathlib import Path

import pytest

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
from tests.stage_builders import astronaut, call, faces, read

NUM_KILLS = 20


def test_extract_killed_at_20_random_moments_goes_on(
    source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    kill_at_random([args, (*args, "--fps", 5)], NUM_KILLS, longest_seconds=1.2, seed=1)
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
    kill_at_random([again, (*again, "--margin", 0.1)], NUM_KILLS, 0.8, seed=2, forgetful=found)
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


@pytest.mark.parametrize("fate", ["crash", "hang"])
def test_a_command_that_dies_at_a_clip_says_at_which_and_the_same_command_goes_on(
    fate: str, tmp_path: Path, workspace: Workspace
) -> None:
    folder = tmp_path / "source" / "id" / "v"
    folder.mkdir(parents=True)
    for name in ("a", fate, "z"):
        write_clip(folder / f"{name}.mp4", 30)
    args = ("extract", "--root", workspace.root, "--source", tmp_path / "source", "--workers", 0, "--timeout", 0.1)
    first = start(*args, before="from tests.faults.deadly import trick_decoder; trick_decoder()")
    status, _, err = finish(first)
    assert status == {"crash": -signal.SIGSEGV, "hang": -signal.SIGALRM}[fate]
    (line,) = [line for line in err.splitlines() if line.startswith("Error: ")]
    (clip,) = [clip for clip in read(workspace, "clips") if clip.name == f"{fate}.mp4"]
    assert line.startswith(f"Error: died at clip {clip.key}: a library that crashed or did not come back, ")
    assert is_quiet(err), err
    again = call(*args)  # by a decoder that is in order
    assert "3 clips in = 3 with frames + 0 rejected" in again.stdout
