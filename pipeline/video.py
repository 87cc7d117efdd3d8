"""The only door to PyAV and to the ffmpeg program: a clip's frames at given times.

Two readers stand behind it and choose the same frames: ``readers/pyav.py`` in process, ``readers/ffmpeg.py`` by the
program.

Convention:
    presented: frames in presentation order, without those that have a negative time stamp or that an edit list drops.
    time zero: the first presented frame; of a cut, the first presented frame at or after its start.
    cut: start included, end excluded, in seconds after the start time that the video's headers name.
    image: RGB uint8 (H, W, 3), turned and mirrored as the display matrix says, deinterlaced where the frame is
        interlaced; a clip without a colour matrix is read as BT.601, without a range as limited, as ffmpeg does;
        pixels are not made square.
    num_decode_errors: pictures that the decoder reports as damaged, plus packets that it refuses, plus one where the
        container itself is damaged or breaks off. Of H.264 only reference pictures count (``skip_frame=noref``),
        because a damaged non-reference picture harms no other and need not be decoded. Other decoders do not mark
        every picture that they know to be damaged: what they complain of counts too. Of a cut, what lies in it, and
        before it back to the key frame that its pictures are made from.
        Both readers count with ``readers.damage.count_damage``, called when they saw any sign of damage.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Protocol, TypeAlias

from tcae.manifests.errors import ConfigError, ItemError
from tcae.manifests.picture_headers import LARGEST_PX
from tcae.pipeline.alarms import Alarm
from tcae.pipeline.pictures import Image
from tcae.pipeline.trees.walk import UnreadableError

READERS = ("pyav", "ffmpeg")
"""The readers by name."""


class DecodeError(ItemError):
    """The file is no video, or none of its frames can be decoded."""

    reason = "decode"


class EmptyFileError(ItemError):
    """The file has zero bytes."""

    reason = "empty"


class NoVideoError(ItemError):
    """The file has sound or data but no video."""

    reason = "no_video"


class ClipTimeoutError(ItemError):
    """Reading the clip took longer than its time limit."""

    reason = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoConfig:
    """How clips are read."""

    fps: Fraction | None = Fraction(1)
    """Frames kept per second; None keeps every frame."""
    max_seconds: float | None = None
    """Of a longer clip only so many seconds are read, the first; None reads all. It makes a cut of the clip."""
    reader: str = "pyav"
    """``pyav`` or ``ffmpeg``; PyAV is the faster one (``bench/decode.py``)."""
    timeout_seconds: float = 120.0
    """Wall-clock limit of reading one clip; time in which the caller holds a frame does not count."""
    max_pixels: int = LARGEST_PX
    """Of a frame; of clips with larger ones none is decoded. Pictures in folders have the same limit by default."""

    def __post_init__(self) -> None:
        if self.fps is not None and self.fps <= 0:
            raise ConfigError(f"fps must be greater than 0, not {self.fps}")
        if self.max_seconds is not None and not 0 < self.max_seconds < inf:
            raise ConfigError(f"max_seconds must be greater than 0 and finite, not {self.max_seconds}")
        if self.reader not in READERS:
            raise ConfigError(f"reader must be one of {', '.join(READERS)}, not {self.reader!r}")
        if not self.timeout_seconds > 0:
            raise ConfigError(f"timeout_seconds must be greater than 0, not {self.timeout_seconds}")
        if not 0 < self.max_pixels <= 1 << 30:
            raise ConfigError(f"max_pixels must be from 1 to {1 << 30}, not {self.max_pixels}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedFrame:
    """One kept frame."""

    frame: int
    """k, from 0."""
    source_frame: int
    """0-based index among the presented frames of the clip (of the cut, if cut)."""
    pts_seconds: float
    """Its own time stamp, counted from the clip's (the cut's) first presented frame."""
    image: Image
    """RGB uint8 (H, W, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What a file's headers say."""

    duration_seconds: float
    """0 where the headers do not say."""
    width_px: int
    """As coded, before rotation."""
    height_px: int
    """As coded, before rotation."""
    num_frames: int
    """Counted in the headers, else estimated from duration and rate."""
    codec: str
    """The decoder's name, e.g. ``h264``."""


class OpenVideo(Protocol):
    """A clip that is being read; iterate once."""

    @property
    def num_decode_errors(self) -> int:
        """Damaged pictures; final after the iteration."""

    def __iter__(self) -> Iterator[DecodedFrame]:
        """The kept frames in order of k.

        Raises:
            DecodeError: no frame can be decoded.
            ClipTimeoutError: reading took longer than the limit.
        """


Reader: TypeAlias = Callable[[Path, VideoConfig, float | None, float | None], AbstractContextManager[OpenVideo]]
"""Opens a clip, or a cut from its start to its end in seconds."""


class Stopwatch:
    """Wall-clock time that a reader spends itself."""

    def __init__(self, limit_seconds: float, name: str) -> None:
        self.limit_seconds, self.name = limit_seconds, name
        self.deadline = time.monotonic() + limit_seconds

    def remaining(self) -> float:
        """Seconds left, greater than 0.

        Raises:
            ClipTimeoutError: none is left.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise ClipTimeoutError(f"{self.name} took longer than {self.limit_seconds:g} s to read")
        return left

    def lend(self, frames: Iterator[DecodedFrame]) -> Iterator[DecodedFrame]:
        """Pass frames on; the clock stands while the caller holds one."""
        for frame in frames:
            lent = time.monotonic()
            yield frame
            self.deadline += time.monotonic() - lent


def shown(path: Path) -> str:
    """A file's name as text that can always be printed; bytes that are not UTF-8 become escapes."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def check_file(path: Path) -> None:
    """Refuse what is not a readable, non-empty file, without opening it as a video.

    Raises:
        UnreadableError: missing, forbidden, not a regular file, or a loop of links.
        EmptyFileError: zero bytes.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError(f"{shown(path)} is not a file")
        path.open("rb").close()
    except OSError as error:
        raise UnreadableError(f"{shown(path)} cannot be opened: {error.strerror}") from error
    if status.st_size == 0:
        raise EmptyFileError(f"{shown(path)} has zero bytes")


class _Watched:
    """A video whose reader must come back in time."""

    def __init__(self, video: OpenVideo, alarm: Alarm) -> None:
        self._video, self._alarm = video, alarm

    @property
    def num_decode_errors(self) -> int:
        return self._video.num_decode_errors

    def __iter__(self) -> Iterator[DecodedFrame]:
        frames = iter(self._video)
        while True:
            with self._alarm.armed():
                frame = next(frames, None)
            if frame is None:
                return
            yield frame


@contextmanager
def open_video(
    path: Path, config: VideoConfig, *, start_seconds: float | None = None, end_seconds: float | None = None
) -> Iterator[OpenVideo]:
    """Open a clip, or a cut of a longer video, with the reader that ``config`` names.

    A decoder that does not come back, well after the time limit, ends this process with SIGALRM: nothing less stops it.

    Raises:
        ItemError: one of this module's, when the file cannot be read as a video.
        MissingToolError: the ffmpeg reader is asked for and there is no ffmpeg.
    """
    from tcae.pipeline.readers.ffmpeg import open_ffmpeg  # here, because both need this module's types
    from tcae.pipeline.readers.pyav import open_pyav

    if start_seconds is not None and end_seconds is not None and end_seconds <= start_seconds:
        raise ConfigError(f"a cut must end after its start of {start_seconds} s, not at {end_seconds} s")
    end_seconds = bounded(start_seconds, end_seconds, config.max_seconds)
    check_file(path)
    open_with: Reader = open_pyav if config.reader == "pyav" else open_ffmpeg
    alarm = Alarm(config.timeout_seconds)
    with ExitStack() as stack:
        with alarm.armed():
            video = stack.enter_context(open_with(path, config, start_seconds, end_seconds))
        yield _Watched(video, alarm)


def bounded(start_seconds: float | None, end_seconds: float | None, max_seconds: float | None) -> float | None:
    """The end of a cut that is at most so long; None is the end of the video."""
    if max_seconds is None:
        return end_seconds
    longest = (start_seconds or 0.0) + max_seconds
    return longest if end_seconds is None else min(end_seconds, longest)


def inspect_video(path: Path) -> VideoInfo:
    """What a file's headers say, without decoding its frames.

    Raises:
        ItemError: one of this module's, when the file cannot be read as a video.
    """
    from tcae.pipeline.readers.container import open_container, read_headers

    check_file(path)
    with open_container(path) as stream:
        return read_headers(stream)


def parse_fps(text: str) -> Fraction | None:
    """The frame rate that a user typed: ``1``, ``0.5``, ``30000/1001``, or ``native`` for None.

    Raises:
        ConfigError: it is none of these, or not greater than 0.
    """
    if text == "native":
        return None
    try:
        fps = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"fps must be a number like 1, 0.5 or 30000/1001, or 'native', not {text!r}") from error
    if fps <= 0:
        raise ConfigError(f"fps must be greater than 0, not {text}")
    return fps
