"""A lock has one holder, who says what it is doing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from tcae.manifests import locks
from tcae.manifests.errors import WorkspaceError
from tcae.manifests.locks import Holder, held


def test_a_holder_is_named_with_what_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.05)
    path = tmp_path / "locks" / "a.lock"
    with held(path, "the list") as holder:
        holder.note("at clip x")
        with (
            pytest.raises(WorkspaceError, match=rf"the list is held by process {os.getpid()} on .*, at clip x; wait"),
            held(path, "the list"),
        ):
            pass
    assert Holder(path).read() == ""
    with held(path, "the list"):
        pass


def test_a_short_note_hides_the_rest_of_a_long_one(tmp_path: Path) -> None:
    with held(tmp_path / "a.lock", "it") as holder:
        holder.note("at clip " + "\u00e9" * 30)
        holder.note("at clip x")
        assert holder.read().endswith(", at clip x")


def test_a_killed_holder_lets_go_and_leaves_its_note(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    program = (
        "import os, signal, sys; from pathlib import Path; from tcae.manifests.locks import held\n"
        "with held(Path(sys.argv[1]), 'it') as holder: holder.note('at clip x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert Holder(path).read().endswith(", at clip x")
    with held(path, "it"):
        assert Holder(path).read().startswith(f"process {os.getpid()} on ")


def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(WorkspaceError, match="has no file locks"), held(tmp_path / "a.lock", "it"):
        pass


def test_a_note_that_cannot_be_written_lets_go_of_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.with_suffix(".holder").mkdir()
    with pytest.raises(WorkspaceError, match=r"cannot write .*a\.holder: Is a directory"), held(path, "it"):
        pass
    path.with_suffix(".holder").rmdir()
    with held(path, "it"):
        pass
