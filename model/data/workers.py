"""Processes that decode: who hears which signal in them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.context import ForkServerContext

import cv2
import torch


def worker_context() -> ForkServerContext:
    """Workers are forks of a process that has imported what they need, once for all, and that never used CUDA."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tcae.model.data.batches"])
    return context


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Processes that start in here see neither Ctrl-C nor SIGTERM before ``start_worker``; this one hears both after.

    A thread hands its mask down to the processes that it starts. Python's resource tracker would clear the mask of the
    thread that happens to start it, so it is started before.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker(_worker: int) -> None:
    """Make this process a decoder of one thread, because each core has one.

    Ctrl-C stays the trainer's business. So does the first SIGTERM, which may have been for the whole group of
    processes: the trainer still wants the batches of its last step. A second one ends this process.
    """
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
