"""A training on two ranks, forked from a process that has everything imported, so that they start at once."""

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.fault_builders import ROOT
from tests.process_builders import WORLD, free_ports


class TwoRanks:
    """Runs trainings on two ranks, one after the other."""

    def __init__(self, nursery: "subprocess.Popen[str]") -> None:
        self._nursery = nursery

    def train(
        self, args: Sequence[object], until: str | None = None, number: int = signal.SIGTERM, ranks: Sequence[int] = ()
    ) -> tuple[list[int], str]:
        """Run ``tcae train`` on two ranks.

        Args:
            args: The command's.
            until: When the first rank says a line that begins so, ``ranks`` get a signal.
            number: The signal.
            ranks: Who gets it.

        Returns:
            How each rank ended, and what the first one said on stderr.
        """
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        request = [[str(arg) for arg in args], free_ports(1)[0], until, number, list(ranks)]
        print(json.dumps(request), file=self._nursery.stdin, flush=True)
        statuses, said = json.loads(self._nursery.stdout.readline())
        return statuses, said


@contextmanager
def two_ranks() -> Iterator[TwoRanks]:
    """A process that forks ranks, until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", "from tests.faults.ranks import fork_all; fork_all()"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as nursery:
        try:
            yield TwoRanks(nursery)
        finally:
            os.killpg(nursery.pid, signal.SIGKILL)


def fork_all() -> None:
    """The other side of ``two_ranks``."""
    for module in ("torch.distributed.fsdp", "tcae.cli.train", "torch.utils.tensorboard"):
        importlib.import_module(module)
    for line in sys.stdin:
        print(json.dumps(fork_ranks(*json.loads(line))), flush=True)  # noqa: T201 (the other side reads it)


def fork_ranks(args: list[str], port: int, until: str | None, number: int, ranks: list[int]) -> tuple[list[int], str]:
    """One training; what ``TwoRanks.train`` gives."""
    reading, writing = os.pipe()
    pids = [fork_rank(rank, port, args, writing if rank == 0 else None) for rank in range(WORLD)]
    os.close(writing)
    said = []
    with os.fdopen(reading) as lines:
        for line in lines:
            said.append(line)
            if until is not None and line.startswith(until):
                for rank in ranks:
                    os.kill(pids[rank], number)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids], "".join(said)


def fork_rank(rank: int, port: int, args: list[str], tell: int | None) -> int:
    """One rank in a process of its own; its process id."""
    pid = os.fork()
    if pid:
        return pid
    status: Any = 1
    try:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(WORLD)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        os.dup2(tell or os.open(os.devnull, os.O_WRONLY), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        main = importlib.import_module("tcae.cli.main").learn
        main(["train", *args])
    except SystemExit as end:
        status = end.code
    finally:
        if sys.exc_info()[0] is not None:  # which nobody else would print
            traceback.print_exc()
        os._exit(status if isinstance(status, int) else 0)
