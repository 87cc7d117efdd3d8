"""Ctrl-C and SIGTERM end a command with one line, and lose nothing."""

import os
import signal
from pathlib import Path

import pytest

from tcae.manifests.workspace import Workspace
from tests.fault_builders import EXTRACT, assert_same, finish, is_quiet, parts, start, wait_until
from tests.stage_builders import call, frames


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGINT, 2), (signal.SIGTERM, 0)], ids=["Ctrl-C", "SIGTERM"])
def test_a_stopped_command_ends_with_one_line_and_loses_nothing(
    number: signal.Signals, workers: int, source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", workers, *EXTRACT)
    process = start(*args)
    wait_until(lambda: bool(parts(workspace)) or process.poll() is not None)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    elif process.poll() is None:
        process.send_signal(number)
    status, out, err = finish(process)
    assert is_quiet(err), err
    if status:  # it may have been through before the signal came
        assert status == 1
        assert err.splitlines()[-1].startswith("Error: stopped with ")
        assert "clips made now" in out
    made = frames(workspace)
    assert made
    assert call("verify", "--root", workspace.root).exit_code == 0
    again = call("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    assert f"{len({row.key for row in made})} found made" in again.stdout
    assert_same(workspace, undisturbed)
