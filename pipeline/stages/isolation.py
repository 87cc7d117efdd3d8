"""Make one clip in a process of its own, so that what ends that process ends nothing else.

That costs the start of a process, so it is for suspects: clips at which the process that worked on them died.
"""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

import psutil

from tcae.manifests.errors import ItemError, TcaeError, WorkspaceError
from tcae.pipeline.stages.base import Item, Rows, Stage
from tcae.pipeline.tuning import tune_process
from tcae.pipeline.video import ClipTimeoutError

LIMIT_SECONDS = 3600.0
"""How long one clip may take altogether; its reading has a limit of its own."""
MEMORY_SHARE, LEAST_BYTES = 0.5, 3e9
"""Of the memory that is free when it starts, how much a clip may take; and twice what a worker needs in any case."""
POLL_SECONDS = 0.1
"""How often the process is looked at."""
PROGRAM = "from tcae.pipeline.stages.isolation import answer; answer()"
PR_SET_PDEATHSIG = 1
"""Of Linux's prctl(2): which signal to get when the parent dies."""


class CrashError(ItemError):
    """A library crashed at the clip."""

    reason = "crash"


class MemoryLimitError(ItemError):
    """The clip needs more memory than there is for it."""

    reason = "memory"


DEADLY = frozenset({CrashError.reason, MemoryLimitError.reason, ClipTimeoutError.reason})
"""Reasons of clips that may end a process; whoever takes them again had better do so here."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a process of its own sends back."""

    rows: Rows | None
    error: Exception | None


def make_apart(stage: Stage, item: Item) -> Rows:
    """What ``stage.make`` gives, made in a process of its own.

    Raises:
        CrashError: the process was ended by a signal or ended itself.
        ClipTimeoutError: a call into a library did not come back.
        MemoryLimitError: the process took too much memory, or the system killed it.
        WorkspaceError: there is no room for what is sent to it.
        Whatever ``stage.make`` raises on purpose.
    """
    try:
        with TemporaryFile() as request, TemporaryFile() as reply, TemporaryFile() as words:
            pickle.dump((os.getpid(), stage, item), request)
            request.seek(0)
            with _started(request, reply, words) as child:
                _watch(child)
            return _read(child.returncode, reply, words)
    except OSError as error:
        raise WorkspaceError(f"cannot make {item.key} in a process of its own: {error.strerror}") from error


@contextmanager
def _started(request: IO[bytes], reply: IO[bytes], words: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    """A child that finds the modules that this process finds; it is killed, with its own children, if it is left."""
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command, stdin=request, stdout=reply, stderr=words, env=paths, start_new_session=True
    ) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)


def _watch(child: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of a child that takes no more than its time and its memory."""
    end = time.monotonic() + LIMIT_SECONDS
    limit = max(LEAST_BYTES, MEMORY_SHARE * psutil.virtual_memory().available)
    while True:
        try:
            child.wait(POLL_SECONDS)
            return
        except subprocess.TimeoutExpired:
            taken = _memory_of(child.pid)
        if taken > limit:
            raise MemoryLimitError(
                f"it takes more than {limit / 1e9:.1f} GB of memory; where more is free: --retry-failed memory"
            )
        if time.monotonic() > end:
            raise ClipTimeoutError(
                f"it takes longer than {LIMIT_SECONDS:g} s altogether; should it: --retry-failed timeout"
            )


def _memory_of(pid: int) -> int:
    """Bytes that a process and its children hold."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:  # it ended just now
        pass
    return total


def _read(status: int, reply: IO[bytes], words: IO[bytes]) -> Rows:
    words.seek(0)
    said = words.read().decode("utf-8", "replace").strip()
    if status == 1 and "Traceback" in said:
        raise RuntimeError(f"in a process of its own:\n{said}")
    if status:
        raise _death(status, said)
    reply.seek(0)
    answered: Reply = pickle.load(reply)
    if answered.error is not None:
        raise answered.error
    return answered.rows or {}


def _death(status: int, said: str) -> ItemError:
    """The rejection of a clip whose process ended with a status, having written ``said``."""
    if status == -signal.SIGALRM:
        return ClipTimeoutError("a call into the decoder did not come back; another may: --reader ffmpeg")
    if status == -signal.SIGKILL:
        return MemoryLimitError(
            "its process was killed, as the system does when memory runs out; later: --retry-failed"
        )
    how = f"status {status}" if status > 0 else signal.Signals(-status).name
    last = "".join(char for char in said[-200:].splitlines()[-1:] for char in char if char.isprintable())
    return CrashError(
        f"its process ended with {how}{f' ({last})' if last else ''}; another decoder may do: --reader ffmpeg"
    )


def answer() -> None:
    """The child's side: read what to make from stdin, make it, write a ``Reply`` to stdout."""
    reply = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no part of the reply
    parent, stage, item = pickle.load(sys.stdin.buffer)
    _die_with(parent)
    tune_process()
    try:
        made = Reply(stage.make(item), None)
    except (TcaeError, MemoryError) as error:
        made = Reply(None, error)
    with reply:
        pickle.dump(made, reply)


def _die_with(parent: int) -> None:
    """End when the parent does, because the next holder of the shard makes this clip again."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that asked for this is gone")


def rejection_of(error: ItemError | MemoryError) -> ItemError:
    """The rejection that an error means for the clip at which it was raised."""
    if isinstance(error, ItemError):
        return error
    return MemoryLimitError(f"it needs more memory than there is: {str(error) or 'no more is given'}")
