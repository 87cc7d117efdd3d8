"""How a process that works on clips is set up: one thread, and freed memory kept."""

import ctypes
from functools import cache

import cv2

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's mallopt(3)."""

TRIM_BYTES, MMAP_BYTES = 256 << 20, 32 << 20
"""Above what a clip's frames and a pass's arrays take; the second is the most that glibc accepts."""


@cache
def tune_process() -> None:
    """Set this process up, once.

    OpenCV gets one thread, because workers share the cores. Where the allocator is glibc's, it keeps what is freed: by
    itself it gives large blocks back at once, and Dask tells its workers to give everything back (``nanny.environ``);
    every page of the next clip's arrays is then faulted in anew, which can take as long as the work itself.
    """
    cv2.setNumThreads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)
        mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
