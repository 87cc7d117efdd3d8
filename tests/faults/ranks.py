"""A training on two ranks, forked from a process that has everything imported, so that they start at once."""

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tests.fault_builders import PATIENCE_SECONDS, ROOT
from tests.process_builders import WORLD, free_ports


def train_on_two(
    args: Sequence[object], until: str | None = None, number: int = signal.SIGTERM, ranks: Sequence[int] = ()
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
    program = "import json, sys; from tests.faults.ranks import fork_ranks as run; run(*json.loads(sys.argv[1]))"
    text = json.dumps([[str(arg) for arg in args], free_ports(1)[0], until, number, list(ranks)])
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
    statuses, said = json.loads(done.stdout.splitlines()[-1])
    return statuses, said


def fork_ranks(args: list[str], port: int, until: str | None, number: int, ranks: list[int]) -> None:
    """The other side of ``train_on_two``."""
    for module in ("torch.distributed", "tcae.cli.train", "torch.utils.tensorboard"):
        importlib.import_module(module)
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
    statuses = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    print(json.dumps([statuses, "".join(said)]))  # noqa: T201 (the other side reads it)


def fork_rank(rank: int, port: int, args: list[str], tell: int | None) -> int:
    """One rank in a process of its own; its process id."""
    pid = os.fork()
    if pid:
        return pid
    status: Any = 1
    try:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(WORLD)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        if tell is not None:
            os.dup2(tell, 2)
        main = importlib.import_module("tcae.cli.main").learn
        main(["train", *args])
    except SystemExit as end:
        status = end.code
    finally:
        os._exit(status if isinstance(status, int) else 0)
