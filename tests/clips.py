"""Small test videos, written with PyAV; every picture carries its own number, which can be read back."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 96, 64
NUM_BITS = 8
Drawer = Callable[[int], NDArray[np.uint8]]


def numbered(number: int, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> NDArray[np.uint8]:
    """A moving colour pattern whose top half says ``number`` in black and white blocks, lowest bit left."""
    y, x = np.mgrid[0:height_px, 0:width_px]
    channels = [x * 2 + 5 * number, y * 3 + 2 * number, x + y + 9 * number]
    image = (127 + 80 * np.sin(np.stack(channels, -1) / 20)).astype(np.uint8)
    block = width_px // NUM_BITS
    for bit in range(NUM_BITS):
        image[: height_px // 2, bit * block : (bit + 1) * block] = 235 if number >> bit & 1 else 20
    return image


def read_number(image: NDArray[np.uint8]) -> int:
    """The number that ``numbered`` wrote into a picture, for an upright picture of any size."""
    height_px, width_px = image.shape[:2]
    block, row = width_px // NUM_BITS, image[height_px // 8 : height_px * 3 // 8].mean((0, 2))
    return sum(
        1 << bit
        for bit in range(NUM_BITS)
        if row[bit * block + block // 4 : (bit + 1) * block - block // 4].mean() > 127
    )


def write_clip(
    path: Path,
    times: Sequence[int] | int = 60,
    *,
    time_base: Fraction = Fraction(1, 25),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    draw: Drawer = numbered,
    tags: dict[str, int] | None = None,
) -> Path:
    """Write one video.

    Args:
        times: time stamps in ticks of ``time_base``, or how many frames, one per tick.
        tags: attributes of every frame, e.g. ``colorspace``.
    """
    stamps = range(times) if isinstance(times, int) else times
    with av.open(path, "w", options=container or {}) as output:
        preset = {"preset": "veryfast"} if codec.startswith("libx26") else {}
        if codec == "libx264":
            preset["mbtree"] = "0"  # whose rounding makes the bytes differ from run to run
        stream = cast(VideoStream, output.add_stream(codec, rate=25, options=preset | (options or {})))
        stream.height, stream.width = draw(0).shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        stream.codec_context.thread_count = 1
        for number, stamp in enumerate(stamps):
            frame = VideoFrame.from_ndarray(draw(number), format="rgb24").reformat(format=pix_fmt)
            for name, value in (tags or {}).items():
                setattr(frame, name, value)
            frame.pts, frame.time_base = stamp, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def remux(source: Path, target: Path, *, shift_seconds: Fraction = Fraction(0), **options: str) -> Path:
    """Copy a clip's packets into another container, earlier or later by ``shift_seconds``."""
    with av.open(source) as given, av.open(target, "w", options=options) as output:
        stream = given.streams.video[0]
        copy = output.add_stream_from_template(stream)
        for packet in given.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            shift = int(shift_seconds / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, copy
            output.mux(packet)
    return target


def write_sound(path: Path, num_blocks: int = 20) -> Path:
    """Half a second of sound without video."""
    with av.open(path, "w") as output:
        stream = output.add_stream("aac", rate=16000)
        for block in range(num_blocks):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, block * 1024
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def set_matrix(source: Path, target: Path, matrix: Iterable[int]) -> Path:
    """Copy an mp4 file with another display matrix: a, b, c, d of libavutil/display.h, each -1, 0 or 1."""
    data = bytearray(source.read_bytes())
    begin = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[begin : begin + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
    target.write_bytes(data)
    return target


def flip_bytes(source: Path, target: Path, num_bytes: int, seed: int = 0) -> Path:
    """Copy a file with one bit changed in ``num_bytes`` random bytes, not in its head nor in an mp4's index."""
    content = source.read_bytes()
    data = np.frombuffer(content, np.uint8).copy()
    end = content.rfind(b"moov") if b"ftyp" in content[:16] else len(data) * 9 // 10
    random = np.random.default_rng(seed)
    places = random.choice(np.arange(min(900, end // 2), end - 8), num_bytes, replace=False)
    data[places] ^= np.uint8(1) << random.integers(0, 8, num_bytes).astype(np.uint8)
    target.write_bytes(data.tobytes())
    return target


def truncate(source: Path, target: Path, fraction: float) -> Path:
    """Copy the first part of a file."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * fraction)])
    return target
