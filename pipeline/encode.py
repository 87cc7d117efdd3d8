"""Frames to the bytes of an H.264 mp4 that are the same on every run."""

import io
from collections.abc import Iterable

import av

from tcae.pipeline.pictures import Image

CRF = "20"
"""x264's quality; gives rendered clips about the size of VoxCeleb2's."""

OPTIONS = {"crf": CRF, "preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}
"""One thread, and no macroblock tree: its AVX-512 code gives other bytes on other runs (x264 in PyAV 18.1)."""


def encode_mp4(frames: Iterable[Image], size: tuple[int, int], fps: int) -> bytes:
    """Encode with x264 in one thread.

    Args:
        frames: (height, width, 3) uint8 RGB each.
        size: Width and height, both even.
        fps: Frames per second.

    Returns:
        An mp4 file, H.264 in yuv420p without sound.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options=dict(OPTIONS))
        stream.thread_count = 1
        stream.pix_fmt = "yuv420p"
        stream.width, stream.height = size
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()
