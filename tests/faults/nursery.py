"""Dask's programs in processes of their own, forked from one that has everything imported, so that they start at once.

Each function named ``fork_...`` runs in such a process, which ``nursery`` starts.
"""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from distributed import Nanny, Scheduler, Worker

from tcae.manifests.errors import TcaeError
from tcae.manifests.workspace import Workspace
from tcae.pipeline import cluster
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.job import run_job
from tests.fault_builders import PATIENCE_SECONDS, ROOT
from tests.faults.deadly import BUG, slow_stage

LOST = 3
"""How a command ends that was told on purpose what went wrong."""


@contextmanager
def nursery(function: str, *args: Any) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs a function of this module; whatever it started ends with the block."""
    program = f"import json, sys; from tests.faults.nursery import {function} as run; run(*json.loads(sys.argv[1]))"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, json.dumps(args, default=str)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # where it ended well
                os.killpg(process.pid, signal.SIGKILL)


def fork_workers(address: str, delays: list[float], through: str) -> None:
    """One worker at a time; each is killed after its delay, and the last one stays until the input ends."""
    worker = forked(partial(run_worker, address))
    sys.stdin.readline()
    for delay in delays:
        time.sleep(delay)
        kill(worker)
        worker = forked(partial(run_worker, address))
    Path(through).touch()
    sys.stdin.readline()


def fork_small_worker(address: str, memory_bytes: int) -> None:
    """A worker that is ended, and replaced, when it takes more memory than it may."""
    forked(partial(run_nanny, address, memory_bytes))
    sys.stdin.readline()


def fork_schedulers(root: str, delays: list[float]) -> None:
    """A scheduler, a worker and a command, again and again; each scheduler is killed after its delay.

    Prints how each command ended.
    """
    cluster.CONNECT_SECONDS = 1.0
    for number, delay in enumerate(delays):
        address, scheduler = start_scheduler()
        worker = forked(partial(run_worker, address))
        command = forked(partial(extract, root, address, number % 2))
        time.sleep(delay)
        kill(scheduler)
        print(ended(command), flush=True)  # noqa: T201
        kill(worker)


def start_scheduler() -> tuple[str, int]:
    """A scheduler's address and process id."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as told:
        with os.fdopen(writing, "w") as tell:
            pid = forked(partial(run_scheduler, tell))
        return told.readline().strip(), pid


def run_scheduler(tell: IO[str]) -> None:
    async def serve() -> None:
        async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
            tell.write(f"{scheduler.address}\n")
            tell.close()
            await scheduler.finished()

    asyncio.run(serve())


def run_worker(address: str) -> None:
    async def serve() -> None:
        async with Worker(address, nthreads=1, dashboard=False) as worker:
            await worker.finished()

    asyncio.run(serve())


def run_nanny(address: str, memory_bytes: int) -> None:
    async def serve() -> None:
        async with Nanny(address, nthreads=1, memory_limit=memory_bytes, dashboard=False) as nanny:
            await nanny.finished()

    asyncio.run(serve())


def extract(root: str, address: str, which: int) -> None:
    run_job(slow_stage(Workspace(Path(root)), which), RunnerConfig(scheduler=address))


def forked(run: Callable[[], None]) -> int:
    """Run something in a copy of this process; its process id."""
    pid = os.fork()
    if pid == 0:
        logging.disable()
        status = BUG
        try:
            run()
            status = 0
        except TcaeError:
            status = LOST
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    return pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def ended(pid: int) -> int | None:
    """How a process ended; None where it did not within its time."""
    end = time.monotonic() + PATIENCE_SECONDS / 3
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    kill(pid)
    return None
