"""What is wrong inside a video: what its container's reader and its decoder complain of, and at how many pictures."""

from pathlib import Path

import av
from av.codec.context import CodecContext
from av.video.stream import VideoStream

from tcae.pipeline.readers.container import (
    Span,
    VideoPacket,
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

SHORT_SECONDS = 1
"""An AVI file that ends so much earlier than its header says was cut; empty frames at the end are not given out."""


def is_container_damaged(
    path: Path, start_seconds: float | None, end_seconds: float | None, stopwatch: Stopwatch
) -> bool:
    """Whether the container's reader complains or breaks off while it lists the packets of a clip or a cut.

    The ffmpeg program does not always say so.
    """
    complaints: list[str] = []
    with open_container(path, complaints) as stream, listening() as lines:
        span, last, is_marked = span_of(stream, start_seconds, end_seconds), 0, False
        try:
            for packet in packets_of(stream, span):
                stopwatch.remaining()
                last, is_marked = max(last, packet.dts or 0), is_marked or packet.is_corrupt
        except av.FFmpegError:
            return True
        return bool(
            is_marked or is_short(stream, span, last) or complaints or complaints_of(container_of(stream), lines)
        )


def is_short(stream: VideoStream, span: Span, last: int) -> bool:
    """Whether a file ended long before the time that its header promises; only AVI can be cut without a complaint.

    Args:
        stream: the opened file's.
        span: what was read of it.
        last: the last packet's decoding time stamp in ticks, which are frames in an AVI file.
    """
    if span.end is not None or container_of(stream).format.name != "avi":
        return False
    return last + SHORT_SECONDS * float(stream.average_rate or 0) < stream.frames


class _Pictures:
    """The damaged pictures of a span, and of what its pictures are decoded from."""

    def __init__(self, stream: VideoStream, span: Span) -> None:
        self.context: CodecContext = stream.codec_context
        self.has_flags = spare_non_references(stream)
        self.span, self.origin, self.last = span, span.start, 0
        self.stamps: set[int] = set()
        self.num_unstamped, self.num_lines = 0, 0

    def take(self, packet: VideoPacket, lines: list[tuple[int, str, str]]) -> None:
        """Decode a packet and note which pictures are damaged."""
        self.last = max(self.last, packet.dts or 0)
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
        pictures = _Pictures(stream, span)
        try:
            for packet in packets_of(stream, span):
                stopwatch.remaining()
                pictures.take(packet, lines)
        except av.FFmpegError:
            broken = True
        complaints += complaints_of(container_of(stream), lines)
        broken |= is_short(stream, span, pictures.last)
    return len(pictures) + (broken or bool(complaints))
