"""Many commands at once, in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from click import Context

from tcae.cli.main import prep
from tcae.pipeline.detect import DetectConfig, load_detector

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 90.0
"""Only a hang takes longer."""


class Job(NamedTuple):
    """A command, and after how many seconds it is killed -9; null: never."""

    args: tuple[object, ...]
    kill_seconds: float | None = None


def run_in_rounds(rounds: list[list[Job]]) -> list[list[int]]:
    """Run the commands of each round at the same time; their exit statuses, -9 for one that was killed."""
    text = json.dumps([[([str(arg) for arg in job.args], job.kill_seconds) for job in jobs] for jobs in rounds])
    program = "import sys; from tests.cluster.builders import fork; fork(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, text],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    statuses: list[list[int]] = json.loads(done.stdout.splitlines()[-1])
    return statuses


def fork(text: str) -> None:
    """Run commands in images of this process, so that imports and networks are loaded once."""
    rounds = [[Job(*job) for job in jobs] for jobs in json.loads(text)]
    for jobs in rounds:
        prep.get_command(Context(prep), str(jobs[0].args[0]))
    load_detector(DetectConfig(device="cpu"))
    sys.stdout.write(json.dumps([_run(jobs) for jobs in rounds]))


def _run(jobs: list[Job]) -> list[int]:
    start = time.monotonic()
    pids = [_fork_one(job) for job in jobs]
    for when, pid in sorted((job.kill_seconds, pid) for job, pid in zip(jobs, pids, strict=True) if job.kill_seconds):
        time.sleep(max(0.0, start + when - time.monotonic()))
        os.kill(pid, signal.SIGKILL)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def _fork_one(job: Job) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.dup2(2, 1)  # what is told on stdout is this program's own
            prep.main([str(arg) for arg in job.args])
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            os._exit(status)
    return pid
