"""How a user stops a run: a signal makes a file, which every worker looks for between clips."""

import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tcae.manifests.places import Place


@contextmanager
def stop_file(folder: Place) -> Iterator[Place]:
    """The file whose presence stops the run; Ctrl-C and SIGTERM make it."""
    stop = folder / f"stop-{uuid.uuid4().hex}"

    def ask(*_: object) -> None:
        if stop.exists():
            raise KeyboardInterrupt
        stop.parent.mkdir(parents=True, exist_ok=True)
        stop.touch()

    in_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM) if in_main}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)
        stop.unlink(missing_ok=True)
