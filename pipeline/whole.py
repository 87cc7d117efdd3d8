"""Pictures that are face crops already: no detection and no landmarks, only the size is made right.

Sets of expressions come so (RAF-DB's aligned pictures, FER-2013). Where in the crop the eyes lie is the set's own
choice and known to nobody, so such a face has the template ``none``, and neither score, landmarks nor angles.

Convention:
    - Edges go onto edges: a frame pixel x is the crop pixel scale * (x + 0.5) - 0.5, pixel centres at integers.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from tcae.manifests.errors import ItemError
from tcae.manifests.rows import Frame
from tcae.pipeline import pictures, quality
from tcae.pipeline.align import Alignment, crop_face
from tcae.pipeline.faces import (
    BlurredError,
    FaceConfig,
    FoundFace,
    SmallFaceError,
    SourceFrame,
    blank_face,
    long_enough,
    rejected_face,
)
from tcae.pipeline.pictures import Image

NO_TEMPLATE = "none"
"""The template of a face that was aligned by somebody else."""


class NotSquareError(ItemError):
    """A picture that should be a face crop is not square."""

    reason = "not_square"


def take_whole(frames: Iterable[SourceFrame], config: FaceConfig) -> list[FoundFace]:
    """Take every frame of a clip for a face, one result for each, in order.

    Args:
        frames: Those of one clip.
        config: Its ``size_px``, ``min_face_px``, ``min_sharpness`` and ``min_track`` count.
    """
    return long_enough([_taken(row, image, config) for row, image in frames], config.min_track)


def _taken(row: Frame, image: Image | ItemError, config: FaceConfig) -> FoundFace:
    if isinstance(image, ItemError):
        return rejected_face(row, image)
    try:
        return resize_face(row, image, config)
    except ItemError as error:
        return rejected_face(row, error)


def resize_face(row: Frame, image: Image, config: FaceConfig) -> FoundFace:
    """One picture as a face of the size that is wanted.

    Args:
        row: The frame's row.
        image: (H, H, 3) uint8 RGB.
        config: What an aligned face is.

    Raises:
        NotSquareError: the picture's sides differ.
        SmallFaceError: it is narrower than asked for.
        BlurredError: the crop is not sharp enough.
    """
    height, width = image.shape[:2]
    if height != width:
        raise NotSquareError(f"the picture is {width}x{height}; one that is a whole face crop is square")
    if width < config.min_face_px:
        raise SmallFaceError(f"the face is {width} px wide; the least is {config.min_face_px:g} px")
    alignment = scaling(width, config.size_px)
    crop = crop_face(image, alignment, config.size_px)
    sharpness, brightness = quality.measure_light(crop)
    if sharpness < config.min_sharpness:
        raise BlurredError(f"sharpness is {sharpness:.1f}; the least is {config.min_sharpness:g}")
    face = replace(
        blank_face(row),
        box=(0.0, 0.0, float(width), float(height)),
        face_width_px=float(width),
        alignment=tuple(alignment.ravel().tolist()),
        template=NO_TEMPLATE,
        margin=0.0,
        sharpness=sharpness,
        brightness=brightness,
    )
    return FoundFace(row=face, jpeg=pictures.encode(crop))


def scaling(from_px: int, to_px: int) -> Alignment:
    """The similarity that lays the edges of a square picture onto those of the crop, (2, 3)."""
    scale = to_px / from_px
    return np.array([[scale, 0.0, (scale - 1) / 2], [0.0, scale, (scale - 1) / 2]])
