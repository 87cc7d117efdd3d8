"""PyAV's side of a video file: open it, list its packets, turn its pictures upright."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TypeAlias, cast

import av
import av.logging
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tcae.manifests.errors import ItemError
from tcae.manifests.picture_headers import LARGEST_PX
from tcae.pipeline.pictures import Image, TooLargeError, check_size
from tcae.pipeline.video import DecodeError, NoVideoError, VideoInfo, shown

VideoPacket: TypeAlias = "Packet[VideoStream]"
"""Quoted, since only PyAV's stubs are generic."""

FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,mxf,rm,dv,m4v,h264,hevc,ivf,nut,wtv,gif"
"""Containers that may be read: none that names further files (playlists, concat lists) or takes text for video."""

LIMITS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
"""For the container alone: given to its streams too, they crash PyAV before 18 on MPEG program streams."""

PADDING_PX = 64 * 16384
"""What libav may add to a picture before it compares it with a limit: rows are padded to 64 pixels."""

TOO_LARGE_TOLD = "exceeds specified max pixel count"
"""What libav says of a picture that it did not decode."""

SEEK_MARGIN_SECONDS = 1.0
"""A cut is entered this much earlier, so that pictures shown before their key frame are whole."""

TOLERANCE = Fraction(1, 1_000_000)
"""Seconds by which a frame may come before a cut's edge and count as on it: edges are floats, e.g. 38 / 25."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The part of a video that is wanted, in ticks of the stream's time base."""

    start: int
    """First time stamp, at least 0."""
    end: int | None
    """First time stamp after it; None: to the end."""
    entry: int
    """Where to seek before reading; 0: read from the beginning."""

    def __contains__(self, pts: int) -> bool:
        """Whether a frame with this time stamp is presented."""
        return pts >= self.start and (self.end is None or pts < self.end)


def span_of(stream: VideoStream, start_seconds: float | None, end_seconds: float | None) -> Span:
    """The ticks of a cut; the whole video without one."""
    time_base = base_of(stream)
    zero = max(0, stream.start_time or 0)

    def tick(seconds: float) -> int:
        return zero + ceil((Fraction(seconds) - TOLERANCE) / time_base)

    end = None if end_seconds is None else tick(end_seconds)
    if not start_seconds:
        return Span(start=0, end=end, entry=0)
    return Span(start=tick(start_seconds), end=end, entry=max(0, tick(start_seconds - SEEK_MARGIN_SECONDS)))


def base_of(stream: VideoStream) -> Fraction:
    """Seconds per tick.

    Raises:
        DecodeError: the file gives none.
    """
    if not stream.time_base:
        raise DecodeError("the video stream has no time base")
    return stream.time_base


@contextmanager
def open_container(
    path: Path, complaints: list[str] | None = None, *, max_pixels: int = LARGEST_PX
) -> Iterator[VideoStream]:
    """The first real video stream of a file; cover pictures do not count.

    Args:
        path: a readable, non-empty file.
        complaints: takes what the container's reader complained of, since a small file is read to its end here.
        max_pixels: of a frame; the decoder refuses larger ones before it takes memory for them.

    Raises:
        DecodeError: the file is no video, or no decoder is there for it.
        NoVideoError: the file has other streams only.
        TooLargeError: its frames have more pixels.
    """
    limit = {"max_pixels": str(max_pixels + PADDING_PX)}
    with path.open("rb") as file:
        try:
            with listening() as lines:
                container = av.open(file, "r", options=limit, container_options=LIMITS, metadata_errors="replace")
        except av.FFmpegError as error:
            raise DecodeError(f"{shown(path)} is not a video: {last_words(error)}") from error
        with container:
            if complaints is not None:
                complaints += complaints_of(container, lines)
            found = [stream for stream in container.streams.video if not is_cover(stream)]
            if not found:
                raise NoVideoError(f"{shown(path)} has {len(container.streams)} streams and none of them is video")
            if not hasattr(found[0].codec_context, "decode"):
                raise DecodeError(f"{shown(path)} is in a format that no decoder here knows")
            check_size(shown(path), found[0].width, found[0].height, max_pixels)
            found[0].codec_context.thread_count = 1
            found[0].codec_context.options = limit
            yield found[0]


def no_frame(path: Path, said: str, max_pixels: int) -> ItemError:
    """Why a clip has no frame.

    Args:
        path: the file.
        said: libav's last words.
        max_pixels: what the decoder was allowed; pictures may be larger than the container's header says.
    """
    if TOO_LARGE_TOLD in said:
        return TooLargeError(f"{shown(path)} has frames of more than {max_pixels:,} pixels, which are the most")
    return DecodeError(f"{shown(path)} has no frame that can be decoded: {said}")


def complaints_of(container: InputContainer, lines: list[tuple[int, str, str]]) -> list[str]:
    """The log lines that speak of the container, not of the pictures in it; a packet cut short has no speaker."""
    return [text for _, name, text in lines if name == container.format.name or text.startswith("Truncating packet")]


def container_of(stream: VideoStream) -> InputContainer:
    """The open file that a stream belongs to; PyAV's stubs do not say that it is an input."""
    return cast(InputContainer, stream.container)


def is_cover(stream: VideoStream) -> bool:
    """Whether a stream is the picture of a sound file."""
    return bool(stream.disposition & Disposition.attached_pic)


def last_words(error: av.FFmpegError) -> str:
    """What libav said: its last log line where there is one, else the error's name."""
    said = "" if error.log is None else str(error.log[-1]).strip()
    return f"{error.strerror}: {said}" if said else str(error.strerror)


def read_headers(stream: VideoStream) -> VideoInfo:
    """What the headers say of a stream."""
    if stream.duration is not None:
        duration = float(stream.duration * base_of(stream))
    else:
        duration = (container_of(stream).duration or 0) / av.time_base
    rate = float(stream.average_rate or 0)
    return VideoInfo(
        duration_seconds=duration,
        width_px=stream.width,
        height_px=stream.height,
        num_frames=stream.frames or round(duration * rate),
        codec=stream.codec_context.name,
    )


def packets_of(stream: VideoStream, span: Span) -> Iterator[VideoPacket]:
    """The packets from the key frame before a span to its end, then the empty packet that drains the decoder.

    Raises:
        av.FFmpegError: the container is damaged.
    """
    if span.entry:
        container_of(stream).seek(span.entry, stream=stream, backward=True)
    try:
        for packet in container_of(stream).demux(stream):
            if span.end is not None and packet.dts is not None and packet.dts >= span.end:
                break
            if packet.size:
                yield packet
    except av.FFmpegError:
        yield cast(VideoPacket, Packet())
        raise
    except IndexError:  # PyAV, having given every packet, trips over streams that appeared after the file was opened
        pass
    yield cast(VideoPacket, Packet())


@contextmanager
def listening() -> Iterator[list[tuple[int, str, str]]]:
    """Collect libav's error lines, which otherwise go nowhere; never yield to a caller's caller inside."""
    level, skip = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as lines:
            av.logging.set_level(av.logging.ERROR)
            yield lines
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skip)


def spare_non_references(stream: VideoStream) -> bool:
    """Whether pictures exist that none refers to and that the decoder may leave out.

    Only H.264 marks them so that this is certain; HEVC's are references of higher temporal layers.
    """
    return stream.codec_context.name == "h264"


def time_of(frame: VideoFrame) -> int | None:
    """A frame's time stamp in ticks: its own, else its packet's."""
    return frame.dts if frame.pts is None else frame.pts


Orientation: TypeAlias = tuple[bool, bool, bool]
"""Whether to swap the axes, then flip left-right, then flip up-down."""


def orientation_of(frame: VideoFrame) -> Orientation:
    """How a display matrix wants a picture shown, to the nearest quarter turn.

    The matrix maps x, y of the coded picture to a x + c y, b x + d y of the shown one (libavutil/display.h).
    """
    try:
        matrix = bytes(cast(bytes, frame.side_data.get("DISPLAYMATRIX", b"")))
    except ValueError:  # PyAV lists all side data at once and knows not every kind
        matrix = b""
    if not matrix:
        return False, False, False
    a, b, _, c, d, *_ = np.frombuffer(matrix, np.int32).tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0


def turn(image: Image, orientation: Orientation) -> Image:
    """A picture as its orientation wants it shown; (H, W, 3) becomes (W, H, 3) where the axes are swapped."""
    swap, left_right, up_down = orientation
    if swap:
        image = image.transpose(1, 0, 2)
    if left_right:
        image = image[:, ::-1]
    if up_down:
        image = image[::-1]
    return np.ascontiguousarray(image)
