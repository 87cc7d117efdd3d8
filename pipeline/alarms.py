"""Deadlines that hold where Python cannot run: a call into a library that never comes back.

The system's timer ends the process with SIGALRM, whoever holds Python's lock. A process has one such timer; it is set
to the earliest deadline of all threads.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SLACK_SECONDS, SLACK = 2.0, 1.25
"""An alarm goes off so much later than the limit, and at so many times the limit: whoever can look at the clock himself
does so before."""

_deadlines: dict["Alarm", float] = {}
_changing = threading.Lock()


class Alarm:
    """Time that one piece of work may take; it passes only while the alarm is armed."""

    def __init__(self, limit_seconds: float) -> None:
        self.left = SLACK * limit_seconds + SLACK_SECONDS

    @contextmanager
    def armed(self) -> Iterator[None]:
        """End the process if the block does not end within the time that is left."""
        started = time.monotonic()
        _set(self, started + max(self.left, SLACK_SECONDS))
        try:
            yield
        finally:
            _set(self, None)
            self.left -= time.monotonic() - started


def _set(alarm: Alarm, deadline: float | None) -> None:
    with _changing:
        if deadline is None:
            del _deadlines[alarm]
        else:
            _deadlines[alarm] = deadline
        earliest = min(_deadlines.values(), default=None)
        # 0 would switch it off
        seconds = 0.0 if earliest is None else max(earliest - time.monotonic(), 1e-6)
        signal.setitimer(signal.ITIMER_REAL, seconds)
