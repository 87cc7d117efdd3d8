"""Who hears Ctrl-C and SIGTERM: this process, not those that it starts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def signals_held_back(*signals: signal.Signals) -> Iterator[None]:
    """Threads and processes that start in here do not hear these signals, unless they ask to; this one does afterwards.

    A thread hands its mask down to the processes that it starts. Python's resource tracker would clear the mask of the
    thread that happens to start it, so it is started before.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
