import signal
import threading

import pytest

from tcae.model.training.interrupts import heard


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_wish(number: signal.Signals) -> None:
    with heard() as wish:
        assert not wish
        signal.raise_signal(number)
        assert wish
        assert wish.name == number.name


def test_a_second_signal_interrupts_at_once() -> None:
    with heard():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_signals_mean_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with heard():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_thread_hears_nothing() -> None:
    wishes: list[bool] = []

    def look() -> None:
        with heard() as wish:
            wishes.append(bool(wish))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert wishes == [False]
