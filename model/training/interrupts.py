"""Ctrl-C and SIGTERM as a wish that the loop reads between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StopWish:
    """Set by the first signal; a second one interrupts at once."""

    def __init__(self) -> None:
        self.name: str | None = None

    def __bool__(self) -> bool:
        return self.name is not None

    def hear(self, number: int, frame: object) -> None:
        """Take a signal."""
        if self.name is not None:
            raise KeyboardInterrupt
        self.name = signal.Signals(number).name


@contextmanager
def heard() -> Iterator[StopWish]:
    """Turn SIGINT and SIGTERM into a wish until the block ends; only the main thread hears them."""
    wish = StopWish()
    in_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, wish.hear) for number in (signal.SIGINT, signal.SIGTERM) if in_main}
    try:
        yield wish
    finally:
        for number, action in before.items():
            signal.signal(number, action)
