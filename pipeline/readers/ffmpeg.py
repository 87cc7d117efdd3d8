"""The reader that runs the ffmpeg program: one process per clip, one thread, pictures through a pipe.

``showinfo`` tells every presented frame's time stamp on stderr, ``select`` applies the rule of ``sampling`` in whole
numbers, and each picture comes as a PPM, which carries its own size. ffmpeg starts its filters anew when the coding
changes within a file (size, pixel format); such clips are refused here and read by ``readers/pyav.py``.
"""

import os
import re
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import ffmpeg
import numpy as np
from av.video.stream import VideoStream

from tcae.pipeline.pictures import Image
from tcae.pipeline.readers.container import (
    FORMATS,
    PADDING_PX,
    TOO_LARGE_TOLD,
    Orientation,
    Span,
    base_of,
    no_frame,
    open_container,
    orientation_of,
    packets_of,
    span_of,
    turn,
)
from tcae.pipeline.readers.damage import count_damage, is_container_damaged
from tcae.pipeline.readers.program import ffmpeg_program
from tcae.pipeline.readers.sampling import Kept, Sampler
from tcae.pipeline.video import DecodedFrame, DecodeError, Stopwatch, VideoConfig, shown

FRAME_TOLD = re.compile(rb"\bn: *(\d+) pts: *(-?\d+) +pts_time:")
"""``showinfo``'s words, anywhere in a line: ffmpeg's threads write into each other's lines."""

TROUBLE_TOLD = re.compile(rb"\[(?:error|fatal|panic)\] (.*)|(?i:error|corrupt)")
"""Any sign of damage; a false alarm costs a second pass only."""

PPM_HEADER = re.compile(rb"P6\n(\d+) (\d+)\n255\n")
CHUNK_BYTES = 1 << 20


class FfmpegVideo:
    """A clip read by the ffmpeg program; iterate once."""

    def __init__(self, path: Path, config: VideoConfig, cut: tuple[float | None, float | None]) -> None:
        self.path, self.config, self.cut = path, config, cut
        self.stopwatch = Stopwatch(config.timeout_seconds, shown(path))
        with open_container(path, max_pixels=config.max_pixels) as stream:
            self.time_base, span = base_of(stream), span_of(stream, *cut)
            self.command = describe(path, stream, span, config)
            self.orientation = first_orientation(stream, span)
        self.sampler = Sampler(self.time_base, config.fps)
        self.kept: deque[Kept] = deque()
        self.trouble: deque[str] = deque(maxlen=3)
        self.damaged = False
        self.num_decode_errors = 0

    def __iter__(self) -> Iterator[DecodedFrame]:
        """The kept frames in order of k."""
        num_frames = 0
        for frame in self.stopwatch.lend(self.read()):
            num_frames += 1
            yield frame
        if not num_frames:
            said = "; ".join(self.trouble) or "it has no frame in the time asked for"
            raise no_frame(self.path, said, self.config.max_pixels)
        if self.damaged or is_container_damaged(self.path, *self.cut, self.stopwatch):
            self.num_decode_errors = count_damage(self.path, *self.cut, self.stopwatch)

    def read(self) -> Iterator[DecodedFrame]:
        """Pair the pictures on stdout with the time stamps on stderr."""
        pictures, lines = bytearray(), bytearray()
        images: deque[Image] = deque()
        with running(self.command) as process:
            for is_picture, chunk in chunks(process, self.stopwatch):
                if is_picture:
                    pictures += chunk
                    images.extend(taken(pictures))
                else:
                    lines += chunk
                    *whole, rest = lines.split(b"\n")
                    lines = bytearray(rest)
                    for line in whole:
                        self.listen(bytes(line))
                while images and self.kept:
                    yield self.finish(self.kept.popleft(), images.popleft())
            self.damaged |= process.wait(self.stopwatch.remaining()) != 0

    def listen(self, line: bytes) -> None:
        """Take one line of stderr in: a frame's time stamp, a sign of damage, or chatter."""
        if frame := FRAME_TOLD.search(line):
            if int(frame[1]) != self.sampler.num_seen:
                raise DecodeError(f"{shown(self.path)} changes its coding at frame {self.sampler.num_seen}; use pyav")
            if (kept := self.sampler.take(int(frame[2]))) is not None:
                self.kept.append(kept)
        if trouble := TROUBLE_TOLD.search(line):
            self.damaged = True
            if trouble[1] and not any(TOO_LARGE_TOLD in said for said in self.trouble):
                self.trouble.append(trouble[1].decode("utf-8", "backslashreplace"))

    def finish(self, kept: Kept, image: Image) -> DecodedFrame:
        """A kept frame with its picture."""
        return DecodedFrame(
            frame=kept.frame,
            source_frame=kept.source_frame,
            pts_seconds=float(kept.elapsed * self.time_base),
            image=turn(image, self.orientation),
        )


@contextmanager
def open_ffmpeg(
    path: Path, config: VideoConfig, start_seconds: float | None, end_seconds: float | None
) -> Iterator[FfmpegVideo]:
    """Open a clip or a cut with the ffmpeg program."""
    yield FfmpegVideo(path, config, (start_seconds, end_seconds))


def describe(path: Path, stream: VideoStream, span: Span, config: VideoConfig) -> list[str]:
    """The call: a list of arguments, never a shell line."""
    options: dict[str, object] = {
        "threads": 1,
        "max_pixels": config.max_pixels + PADDING_PX,
        "copyts": None,
        "noautorotate": None,
        "fflags": "+genpts",
        "protocol_whitelist": "file",
        "format_whitelist": FORMATS,
    }
    if span.entry:
        options |= {"ss": f"{float(span.entry * base_of(stream)):.6f}", "seek_timestamp": 1, "noaccurate_seek": None}
    source = ffmpeg.input("file:", **options)[str(stream.index)]
    end = {} if span.end is None else {"end_pts": span.end}
    frames = source.filter("trim", start_pts=span.start, **end).filter("showinfo", checksum=0)
    frames = frames.filter("bwdif", mode="send_frame", deint="interlaced")
    if config.fps is not None:
        frames = frames.filter("select", rule(config.fps * base_of(stream) / 2))
    frames = frames.filter("scale", flags="bilinear+accurate_rnd+full_chroma_int").filter("format", pix_fmts="rgb24")
    output = frames.output("pipe:", format="image2pipe", vcodec="ppm", fps_mode="passthrough")
    quiet = ("-hide_banner", "-nostdin", "-nostats", "-filter_complex_threads", "1", "-loglevel", "repeat+level+info")
    arguments: list[str] = ffmpeg.compile(output.global_args(*quiet), cmd=ffmpeg_program())
    arguments[arguments.index("file:")] = f"file:{path}"  # only now: ffmpeg-python takes no name that is not UTF-8
    return arguments


def rule(rate: Fraction) -> str:
    """``sampling``'s rule as an expression of ``select``; exact, since whole numbers below 2**53 are.

    Args:
        rate: kept frames per tick; ``bwdif`` gives ticks of half the stream's length.
    """
    n, d = rate.numerator, rate.denominator
    reached, passed = (f"floor(({pts}-start_pts)*{n}/{d})" for pts in ("pts", "prev_selected_pts"))
    return f"isnan(prev_selected_pts)+gt({reached},{passed})"


def first_orientation(stream: VideoStream, span: Span) -> Orientation:
    """The orientation of the first frame that can be decoded; upright where none can."""
    packets = packets_of(stream, span)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return False, False, False
            for frame in stream.codec_context.decode(packet):
                return orientation_of(frame)
        except av.FFmpegError:
            continue


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its own group, which is killed when the block is left early."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def chunks(process: subprocess.Popen[bytes], stopwatch: Stopwatch) -> Iterator[tuple[bool, bytes]]:
    """What a process writes until it closes both pipes: whether it is stdout, and the bytes.

    Raises:
        ClipTimeoutError: the time is up.
    """
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(stopwatch.remaining()):
                chunk = os.read(key.fd, CHUNK_BYTES)
                if chunk:
                    yield key.fileobj is process.stdout, chunk
                else:
                    selector.unregister(key.fileobj)


def taken(pictures: bytearray) -> Iterator[Image]:
    """The whole PPM pictures at the head of a buffer, which are taken out of it."""
    while header := PPM_HEADER.match(pictures):
        width, height = int(header[1]), int(header[2])
        begin, end = header.end(), header.end() + width * height * 3
        if len(pictures) < end:
            return
        image = np.frombuffer(bytes(pictures[begin:end]), np.uint8).reshape(height, width, 3)
        del header, pictures[:end]
        yield image
