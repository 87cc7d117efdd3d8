"""Who hears which signal in the processes that decode."""

import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import cv2
import pytest
import torch

from tcae.manifests.interrupts import signals_held_back
from tcae.model.data.workers import GRACE_SECONDS, HELD_BACK, start_worker, worker_context


@pytest.fixture
def as_before() -> Iterator[None]:
    """What ``start_worker`` changes in its process is given back."""
    numbers = (signal.SIGTERM, signal.SIGALRM)
    handlers = [signal.getsignal(number) for number in numbers]
    threads, torch_threads = cv2.getNumThreads(), torch.get_num_threads()
    yield
    signal.alarm(0)
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
    cv2.setNumThreads(threads)
    torch.set_num_threads(torch_threads)


@pytest.mark.usefixtures("as_before")
def test_a_worker_goes_on_for_a_while_after_the_first_sigterm_and_ends_at_the_second() -> None:
    start_worker(0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert 0 < signal.alarm(0) <= GRACE_SECONDS
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)] == [signal.SIG_DFL] * 2
    assert torch.get_num_threads() == cv2.getNumThreads() == 1


def start_a_worker_and_go(told: Connection) -> None:
    """Stands for a trainer that is killed."""
    with signals_held_back(*HELD_BACK):
        worker = worker_context().Process(target=work_for_ever, args=(told,), daemon=True)
        worker.start()
    worker.join()


def work_for_ever(told: Connection) -> None:
    start_worker(0)
    told.send(os.getpid())
    while True:
        time.sleep(60)


def test_workers_end_where_the_trainer_is_killed() -> None:
    heard, told = worker_context().Pipe(duplex=False)
    trainer = worker_context().Process(target=start_a_worker_and_go, args=(told,))
    trainer.start()
    told.close()
    heard.recv()
    trainer.kill()
    assert heard.poll(30)  # the last process that could tell is gone
    with pytest.raises(EOFError):
        heard.recv()
    trainer.join()
