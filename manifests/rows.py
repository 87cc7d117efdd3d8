"""One frozen row type per table; a column is a field and its meaning stands under it.

A row either carries a result or, in the same table, says why there is none: then ``reason`` is set,
``detail`` has the message, and the columns of the result are null.
"""

from dataclasses import dataclass
from typing import NamedTuple


class ClipKey(NamedTuple):
    """What names a clip everywhere, and what its shard is a hash of."""

    identity: str
    video: str
    clip: int

    def __str__(self) -> str:
        """The clip's folder below ``frames/`` and ``faces/``."""
        return f"{self.identity}/{self.video}/{self.clip}_folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """What every row of a clip starts with."""

    identity: str
    """The person; the unit of every split."""
    video: str
    """What was uploaded."""
    clip: int
    """N of ``N_folder``: the clip's number within its video, given once."""

    @property
    def key(self) -> ClipKey:
        """The clip that this row belongs to."""
        return ClipKey(self.identity, self.video, self.clip)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(Keyed):
    """Table ``clips``: one row for each clip that a source tree has."""

    name: str
    """The clip's own name in its source: a file, an image folder or a track."""
    layout: str
    """What the source tree was taken for, e.g. ``voxceleb2``."""
    source: str
    """The source tree's absolute path or URL."""
    path: str
    """The media file, or the folder of images, relative to ``source``."""
    media: str
    """``video`` or ``images``."""
    start_seconds: float | None = None
    """Where a track cut out of a longer video starts, in that video's time; null: the whole file."""
    end_seconds: float | None = None
    """Where it ends, half open."""
    track_path: str | None = None
    """The ``txt`` track file that names the person, relative to ``source``."""
    track_unit: str | None = None
    """``px360`` (VoxCeleb1: pixels of a 360-high frame) or ``fraction`` (VoxCeleb2)."""
    official_split: str | None = None
    """``dev`` or ``test`` where the data set itself assigns the identity."""
    num_bytes: int = 0
    """Size of the media (for images: of all of them)."""
    modified_ns: int = 0
    """Modification time of the media in nanoseconds (for images: the newest)."""
    reason: str | None = None
    """Why this entry of the source tree cannot be a clip."""
    detail: str | None = None
    """The message that goes with ``reason``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Keyed):
    """Table ``frames``: one row for each kept frame, or one for a clip that gave none."""

    frame: int | None = None
    """k, from 0: the frame is the first at or after k / fps seconds."""
    source_frame: int | None = None
    """Its 0-based index among the clip's presented frames; of an image, its number, from its layout's first."""
    pts_seconds: float | None = None
    """Its own time stamp, counted from the clip's first presented frame; null for images."""
    file: str | None = None
    """The picture, relative to the workspace; null where frames were not kept on disk."""
    width_px: int | None = None
    """Width after rotation by metadata."""
    height_px: int | None = None
    """Height after rotation by metadata."""
    num_decode_errors: int | None = None
    """Damaged pictures that the decoder reported in the whole clip (``pipeline/video.py`` defines it)."""
    track_box: tuple[float, ...] | None = None
    """x0 y0 x1 y1 in frame pixels of the person named by the clip's track file at this time."""
    crc32: int | None = None
    """Of the file's bytes."""
    fingerprint: str = ""
    """What this row was made from; see ``provenance.py``."""
    reason: str | None = None
    """Why the clip gave no frame."""
    detail: str | None = None
    """The message that goes with ``reason``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face(Keyed):
    """Table ``faces``: one row for each frame, with its aligned face or the reason for none."""

    frame: int | None = None
    """k, from 0, as in ``frames``."""
    source_frame: int | None = None
    """As in ``frames``."""
    pts_seconds: float | None = None
    """As in ``frames``."""
    file: str | None = None
    """The 256x256 crop, relative to the workspace."""
    score: float | None = None
    """The detector's probability of a face, in 0-1."""
    box: tuple[float, ...] | None = None
    """x0 y0 x1 y1 in frame pixels, half open."""
    face_width_px: float | None = None
    """Width of ``box``."""
    landmarks: tuple[float, ...] | None = None
    """x then y of 5 points (or 68 with ``fan``) in frame pixels, flat."""
    alignment: tuple[float, ...] | None = None
    """The 2x3 similarity from frame pixels to crop pixels, row major."""
    template: str | None = None
    """The template that ``alignment`` aims at."""
    margin: float | None = None
    """Extra room around the template, a fraction of the crop."""
    detector: str | None = None
    """What found the box and the landmarks."""
    weights: str | None = None
    """SHA-256 (first 16 hex digits) of the weights used."""
    sharpness: float | None = None
    """Variance of the Laplacian of the grey crop; higher is sharper."""
    brightness: float | None = None
    """Mean grey value of the crop in 0-1."""
    yaw_degrees: float | None = None
    """Estimated from the landmarks; positive turns the face to the picture's right."""
    pitch_degrees: float | None = None
    """Estimated from the landmarks; positive looks up."""
    roll_degrees: float | None = None
    """Angle of the line through the eyes; positive turns clockwise in the picture."""
    crc32: int | None = None
    """Of the file's bytes."""
    fingerprint: str = ""
    """What this row was made from; see ``provenance.py``."""
    reason: str | None = None
    """Why this frame gave no face."""
    detail: str | None = None
    """The message that goes with ``reason``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Table ``identities``: one row for each person, with the split."""

    identity: str
    """The person."""
    split: str | None
    """``train``, ``val``, ``test`` or ``excluded``; null for a person without a pair."""
    official_split: str | None
    """``dev`` or ``test`` where the data set itself assigns the identity."""
    num_videos: int
    """Videos with at least one face."""
    num_tracks: int
    """Tracks with at least two faces (one face gives no pair)."""
    num_single_tracks: int
    """Tracks with exactly one face."""
    num_faces: int
    """Faces in all tracks."""
    reason: str | None = None
    """Why the person is in no split: ``no_pair``."""


type_of_table: dict[str, type] = {"clips": Clip, "frames": Frame, "faces": Face, "identities": Identity}
"""The row type of each manifest that is a folder of parts."""
