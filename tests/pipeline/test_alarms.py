"""An alarm ends a process that is stuck in a library, and no other."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from tcae.pipeline.alarms import SLACK, SLACK_SECONDS, Alarm


def left_on_the_timer() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0]


def test_the_timer_runs_only_while_an_alarm_is_armed() -> None:
    alarm = Alarm(100)
    assert left_on_the_timer() == 0
    with alarm.armed():
        assert 100 < left_on_the_timer() <= SLACK * 100 + SLACK_SECONDS
    assert left_on_the_timer() == 0


def test_an_alarm_comes_after_the_limit_that_others_look_at() -> None:
    assert Alarm(120).left == pytest.approx(152)


def test_time_passes_only_while_an_alarm_is_armed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("tcae.pipeline.alarms.time.monotonic", lambda: now[0])
    alarm = Alarm(100)
    before = alarm.left
    with alarm.armed():
        now[0] += 7
    now[0] += 50
    assert alarm.left == before - 7


def test_of_two_threads_the_earlier_deadline_counts_and_neither_ends_the_other() -> None:
    short, long = Alarm(50), Alarm(5000)
    begin, end = threading.Event(), threading.Event()

    def hold() -> None:
        with short.armed():
            begin.set()
            end.wait(10)

    thread = threading.Thread(target=hold)
    with long.armed():
        thread.start()
        begin.wait(10)
        assert left_on_the_timer() < 100
        end.set()
        thread.join()
        assert left_on_the_timer() > 100
    assert left_on_the_timer() == 0


def test_a_block_that_raises_disarms() -> None:
    with pytest.raises(ZeroDivisionError), Alarm(10).armed():
        raise ZeroDivisionError
    assert left_on_the_timer() == 0


@pytest.mark.parametrize("library", ["CDLL", "PyDLL"], ids=["without Python's lock", "with Python's lock held"])
def test_a_call_that_does_not_come_back_is_ended(library: str) -> None:
    program = (
        "import ctypes; from tcae.pipeline import alarms\n"
        "alarms.SLACK_SECONDS = 0.0\n"
        f"with alarms.Alarm(0.1).armed(): ctypes.{library}(None).sleep(60)"
    )
    started = time.monotonic()
    assert subprocess.run([sys.executable, "-c", program], timeout=50).returncode == -signal.SIGALRM
    assert time.monotonic() - started < 50
