import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor

from tcae.pipeline.interrupts import interrupts_held_back


def held_back() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_process_that_starts_inside_never_hears_ctrl_c() -> None:
    """Not even while it is importing, when it could not yet have chosen to ignore it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with interrupts_held_back():
            inside = pool.submit(held_back)
        assert inside.result()


def test_this_process_hears_it_again_afterwards() -> None:
    with interrupts_held_back():
        assert held_back()
    assert not held_back()
