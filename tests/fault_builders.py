"""Commands in processes of their own, and ways to end them before their time."""

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
from click import Context

from tcae.cli.main import prep
from tcae.manifests.workspace import Workspace
from tests.stage_builders import call, files, read

ROOT = Path(__file__).resolve().parents[1]
EXTRACT = ("--fps", "native", "--format", "png")
PATIENCE_SECONDS = 90.0
"""Only a hang takes longer."""


def start(*args: object, before: str = "") -> "subprocess.Popen[str]":
    """A command in a session of its own, as in a terminal of its own; ``before`` is run in its process first."""
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}\nfrom tcae.cli.main import prep; prep()", *map(str, args)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def assert_same(found: Workspace, wanted: Workspace) -> None:
    """Same rows in every column, same files, and nothing wrong."""
    for table in ("clips", "frames", "faces"):
        rows = [sorted(read(workspace, table), key=repr) for workspace in (found, wanted)]
        assert rows[0] == rows[1]
    for kind in ("frames", "faces"):
        assert files(found, kind) == files(wanted, kind)
    result = call("verify", "--root", found.root)
    assert result.exit_code == 0, result.output


def parts(workspace: Workspace) -> list[Path]:
    """The parts of the table of frames."""
    return list(workspace.manifest("frames").glob("*.parquet"))


def is_quiet(err: str) -> bool:
    """Whether stderr has our own lines only."""
    ours = ("extract: ", "Error: ")
    return all(line.startswith(ours) or ": taken for " in line for line in err.splitlines())


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit status, stdout and stderr; whatever hangs is killed."""
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, out, err


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for something that other processes bring about."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("it never came")
        time.sleep(0.005)


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes of a command."""
    children = psutil.Process(pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def kill_at_random(
    commands: list[tuple[object, ...]],
    num_kills: int,
    longest_seconds: float,
    seed: int,
    forgetful: Workspace | None = None,
) -> None:
    """Start commands in turn, again and again, and kill each -9 at a random moment.

    Args:
        commands: Their arguments.
        num_kills: How many are started.
        longest_seconds: The latest moment.
        seed: Of the moments.
        forgetful: Where the note of a killed command, which makes the next one begin in a process of its own, is
            taken away, so that kills hit all of the work although that process takes seconds to start.
    """
    random_ = random.Random(seed)
    delays = [random_.uniform(0, longest_seconds) for _ in range(num_kills)]
    notes = str(forgetful.root / "manifests" / ".locks") if forgetful else None
    text = json.dumps([delays, [[str(arg) for arg in args] for args in commands], notes])
    program = "import sys; from tests.fault_builders import fork_and_kill; fork_and_kill(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, text],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr.decode()


def fork_and_kill(text: str) -> None:
    """Run commands in the image of this process, so that no time goes into imports, and kill each after its delay."""
    delays, commands, notes = json.loads(text)
    prep.get_command(Context(prep), commands[0][0])
    if "--device" in commands[0]:
        importlib.import_module("tcae.pipeline.mtcnn.cascade")
    for args, delay in zip(cycle(commands), delays, strict=False):
        pid = os.fork()
        if pid == 0:
            try:
                prep.main(args, standalone_mode=False)
            finally:
                os._exit(0)
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for note in Path(notes).glob("*.holder") if notes else ():
            note.unlink()


CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}
"""What changes a disk beside opening a file to write, as Python's audit events name it."""


def run_and_die(work: Callable[[], object], root: Path, at: int) -> bool:
    """Do the work in a fork that dies at the n-th time that it is about to change the disk; whether it came so far."""
    child = os.fork()
    if not child:
        num_changes = 0

        def count(event: str, args: Sequence[Any]) -> None:
            nonlocal num_changes
            is_write = event == "open" and isinstance(args[2], int) and args[2] & os.O_ACCMODE
            if (event in CHANGES or is_write) and str(args[0]).startswith(str(root)):
                num_changes += 1
                if num_changes > at:
                    os._exit(9)

        sys.addaudithook(count)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
