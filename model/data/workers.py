"""Processes that decode: who hears which signal in them."""

import os
import signal
from multiprocessing import get_context, parent_process
from multiprocessing.context import ForkServerContext
from threading import Thread

import cv2
import torch

HELD_BACK = (signal.SIGINT, signal.SIGTERM)
"""What a worker is started without hearing, until ``start_worker`` says what it means."""

GRACE_SECONDS = 10
"""How long a worker decodes after SIGTERM."""


def worker_context() -> ForkServerContext:
    """Workers are forks of a process that has imported what they need, once for all, and that never used CUDA."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tcae.model.data.batches"])
    return context


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
