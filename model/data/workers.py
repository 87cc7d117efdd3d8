"""Processes that decode: who hears which signal in them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.context import ForkServerContext
from threading import Thread

import cv2
import torch

GRACE_SECONDS = 10
"""How long a worker decodes after SIGTERM."""


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

    Ctrl-C stays the trainer's business. SIGTERM may have been for the whole group of processes, and the trainer then
    still wants the batch that it waits for: this process goes on for ``GRACE_SECONDS``, or until a second one. Where
    the trainer is killed, it ends at once.
    """
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, _end_soon)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    Thread(target=_end_with_trainer, daemon=True).start()


def _end_with_trainer() -> None:
    """Torch's own watch is over the parent process, which here is the one that forks and lives as long as its forks."""
    trainer = parent_process()
    if trainer is not None:
        trainer.join()
        os._exit(1)


def _end_soon(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(GRACE_SECONDS)
