"""What is wrong inside a video: what its container's reader and its decoder complain of, and at how many pictures."""

from pathlib import Path

import av
from av.codec.context import CodecContext
from av.video.stream import VideoStream

from tcae.pipeline.readers.container import (
    Span,
    VideoPacket,
    base_of,
    complaints_of,
    container_of,
    listening,
    open_container,
    packets_of,
    span_of,
    spare_non_references,
    time_of,
)
from tcae.pipeline.video import Stopwatch

EVEN = ("mpegts", "mpeg")
"""Formats whose readers lose packets without a word, and whose packets come at an even rate."""

LONGEST_STEP = 4
"""Frames from one packet of such a format to the next; soft telecine has steps of one and a half."""


TRANSPORT_BYTES = (188, 192, 204)
"""Of a packet of a transport stream: broadcast, on discs, with error correction."""


class Flow:
    """Whether the packets of a clip or a cut come as they should."""

    def __init__(self, path: Path, stream: VideoStream, span: Span) -> None:
        """Before the first packet.

        Args:
            path: the file.
            stream: the opened file's.
            span: what is read of it.
        """
        kind, rate = container_of(stream).format.name, stream.average_rate
        self.is_broken = span.end is None and is_cut_short(path, kind)
        self.longest = LONGEST_STEP / (rate * base_of(stream)) if kind in EVEN and rate else None
        self.last: int | None = None

    def take(self, packet: VideoPacket) -> None:
        """The next packet."""
        self.is_broken |= packet.is_corrupt
        if self.longest is None or packet.dts is None:
            return
        if self.last is not None:
            self.is_broken |= not 0 < packet.dts - self.last <= self.longest
        self.last = packet.dts


def is_cut_short(path: Path, kind: str) -> bool:
    """Whether an AVI file is shorter than it says, or a transport stream ends in a packet; their readers do not mind.

    An AVI file that was written to a pipe says nothing.
    """
    num_bytes = path.stat().st_size
    if kind == "mpegts":
        return all(num_bytes % size for size in TRANSPORT_BYTES)
    if kind != "avi":
        return False
    with path.open("rb") as file:
        said = int.from_bytes(file.read(8)[4:], "little")
    return said != 0xFFFFFFFF and said + 8 > num_bytes


def is_container_damaged(
    path: Path, start_seconds: float | None, end_seconds: float | None, stopwatch: Stopwatch
) -> bool:
    """Whether the container's reader complains or breaks off while it lists the packets of a clip or a cut.

    The ffmpeg program does not always say so.
    """
    complaints: list[str] = []
    with open_container(path, complaints) as stream, listening() as lines:
        span = span_of(stream, start_seconds, end_seconds)
        flow = Flow(path, stream, span)
        try:
            for packet in packets_of(stream, span):
                stopwatch.remaining()
                flow.take(packet)
        except av.FFmpegError:
            return True
        return flow.is_broken or bool(complaints or complaints_of(container_of(stream), lines))


class _Pictures:
    """The damaged pictures of a span, and of what its pictures are decoded from."""

    def __init__(self, stream: VideoStream, span: Span) -> None:
        self.context: CodecContext = stream.codec_context
        self.has_flags = spare_non_references(stream)
        self.span, self.origin = span, span.start
        self.stamps: set[int] = set()
        self.num_unstamped, self.num_lines = 0, 0

    def take(self, packet: VideoPacket, lines: list[tuple[int, str, str]]) -> None:
        """Decode a packet and note which pictures are damaged."""
        if packet.is_keyframe and packet.pts is not None and packet.pts <= self.span.start:
            self.origin = packet.pts  # whatever came before leaves no trace in the span
            self.stamps.clear()
        is_bad = packet.is_corrupt
        try:
            frames = self.context.decode(packet)  # type: ignore[attr-defined]  # a video's has it
        except av.FFmpegError:
            frames, is_bad = [], True
        is_bad |= not self.has_flags and len(lines) > self.num_lines
        self.num_lines = len(lines)
        for stamp in [packet.pts] * is_bad + [time_of(frame) for frame in frames if frame.is_corrupt]:
            self.note(stamp)

    def note(self, stamp: int | None) -> None:
        """One damaged picture."""
        if stamp is None:
            self.num_unstamped += 1
        elif stamp >= self.origin and (self.span.end is None or stamp < self.span.end):
            self.stamps.add(stamp)

    def __len__(self) -> int:
        return len(self.stamps) + self.num_unstamped


def count_damage(path: Path, start_seconds: float | None, end_seconds: float | None, stopwatch: Stopwatch) -> int:
    """``num_decode_errors`` of a clip or a cut: ``video`` defines it."""
    broken = False
    complaints: list[str] = []
    with open_container(path, complaints) as stream, listening() as lines:
        span = span_of(stream, start_seconds, end_seconds)
        if spare_non_references(stream):
            stream.codec_context.skip_frame = "NONREF"
        pictures, flow = _Pictures(stream, span), Flow(path, stream, span)
        try:
            for packet in packets_of(stream, span):
                stopwatch.remaining()
                flow.take(packet)
                pictures.take(packet, lines)
        except av.FFmpegError:
            broken = True
        complaints += complaints_of(container_of(stream), lines)
    return len(pictures) + (broken or flow.is_broken or bool(complaints))
