"""A clock that jumps changes nothing: no row, no file, and nothing is made again."""

import os
import random
import time
from pathlib import Path

import pytest

from tcae.manifests.workspace import Workspace
from tests.fault_builders import EXTRACT, assert_same
from tests.stage_builders import call

YEAR_SECONDS = 365 * 86400.0


def test_a_clock_that_jumps_back_and_forth_changes_nothing(
    source: Path, undisturbed: Workspace, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, jump = time.time, random.Random(0)
    monkeypatch.setattr(time, "time", lambda: real() + jump.uniform(-30, 30) * YEAR_SECONDS)
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    assert call(*args, "--limit", 7).exit_code == 0
    for path in sorted(workspace.root.rglob("*")):  # files that were written at other times
        moment = real() + jump.uniform(-30, 30) * YEAR_SECONDS
        os.utime(path, (moment, moment))
    assert "12 clips made now, 7 found made" in call(*args).stdout
    assert "0 clips made now, 19 found made" in call(*args).stdout
    assert_same(workspace, undisturbed)
