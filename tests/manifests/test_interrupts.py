"""What starts in the block does not hear the signals, what started it does afterwards."""

import multiprocessing
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from tcae.manifests.interrupts import signals_held_back

MASKED = "import signal; print(*sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"


def held_back() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_process_that_starts_inside_never_hears_ctrl_c() -> None:
    """Not even while it is importing, when it could not yet have chosen to ignore it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with signals_held_back(signal.SIGINT):
            inside = pool.submit(held_back)
        assert inside.result()


def test_this_process_hears_it_again_afterwards() -> None:
    with signals_held_back(signal.SIGINT):
        assert held_back()
    assert not held_back()


def masked_in_a_child() -> set[int]:
    told = subprocess.run([sys.executable, "-S", "-c", MASKED], capture_output=True, text=True, check=True)
    return {int(number) for number in told.stdout.split()}


def test_what_starts_in_the_block_hears_neither_signal_and_what_starts_after_it_both() -> None:
    both = {signal.SIGINT, signal.SIGTERM}
    with signals_held_back(*both):
        assert masked_in_a_child() >= both
    assert not masked_in_a_child() & both


def interrupted_in_the_block(reached: list[str]) -> None:
    with signals_held_back(signal.SIGINT):
        signal.raise_signal(signal.SIGINT)  # to this thread, whatever others there are
        reached.append("its end")


def test_ctrl_c_in_the_block_is_heard_at_its_end() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_in_the_block(reached)
    assert reached == ["its end"]
