"""The reader in process: PyAV, one thread.

The quick way lists the packets' time stamps without decoding, chooses from them, and decodes reference pictures and
chosen ones only. It answers with all frames or with nothing: where anything casts doubt on it (damage, interlaced
frames, time stamps that are missing, double or out of order, too much memory), the patient way decodes every frame.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.filter
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tcae.pipeline.pictures import Image
from tcae.pipeline.readers.container import (
    TOO_LARGE_TOLD,
    Span,
    VideoPacket,
    base_of,
    last_words,
    listening,
    no_frame,
    open_container,
    orientation_of,
    packets_of,
    span_of,
    spare_non_references,
    time_of,
    turn,
)
from tcae.pipeline.readers.damage import Flow, count_damage
from tcae.pipeline.readers.sampling import Kept, Sampler, choose
from tcae.pipeline.video import DecodedFrame, DecodeError, Stopwatch, VideoConfig, shown

EXACT = 0x2 | 0x2000 | 0x40000
"""swscale's BILINEAR, FULL_CHR_H_INT and ACCURATE_RND; PyAV names the last from 18 on.

Of the conversion to RGB: without the last two, pictures come out 1 to 2 levels of 255 too dark.
"""

PLANAR = ("yuv420p", "yuvj420p")
"""What most clips are in. Where their sides are even, swscale gives them as planes of RGB in a third of the time that
it takes for pixels, and the same bits; where one is odd, some pixels of its last column differ by 1."""

QUICK_BYTES = 256 << 20
"""Packets and pictures that the quick way may hold."""

PACKET_BYTES = 2048
"""What a packet takes beside its data, measured: ten hours of black are a million packets of a few bytes."""


class PyavVideo:
    """A clip read by PyAV; iterate once."""

    def __init__(
        self,
        path: Path,
        config: VideoConfig,
        cut: tuple[float | None, float | None],
        stream: VideoStream,
        damaged: bool,
    ) -> None:
        self.path, self.stream, self.config, self.cut = path, stream, config, cut
        self.damaged = damaged
        self.stopwatch = Stopwatch(config.timeout_seconds, shown(path))
        self.span, self.time_base = span_of(stream, *cut), base_of(stream)
        self.reformatter = VideoReformatter()
        self.num_decode_errors = 0
        self.last_words = "it has no frame in the time asked for"

    def __iter__(self) -> Iterator[DecodedFrame]:
        """The kept frames in order of k."""
        try:
            yield from self.read()
        except av.FFmpegError as error:  # of a filter or the colour conversion; the decoder's own are stepped over
            raise DecodeError(f"{shown(self.path)} has a frame that cannot be shown: {last_words(error)}") from error

    def read(self) -> Iterator[DecodedFrame]:
        """Try the quick way, else the patient one."""
        packets = self.list_packets()
        quick = None if self.damaged or packets is None else self.read_quickly(packets)
        if quick is not None:
            yield from self.stopwatch.lend(iter(quick))
            return
        del packets
        num_frames = 0
        with open_container(self.path, max_pixels=self.config.max_pixels) as self.stream:
            for frame in self.stopwatch.lend(self.read_patiently()):
                num_frames += 1
                yield frame
        if not num_frames:
            raise no_frame(self.path, self.last_words, self.config.max_pixels)
        if self.damaged:
            self.num_decode_errors = count_damage(self.path, *self.cut, self.stopwatch)

    def list_packets(self) -> list[VideoPacket] | None:
        """The packets, None where they are too many to hold; notes whether the container is damaged."""
        packets: list[VideoPacket] | None = []
        num_bytes, flow = 0, Flow(self.path, self.stream, self.span)
        with listening() as lines:
            try:
                for packet in packets_of(self.stream, self.span):
                    self.stopwatch.remaining()
                    flow.take(packet)
                    num_bytes += packet.size + PACKET_BYTES
                    if num_bytes > QUICK_BYTES:
                        packets = None
                    elif packets is not None:
                        packets.append(packet)
            except av.FFmpegError as error:
                self.damaged, self.last_words = True, last_words(error)
            self.damaged |= flow.is_broken or bool(lines)
        return packets

    def read_quickly(self, packets: list[VideoPacket]) -> list[DecodedFrame] | None:
        """Every kept frame, or None where only the patient way can tell."""
        times = presented_times(packets, self.span) if spare_non_references(self.stream) else None
        if not times:
            return None
        chosen = {times[kept.source_frame]: kept for kept in choose(times, self.time_base, self.config.fps)}
        if len(chosen) * self.stream.width * self.stream.height * 3 > QUICK_BYTES:
            return None
        context, found = self.stream.codec_context, []
        for packet in packets:
            self.stopwatch.remaining()
            context.skip_frame = "DEFAULT" if packet.pts in chosen else "NONREF"
            try:
                frames = context.decode(packet)
            except av.FFmpegError:
                return None
            for frame in frames:
                if frame.is_corrupt or frame.interlaced_frame:
                    return None
                if frame.pts in chosen:
                    found.append(self.finish(chosen[frame.pts], frame))
        return found if [frame.frame for frame in found] == [kept.frame for kept in chosen.values()] else None

    def read_patiently(self) -> Iterator[DecodedFrame]:
        """The kept frames, choosing among all that the decoder gives."""
        sampler = Sampler(self.time_base, self.config.fps)
        waiting: deque[Kept | None] = deque()
        for frame in deinterlaced(self.note(self.decode(), sampler, waiting)):
            kept = waiting.popleft()
            if kept is not None:
                yield self.finish(kept, frame)

    def note(self, frames: Iterable[VideoFrame], sampler: Sampler, waiting: deque[Kept | None]) -> Iterator[VideoFrame]:
        """Pass presented frames on and remember which are kept, since filters change time stamps."""
        latest = self.span.start - 1
        for frame in frames:
            stamp = time_of(frame)
            latest = latest + (frame.duration or 1) if stamp is None else stamp
            if self.span.end is not None and latest >= self.span.end:
                return
            if latest in self.span:
                waiting.append(sampler.take(latest))
                yield frame

    def decode(self) -> Iterator[VideoFrame]:
        """Every frame that the decoder gives; damage is noted and stepped over."""
        packets = packets_of(self.stream, self.span)
        while True:
            self.stopwatch.remaining()
            try:
                with listening() as lines:
                    packet = next(packets, None)
                    frames = [] if packet is None else self.stream.codec_context.decode(packet)
            except av.FFmpegError as error:
                if TOO_LARGE_TOLD not in self.last_words:
                    self.last_words = next((said for _, _, said in lines if TOO_LARGE_TOLD in said), last_words(error))
                self.damaged = True
                continue
            if packet is None:
                return
            self.damaged |= bool(lines) or any(frame.is_corrupt for frame in frames)
            yield from frames

    def finish(self, kept: Kept, frame: VideoFrame) -> DecodedFrame:
        """A kept frame with its picture."""
        return DecodedFrame(
            frame=kept.frame,
            source_frame=kept.source_frame,
            pts_seconds=float(kept.elapsed * self.time_base),
            image=turn(to_rgb(frame, self.reformatter), orientation_of(frame)),
        )


@contextmanager
def open_pyav(
    path: Path, config: VideoConfig, start_seconds: float | None, end_seconds: float | None
) -> Iterator[PyavVideo]:
    """Open a clip or a cut with PyAV."""
    complaints: list[str] = []
    with open_container(path, complaints, max_pixels=config.max_pixels) as stream:
        yield PyavVideo(path, config, (start_seconds, end_seconds), stream, bool(complaints))


def presented_times(packets: list[VideoPacket], span: Span) -> list[int] | None:
    """The presented frames' time stamps in order, or None where the packets cannot be trusted with them."""
    filled = [packet for packet in packets if packet.size]
    if not filled or not filled[0].is_keyframe or any(packet.is_corrupt for packet in filled):
        return None
    stamps = [(packet.pts, packet.is_discard) for packet in filled if packet.pts is not None]
    times = {pts for pts, _ in stamps}
    if len(times) < len(filled):
        return None
    presented = sorted(pts for pts, is_discarded in stamps if not is_discarded and pts in span)
    return None if presented and presented[0] < stamps[0][0] else presented


def deinterlaced(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """One frame for each, with both fields made whole where it is interlaced; a change of size is allowed."""
    graph, shape = None, None
    for frame in frames:
        if graph is None or shape != (frame.width, frame.height, frame.format.name):
            yield from drained(graph)
            shape = (frame.width, frame.height, frame.format.name)
            graph = deinterlacer(frame)
        graph.push(frame)
        yield from pulled(graph)
    yield from drained(graph)


def deinterlacer(frame: VideoFrame) -> av.filter.Graph:
    """A graph that takes frames like this one."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000))
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink"))
    graph.configure()
    return graph


def pulled(graph: av.filter.Graph) -> Iterator[VideoFrame]:
    """What a graph has ready."""
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, VideoFrame):  # always: the graph has no sound
            yield frame


def drained(graph: av.filter.Graph | None) -> Iterator[VideoFrame]:
    """The frames that a graph still holds."""
    if graph is not None:
        graph.push(None)
        yield from pulled(graph)


def to_rgb(frame: VideoFrame, reformatter: VideoReformatter) -> Image:
    """A frame as RGB uint8 (H, W, 3); a reformatter that is used again saves building its tables."""
    if frame.format.name in PLANAR and frame.width % 2 == frame.height % 2 == 0:
        planes = reformatter.reformat(frame, format="gbrp", interpolation=EXACT).planes
        green, blue, red = (visible(plane) for plane in planes)
        return np.asarray(cv2.merge([red, green, blue]), np.uint8)
    rgb = reformatter.reformat(frame, format="rgb24", interpolation=EXACT)
    return np.asarray(rgb.to_ndarray(), np.uint8)


def visible(plane: VideoPlane) -> NDArray[np.uint8]:
    """The pixels of an 8-bit plane, (H, W), without what pads its lines."""
    buffer = cast(memoryview, plane)  # which PyAV's stubs do not say
    return np.frombuffer(buffer, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
