"""What an extraction would take, from the headers of some clips and the frames of fewer."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tcae.manifests.errors import ItemError
from tcae.manifests.places import at_hand, place
from tcae.manifests.rows import Clip
from tcae.pipeline import pictures
from tcae.pipeline.clips import open_clip
from tcae.pipeline.stages.extract import ExtractConfig
from tcae.pipeline.trees.walk import is_picture, picture_files
from tcae.pipeline.video import inspect_video

NUM_HEADERS = 200
"""Clips whose header is read, drawn with a fixed seed."""
NUM_DECODED = 8
"""Clips that are decoded for the size of a frame's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What to expect of an extraction."""

    num_clips: int
    num_refused: int
    """Of these, refused when the source was listed."""
    seconds: float
    """Of video; 0 for image folders."""
    num_files: int
    num_bytes: int
    num_headers: int
    """Clips that the figures were taken from."""

    def __str__(self) -> str:
        basis = "all headers" if self.num_headers >= self.num_clips else f"the headers of {self.num_headers} clips"
        return (
            f"{self.num_clips:,} clips ({self.num_refused:,} refused), {_duration(self.seconds)} of video; "
            f"expect {self.num_files:,} files in {_size_on_disk(self.num_bytes)} (estimated from {basis})"
        )


def _duration(seconds: float) -> str:
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.1f} seconds"


def _size_on_disk(num_bytes: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes / 1e3:,.0f} kB"


def forecast(clips: Sequence[Clip], config: ExtractConfig) -> Forecast:
    """Estimate the length, files and bytes; nothing is written."""
    fit = [clip for clip in clips if clip.reason is None]
    sample = random.Random(0).sample(fit, min(NUM_HEADERS, len(fit)))
    readable = [(clip, size) for clip in sample if (size := _measure(clip, config)) is not None]
    scale = len(fit) / max(1, len(sample))
    num_files = round(scale * sum(num_frames for _, (_, num_frames) in readable))
    return Forecast(
        num_clips=len(clips),
        num_refused=len(clips) - len(fit),
        seconds=scale * sum(seconds for _, (seconds, _) in readable),
        num_files=num_files,
        num_bytes=round(num_files * _mean_file_bytes([clip for clip, _ in readable[:NUM_DECODED]], config)),
        num_headers=len(sample),
    )


def _measure(clip: Clip, config: ExtractConfig) -> tuple[float, float] | None:
    """Seconds and frames of a clip; None when its header cannot be read."""
    try:
        with at_hand(place(clip.source) / clip.path, is_picture if clip.media == "images" else None) as path:
            if clip.media == "images":
                return 0.0, len(picture_files(path))
            info = inspect_video(path)
    except ItemError:
        return None
    seconds = info.duration_seconds
    if clip.start_seconds is not None and clip.end_seconds is not None:
        seconds = clip.end_seconds - clip.start_seconds
    read = min(seconds, config.video.max_seconds or seconds)
    fps = config.video.fps
    if fps is None:
        return read, info.num_frames * (read / seconds if seconds else 1.0)
    return read, max(1.0, read * float(fps))


def _mean_file_bytes(clips: Sequence[Clip], config: ExtractConfig) -> float:
    sizes = [size for clip in clips for size in _file_bytes(clip, config)]
    return sum(sizes) / max(1, len(sizes))


def _file_bytes(clip: Clip, config: ExtractConfig) -> list[int]:
    sizes: list[int] = []
    try:
        with open_clip(clip, config.video) as opened:
            sizes.extend(len(pictures.encode(image, config.suffix)) for _, image in opened)
    except ItemError:
        return sizes
    return sizes
