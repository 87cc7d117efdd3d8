"""Contact sheets: pictures as data URIs with what is drawn over them.

Convention:
    - Points are crop pixels, x then y; pixel centres lie at integers, so the picture spans -0.5 to width - 0.5.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from tcae.manifests.errors import ManifestError
from tcae.manifests.face_files import FaceFiles, Read
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tcae.pipeline.pictures import Image, PictureError
from tcae.pipeline.report.sampling import Row
from tcae.pipeline.templates import template_names, template_points

FACE_PX = 160
"""Side of a face on the page."""
FRAME_PX = 240
"""Longer side of a frame on the page."""
QUALITY = 82
"""Of the page's JPEGs; the files on disk stay as they are."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One picture of a sheet; without a picture only its words."""

    source: str | None
    """A ``data:`` URI."""
    width: int = 0
    height: int = 0
    """Of the original in pixels; what is drawn is in these."""
    points: list[Point] = field(default_factory=list)
    """The landmarks that were found."""
    targets: list[Point] = field(default_factory=list)
    """Where the template wants them."""
    identity: str
    place: str
    """Video, clip and frame."""
    words: str
    """What stands under the picture."""

    @property
    def name(self) -> str:
        """What a pointer over the picture says."""
        return f"{self.identity} / {self.place}"


def face_tiles(workspace: Workspace, rows: Iterable[Row], measure: str | None = None) -> list[Tile]:
    """The faces of rows, each with the landmarks found and the template's.

    Args:
        workspace: Where the files lie.
        rows: Rows of ``faces`` with a file.
        measure: The column whose value stands under a face; else its identity stands there.
    """
    files = FaceFiles(workspace)
    return [_face_tile(files, row, measure) for row in rows]


def _face_tile(files: FaceFiles, row: Row, measure: str | None) -> Tile:
    words = row["identity"] if measure is None else words_of(row, measure)
    image = _read(files.workspace.root / row["file"], files.read)
    if image is None:
        return Tile(
            source=None,
            identity=row["identity"],
            place=_place(row),
            words=f"{row['file']} cannot be read; run tcae-prep verify",
        )
    height, width = image.shape[:2]
    return Tile(
        source=data_uri(image, FACE_PX),
        width=width,
        height=height,
        points=crop_points(row["landmarks"], row["alignment"]),
        targets=_targets(row, width),
        identity=row["identity"],
        place=_place(row),
        words=words,
    )


def crop_points(landmarks: list[float] | None, alignment: list[float] | None) -> list[Point]:
    """Landmarks in frame pixels, moved by the alignment to crop pixels.

    Args:
        landmarks: Flat x, y, x, y ..., or None.
        alignment: The 2x3 similarity, row major, or None.
    """
    if landmarks is None or alignment is None:
        return []
    points = np.reshape(landmarks, (-1, 2))
    similarity = np.reshape(alignment, (2, 3))
    moved = points @ similarity[:, :2].T + similarity[:, 2]  # (N, 2)
    return [(round(float(x), 1), round(float(y), 1)) for x, y in moved]


def _targets(row: Row, size_px: int) -> list[Point]:
    if row["template"] not in template_names:
        return []
    points = template_points(row["template"], row["margin"] or 0.0, size_px)
    return [(round(float(x), 1), round(float(y), 1)) for x, y in points]


def frame_tiles(workspace: Workspace, rows: Iterable[Row]) -> list[Tile]:
    """The frames of rejections; only words where the frame is not on disk."""
    return [_frame_tile(workspace, row) for row in rows]


def _frame_tile(workspace: Workspace, row: Row) -> Tile:
    words = row["detail"] or row["reason"]
    image = None if row.get("frame") is None else _frame_image(workspace, row)
    if image is None:
        return Tile(source=None, identity=row["identity"], place=_place(row), words=words)
    height, width = image.shape[:2]
    return Tile(
        source=data_uri(image, FRAME_PX),
        width=width,
        height=height,
        identity=row["identity"],
        place=_place(row),
        words=words,
    )


def _frame_image(workspace: Workspace, row: Row) -> Image | None:
    key = ClipKey(row["identity"], row["video"], row["clip"])
    for suffix in (".jpg", ".png"):
        path = workspace.picture("frames", key, row["frame"], suffix)
        if path.exists():
            return _read(path)
    return None


def _read(path: Path, read: Read = Path.read_bytes) -> Image | None:
    try:
        return pictures.decode(read(path), path.name)
    except (PictureError, OSError, ManifestError):
        return None


def data_uri(image: Image, longer_px: int) -> str:
    """A picture, made no larger than ``longer_px``, as the text of a JPEG."""
    height, width = image.shape[:2]
    scale = min(1.0, longer_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def words_of(row: Row, measure: str) -> str:
    """A measure as it stands under a picture."""
    if measure == "turn":
        return f"yaw {row['yaw_degrees']:+.0f}° pitch {row['pitch_degrees']:+.0f}°"
    return f"score {row[measure]:.4f}" if measure == "score" else f"{measure} {row[measure]:.1f}"


def _place(row: Row) -> str:
    place = f"{row['video']} / clip {row['clip']}"
    return place if row.get("frame") is None else f"{place} / frame {row['frame']}"
