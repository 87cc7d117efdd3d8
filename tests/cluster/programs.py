"""A Dask scheduler and its workers, as the programs that a user starts."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

from tests.cluster.network import Machine

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
"""Only a hang takes longer."""


@contextmanager
def program(machine: Machine, *args: object, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A `dask` program on a machine, ended with the block; tests' modules can be imported there."""
    process = subprocess.Popen(
        [*machine.prefix, sys.executable, "-m", "dask", *map(str, args)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running scheduler."""

    address: str
    folder: Path
    """Where workers put what they keep."""

    def worker(self, machine: Machine, *options: object, **environment: str) -> "ExitStack":
        """A worker with one thread, unless the options say otherwise; returns when the scheduler knows it."""
        stack = ExitStack()
        before = self.hosts()
        common = ("--nthreads", 1, "--no-dashboard", "--local-directory", self.folder, "--host", machine.address)
        process = stack.enter_context(program(machine, "worker", self.address, *common, *options, **environment))
        _wait_until(lambda: len(self.hosts()) > len(before) or process.poll() is not None)
        return stack

    def hosts(self) -> list[str]:
        """The machine of each worker."""
        with Client(self.address, set_as_default=False, timeout=30) as client:
            return sorted(known["host"] for known in client.scheduler_info(n_workers=-1)["workers"].values())


@contextmanager
def scheduler(machine: Machine, folder: Path) -> Iterator[Cluster]:
    """A scheduler on a machine."""
    port = _free_port() if not machine.prefix else 8786
    with program(machine, "scheduler", "--host", machine.address, "--port", port, "--no-dashboard", "--no-show"):
        _wait_until(lambda: _answers(machine.address, port))
        yield Cluster(address=f"tcp://{machine.address}:{port}", folder=folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("it never came")
        time.sleep(0.05)
