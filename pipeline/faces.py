"""The align stage's pure function: one clip's frames in, one row for each frame out, with its aligned face."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import TypeAlias

import numpy as np

from tcae.manifests.errors import ConfigError, ItemError
from tcae.manifests.rows import Face, Frame
from tcae.pipeline import pictures, quality
from tcae.pipeline.align import anchor_points, crop_face, fit_alignment
from tcae.pipeline.detect import Detect, DetectConfig, Detection
from tcae.pipeline.pictures import Image
from tcae.pipeline.templates import CROP_PX, Points, template_points
from tcae.pipeline.track import Box, Tracker, choose

SourceFrame: TypeAlias = tuple[Frame, Image | ItemError]
"""A row of ``frames`` and its picture, or why that cannot be had."""

Refine: TypeAlias = Callable[[Image, Box], Points]
"""A frame and a box to the face's landmarks, (5, 2) or (68, 2) in frame pixels; an ``ItemError`` for none."""


class NoFaceError(ItemError):
    """The detector found nothing in the frame."""

    reason = "no_face"


class SmallFaceError(ItemError):
    """The face is narrower than the least width asked for."""

    reason = "small"


class BlurredError(ItemError):
    """The crop is less sharp than asked for."""

    reason = "blurred"


class OtherFaceError(ItemError):
    """There is a face, but not of the person that the clip is about."""

    reason = "other_face"


class ShortTrackError(ItemError):
    """The clip's person has fewer faces than asked for."""

    reason = "short_track"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceConfig:
    """What an aligned face is.

    Raises:
        ConfigError: a value makes no sense.
    """

    detector: str = "mtcnn"
    """``mtcnn``; or ``whole``: every frame is a face crop already and is only resized (``whole.py``)."""
    template: str = "tcae"
    """One of ``templates.template_names``."""
    margin: float = 0.0
    """Extra room on each side, a fraction of the crop."""
    size_px: int = CROP_PX
    """Side of the crop."""
    min_face_px: float = 40.0
    """Narrower boxes (in frame pixels) are rejected as ``small``."""
    min_sharpness: float = 0.0
    """Crops with a lower variance of the Laplacian are rejected as ``blurred``; 0 rejects nothing."""
    min_track: int = 1
    """With fewer faces of the clip's person all of them are rejected as ``short_track``."""
    landmarks: str = "mtcnn"
    """``mtcnn``: the detector's 5 points; ``fan``: 68 points by face-alignment."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:N``, or ``auto``: a GPU if there is one."""
    weights: str | None = None
    """Folder with the weights of ``fan``; null: where torch hub keeps them."""
    batch_frames: int = 32
    """Frames that go through the detector together; always of one clip."""

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        template_points(self.template, self.margin, self.size_px)
        DetectConfig(min_face_px=self.min_face_px, device=self.device)
        _require(16 <= self.size_px <= 4096, f"size_px is {self.size_px}; a crop has 16 to 4096 pixels a side")
        _require(0 <= self.min_sharpness < math.inf, f"min_sharpness is {self.min_sharpness}; it is 0 or more")
        _require(self.min_track >= 1, f"min_track is {self.min_track}; a track has at least 1 face")
        _require(self.landmarks in ("mtcnn", "fan"), f"landmarks is {self.landmarks!r}; it is mtcnn or fan")
        _require(self.batch_frames >= 1, f"batch_frames is {self.batch_frames}; a batch has at least 1 frame")
        _require(self.detector in ("mtcnn", "whole"), f"detector is {self.detector!r}; it is mtcnn or whole")
        aligned = {"template": self.template, "margin": self.margin, "landmarks": self.landmarks}
        asked = [f"{name} {value}" for name, value in aligned.items() if value != _ALIGNED[name]]
        _require(
            self.detector == "mtcnn" or not asked,
            f"the detector whole takes frames as they are and aligns nothing; leave out {', '.join(asked)}",
        )


_ALIGNED = {"template": "tcae", "margin": 0.0, "landmarks": "mtcnn"}
"""What aligning is told where nobody says anything, which is all that a frame taken whole leaves to be said."""


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ConfigError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFace:
    """What became of one frame."""

    row: Face
    """Without ``file``, ``crc32``, ``fingerprint``, ``detector`` and ``weights``, which the stage knows."""
    jpeg: bytes | None
    """The encoded crop; null with a rejection."""


def find_faces(
    frames: Iterable[SourceFrame], config: FaceConfig, detect: Detect, refine: Refine | None = None
) -> list[FoundFace]:
    """Find, follow, choose and align the one person of a clip.

    Every frame gives exactly one result, in order. Of frames that were seen only encoded crops are kept, never more
    than two batches of pictures.

    Args:
        frames: Those of one clip, in order of time.
        config: What an aligned face is.
        detect: Finds the faces of each of some frames.
        refine: Gives the landmarks instead of the detector.
    """
    clip = _ClipFaces(config, detect, refine)
    rest = iter(frames)
    while batch := list(islice(rest, config.batch_frames)):
        clip.add(batch)
    return clip.results()


class _ClipFaces:
    """What is known of a clip while its frames go by."""

    def __init__(self, config: FaceConfig, detect: Detect, refine: Refine | None) -> None:
        self._config = config
        self._detect = detect
        self._refine = refine
        self._tracker = Tracker()
        self._rows: list[Frame] = []
        self._errors: dict[int, ItemError] = {}
        self._found: dict[int, Sequence[Detection]] = {}
        self._images: dict[int, Image] = {}
        self._faces: dict[tuple[int, int], FoundFace] = {}  # by position and id() of the detection, which _found keeps

    def add(self, batch: Sequence[SourceFrame]) -> None:
        """Detect in some more frames; those before them are cropped now, because their pictures must go."""
        for position in self._images:
            self._crop(position, self._found[position])
        self._images = {}
        for row, image in batch:
            if isinstance(image, ItemError):
                self._errors[len(self._rows)] = image
            else:
                self._images[len(self._rows)] = image
            self._rows.append(row)
        if self._images:
            results = self._detect(list(self._images.values()))
            self._found |= dict(zip(self._images, results, strict=True))
        for position in self._images:
            self._tracker.add(position, self._seconds(position), self._found[position])

    def results(self) -> list[FoundFace]:
        """One for each frame, now that the person is known."""
        named = {p: np.array(row.track_box) for p, row in enumerate(self._rows) if row.track_box is not None}
        chosen = choose(self._tracker.tracks, named, self._config.min_face_px)
        for position in self._images:
            self._crop(position, [chosen[position]] if position in chosen else [])
        results = [self._result(position, chosen) for position in range(len(self._rows))]
        return long_enough(results, self._config.min_track)

    def _seconds(self, position: int) -> float:
        seconds = self._rows[position].pts_seconds
        return float(position) if seconds is None else seconds

    def _crop(self, position: int, detections: Sequence[Detection]) -> None:
        for detection in detections:
            if _width(detection) >= self._config.min_face_px:
                face = self._face(self._rows[position], self._images[position], detection)
                self._faces[position, id(detection)] = face

    def _face(self, row: Frame, image: Image, detection: Detection) -> FoundFace:
        try:
            return align_face(row, image, detection, self._config, self._refine)
        except ItemError as error:
            return rejected_face(row, error)

    def _result(self, position: int, chosen: Mapping[int, Detection]) -> FoundFace:
        row, least = self._rows[position], self._config.min_face_px
        if position in self._errors:
            return rejected_face(row, self._errors[position])
        found = self._found[position]
        if not found:
            return rejected_face(row, NoFaceError("no face was found in the frame"))
        face = chosen.get(position)
        width = _width(face) if face else max(_width(other) for other in found)
        if width < least:
            return rejected_face(row, SmallFaceError(f"the face is {width:.1f} px wide; the least is {least:g} px"))
        if face is None:
            return rejected_face(row, OtherFaceError(f"the frame's {len(found)} face(s) are not of the clip's person"))
        return self._faces[position, id(face)]


def long_enough(results: list[FoundFace], least: int) -> list[FoundFace]:
    """The results of a clip, or, where it has too few faces, a rejection of each face."""
    num_faces = sum(result.jpeg is not None for result in results)
    if num_faces >= least:
        return results
    error = ShortTrackError(f"the clip has {num_faces} face(s) of its person; the least is {least}")
    return [result if result.jpeg is None else rejected_face(result.row, error) for result in results]


def align_face(
    row: Frame, image: Image, detection: Detection, config: FaceConfig, refine: Refine | None = None
) -> FoundFace:
    """Align, crop, measure and encode one face.

    Raises:
        LandmarksError: the landmarks are not a face's.
        BlurredError: the crop is not sharp enough.
    """
    landmarks = detection.landmarks if refine is None else refine(image, detection.box)
    anchors = anchor_points(landmarks)
    alignment = fit_alignment(anchors, template_points(config.template, config.margin, config.size_px))
    crop = crop_face(image, alignment, config.size_px)
    measured = quality.measure(crop, anchors)
    if measured.sharpness < config.min_sharpness:
        raise BlurredError(f"sharpness is {measured.sharpness:.1f}; the least is {config.min_sharpness:g}")
    face = replace(
        blank_face(row),
        score=float(detection.score),
        box=tuple(detection.box.tolist()),
        face_width_px=_width(detection),
        landmarks=tuple(np.asarray(landmarks, np.float64).ravel().tolist()),
        alignment=tuple(alignment.ravel().tolist()),
        template=config.template,
        margin=config.margin,
        **asdict(measured),
    )
    return FoundFace(row=face, jpeg=pictures.encode(crop))


def rejected_face(row: Frame | Face, error: ItemError) -> FoundFace:
    """A frame that gave no face, and why."""
    return FoundFace(row=replace(blank_face(row), reason=error.reason, detail=str(error)), jpeg=None)


def blank_face(row: Frame | Face) -> Face:
    """What a face has from its frame."""
    return Face(
        identity=row.identity,
        video=row.video,
        clip=row.clip,
        frame=row.frame,
        source_frame=row.source_frame,
        pts_seconds=row.pts_seconds,
    )


def _width(detection: Detection) -> float:
    return float(detection.box[2] - detection.box[0])
