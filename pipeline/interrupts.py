"""Who hears Ctrl-C: this process, never its workers."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Threads and processes that start in here never see Ctrl-C: it is this process that tells the workers.

    A thread hands its mask down to the processes that it starts. Python's resource tracker would clear the mask of the
    thread that happens to start it, so it is started before.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
