"""Work in a child process, so that whatever it does to itself is one more outcome."""

import json
import os
import resource
import selectors
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tcae.manifests.errors import ItemError, TcaeError

ADDRESS_SPACE_BYTES = 16 << 30
"""Of a child, so that a case that takes all memory ends itself and not the machine."""

_ESCAPED = 70
"""The exit status of a child that an exception left which is none of ours."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a child ended."""

    how: str
    """``done``, ``refused`` (an error of ours), ``escaped`` (another exception), ``crash`` (a signal) or ``hang``."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    """What the work returned; of a refusal its class, its reason and its message."""
    said: str = ""
    """Of an escape its traceback; of a crash the signal."""
    seconds: float
    peak_mb: float
    """The largest resident set of the child and of what it ran, in MiB; what it was forked with counts."""


def run_apart(work: Callable[[], Mapping[str, Any]], limit_seconds: float, noise: Path) -> Ended:
    """Fork, work, and wait for the end, which comes by force after a time limit.

    Args:
        work: What the child does; its answer must be JSON.
        limit_seconds: Wall-clock time.
        noise: Takes what the child writes to its terminal.
    """
    started = time.monotonic()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _work(work, writing, noise)
    os.close(writing)
    text, is_late = _listen(reading, started + limit_seconds)
    if is_late:
        os.killpg(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    how, said = _verdict(status, is_late, noise)
    answer = json.loads(text) if how == "done" else {}
    return Ended(
        how="refused" if "refused" in answer else how,
        answer=answer,
        said=said,
        seconds=time.monotonic() - started,
        peak_mb=usage.ru_maxrss / 1024,
    )


def _work(work: Callable[[], Mapping[str, Any]], writing: int, noise: Path) -> None:
    """The child: never returns."""
    status = _ESCAPED
    with suppress(OSError):  # Linux: the peak is counted from here on, not from the most that the parent ever had
        Path("/proc/self/clear_refs").write_text("5")
    try:
        os.setsid()
        quiet = os.open(noise, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            answer = work()
        except TcaeError as error:
            reason = error.reason if isinstance(error, ItemError) else None
            answer = {"refused": type(error).__name__, "reason": reason, "message": str(error)}
        os.write(writing, json.dumps(answer).encode())
        status = 0
    finally:
        if status:
            os.write(2, traceback.format_exc().encode(errors="replace"))
        os._exit(status)


def _listen(reading: int, deadline: float) -> tuple[str, bool]:
    """What the child answered, and whether it took too long; the pipe closes with the child."""
    text = b""
    with os.fdopen(reading, "rb", buffering=0) as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            chunk = pipe.read(1 << 16)
            if not chunk:
                return text.decode(), False
            text += chunk
    return "", True


def _verdict(status: int, is_late: bool, noise: Path) -> tuple[str, str]:
    if is_late:
        return "hang", ""
    if os.WIFSIGNALED(status):
        return "crash", signal.Signals(os.WTERMSIG(status)).name
    if os.WEXITSTATUS(status):
        return "escaped", noise.read_text(errors="replace")
    return "done", ""
