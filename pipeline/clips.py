"""A clip's frames, whatever it is on disk: a video, a track of a longer video, or a folder of images."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tcae.manifests.places import Place, at_hand, place
from tcae.manifests.rows import Clip, Frame
from tcae.pipeline.datasets.keys import FRAME_BASES, number_in
from tcae.pipeline.pictures import Image, PictureError, TooLargeError
from tcae.pipeline.readers.stills import read_still
from tcae.pipeline.trees.trackfiles import TrackFile, box_at, read_track_file
from tcae.pipeline.trees.walk import is_picture, picture_files
from tcae.pipeline.video import OpenVideo, VideoConfig, open_video


class OpenClip(Protocol):
    """Iterate once; rows lack ``num_decode_errors``, which is known after the iteration."""

    @property
    def num_decode_errors(self) -> int:
        """Damaged pictures; final after the iteration."""

    def __iter__(self) -> Iterator[tuple[Frame, Image]]:
        """The kept frames in order, as rows without a file and as pictures."""


@contextmanager
def open_clip(clip: Clip, config: VideoConfig) -> Iterator[OpenClip]:
    """Open a clip's media; those of a store are fetched, and removed afterwards.

    Raises:
        ItemError: the media or the track file cannot be read; also while iterating.
        StoreError: they cannot be fetched.
    """
    source = place(clip.source)
    if clip.media == "images":
        with at_hand(source / clip.path, is_picture) as path:
            yield _Images(clip, path)
    else:
        track = _read_track(source / clip.track_path) if clip.track_path else None
        with (
            at_hand(source / clip.path) as path,
            open_video(path, config, start_seconds=clip.start_seconds, end_seconds=clip.end_seconds) as video,
        ):
            yield _Video(clip, video, track)


def _read_track(where: Place) -> TrackFile:
    with at_hand(where) as path:
        return read_track_file(path)


class _Video:
    def __init__(self, clip: Clip, video: OpenVideo, track: TrackFile | None) -> None:
        self._clip, self._video, self._track = clip, video, track

    @property
    def num_decode_errors(self) -> int:
        return self._video.num_decode_errors

    def __iter__(self) -> Iterator[tuple[Frame, Image]]:
        for decoded in self._video:
            height, width = decoded.image.shape[:2]
            row = Frame(
                **self._clip.key._asdict(),
                frame=decoded.frame,
                source_frame=decoded.source_frame,
                pts_seconds=decoded.pts_seconds,
                width_px=width,
                height_px=height,
                track_box=self._named_box(decoded.pts_seconds, width, height),
            )
            yield row, decoded.image

    def _named_box(self, pts_seconds: float, width: int, height: int) -> tuple[float, ...] | None:
        if self._track is None or self._clip.track_unit is None:
            return None
        return box_at(self._track, pts_seconds, unit=self._clip.track_unit, width_px=width, height_px=height)


class _Images:
    """Every image is a frame; ``source_frame`` follows the numbers in the names, and there is no time stamp."""

    def __init__(self, clip: Clip, path: Path) -> None:
        self._clip, self._path = clip, path
        self.num_decode_errors = 0

    def __iter__(self) -> Iterator[tuple[Frame, Image]]:
        num_read, last = 0, None
        paths = picture_files(self._path)
        is_single = paths == [self._path]
        numbers = [0] if is_single else source_frames([path.name for path in paths], self._clip.layout)
        for index, (path, number) in enumerate(zip(paths, numbers, strict=True)):
            try:
                image, is_damaged = read_still(path)
            except PictureError as error:
                self.num_decode_errors, last = self.num_decode_errors + 1, error
                continue
            num_read, self.num_decode_errors = num_read + 1, self.num_decode_errors + is_damaged
            height, width = image.shape[:2]
            key = self._clip.key._asdict()
            yield Frame(**key, frame=index, source_frame=number, width_px=width, height_px=height), image
        if not num_read:
            if isinstance(last, TooLargeError):
                raise last
            raise PictureError(
                f"none of the {self.num_decode_errors} image file(s) in {self._clip.path} can be decoded"
            )


def source_frames(names: Sequence[str], layout: str) -> list[int]:
    """The ``source_frame`` of each picture of a folder.

    It is the number in the name, less the number that the layout's first frame has (``FRAME_BASES``). A folder that
    has a picture 0 counts from 0 whatever its layout: some scripts number the frames of DISFA so. A name without a
    number gives the picture's place.
    """
    numbers = [number_in(name) for name in names]
    first = min([FRAME_BASES.get(layout, 0), *(number for number in numbers if number is not None)])
    return [index if number is None else number - first for index, number in enumerate(numbers)]
