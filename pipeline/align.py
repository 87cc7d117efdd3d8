"""Landmarks to a similarity, and a similarity to the square crop of the aligned face.

Convention:
    - Points are x then y; images are indexed row (y) then column (x).
    - The unit is the pixel and pixel centres lie at integer coordinates: the middle of the first pixel is (0, 0).
    - An alignment maps frame pixels to crop pixels: crop = alignment[:, :2] @ frame + alignment[:, 2].
    - A similarity turns, scales and shifts; it never mirrors.
    - What lies outside the frame repeats the frame's nearest edge pixel.
"""

import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ItemError
from tcae.pipeline.pictures import Image
from tcae.pipeline.templates import CROP_PX, Points

Alignment = NDArray[np.float64]
"""(2, 3) float64: a similarity from frame pixels to crop pixels."""

MIN_THICKNESS: Final = 0.05
"""Least ratio of the landmarks' spread across their main axis to that along it; a profile has about 0.3."""

MIN_FIT: Final = 0.4
"""Least correlation of landmarks and template after the similarity; faces have 0.8 to 1, mirrored points 0.1."""

_REGION_PAD_PX: Final = 4
_ANCHORS_OF_68: Final = (slice(36, 42), slice(42, 48), slice(30, 31), slice(48, 49), slice(54, 55))


class LandmarksError(ItemError):
    """The landmarks of a face are not the shape of a face."""

    reason = "landmarks"


def anchor_points(landmarks: Points) -> Points:
    """The five points that templates are made of: eye centres, nose tip, mouth corners.

    Args:
        landmarks: (5, 2), returned as they are, or (68, 2) in the order of the 300-W annotation (iBUG).

    Returns:
        (5, 2) float64.

    Raises:
        LandmarksError: another number of points, or one that is not finite.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape not in ((5, 2), (68, 2)):
        raise LandmarksError(f"landmarks have shape {points.shape}; a face has (5, 2) or (68, 2)")
    if not np.isfinite(points).all():
        raise LandmarksError(f"landmarks are not finite: {points.round(1).tolist()}")
    if len(points) == 5:
        return points
    return np.stack([points[part].mean(axis=0) for part in _ANCHORS_OF_68])


def fit_alignment(landmarks: Points, template: Points) -> Alignment:
    """The similarity without mirroring that brings the landmarks nearest to the template, in crop pixels squared.

    In the plane Umeyama's problem (PAMI 13(4), 1991) is a complex regression, crop = a * frame + b, with
    a = sum(conj(frame') crop') / sum(abs(frame')^2) over the centred points.

    Args:
        landmarks: (5, 2) or (68, 2) in frame pixels.
        template: (5, 2) in crop pixels.

    Returns:
        (2, 3) float64.

    Raises:
        LandmarksError: the points coincide, lie on one line, are not finite, or do not resemble the template.
    """
    points = anchor_points(landmarks)
    _check_spread(points)
    frame, crop = points @ (1, 1j), np.asarray(template, np.float64) @ (1, 1j)
    frame_mean, crop_mean = frame.mean(), crop.mean()
    frame, crop = frame - frame_mean, crop - crop_mean
    product, power = np.vdot(frame, crop), np.vdot(frame, frame).real
    fit = abs(product) / math.sqrt(power * np.vdot(crop, crop).real)
    if fit < MIN_FIT:
        raise LandmarksError(f"landmarks resemble the template by {fit:.2f} of 1; a face has at least {MIN_FIT}")
    turn = product / power
    shift = crop_mean - turn * frame_mean
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _check_spread(points: Points) -> None:
    along, across = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if along < 1e-6 or across < MIN_THICKNESS * along:
        raise LandmarksError(f"landmarks coincide or lie on one line: {points.round(1).tolist()}")


def inverse(alignment: Alignment) -> Alignment:
    """The similarity from crop pixels back to frame pixels, (2, 3)."""
    linear = np.linalg.inv(alignment[:, :2])
    return np.column_stack([linear, -linear @ alignment[:, 2]])


def apply(alignment: Alignment, points: Points) -> Points:
    """Points (N, 2) moved by an alignment."""
    return points @ alignment[:, :2].T + alignment[:, 2]


def crop_face(image: Image, alignment: Alignment, size_px: int = CROP_PX) -> Image:
    """Draw the aligned face.

    Bilinear. Shrinking by f first averages blocks of floor(f) pixels, then smooths with a Gaussian of
    sigma = 0.5 sqrt(r^2 - 1) pixels for what remains, r = f / floor(f), so that nothing finer than a crop pixel folds
    back. Only the part of the frame that the crop shows is touched.

    Args:
        image: The frame, (H, W, 3) uint8 RGB.
        alignment: (2, 3), frame pixels to crop pixels.
        size_px: Side of the crop.

    Returns:
        (size_px, size_px, 3) uint8 RGB.
    """
    shrink = 1 / math.hypot(alignment[0, 0], alignment[1, 0])
    region, origin = _region(image, alignment, size_px, pad_px=math.ceil(_REGION_PAD_PX * max(1.0, shrink)))
    block = max(1, math.floor(shrink))
    if block > 1:
        region = _block_means(region, block)
    if shrink / block > 1:
        sigma = 0.5 * math.sqrt((shrink / block) ** 2 - 1)
        region = _rgb(cv2.GaussianBlur(region, (0, 0), max(sigma, 0.05), borderType=cv2.BORDER_REPLICATE))
    # A pixel u of the reduced region has its centre at block * (u + 0.5) - 0.5 + origin of the frame.
    to_frame = np.array([[block, 0, (block - 1) / 2 + origin[0]], [0, block, (block - 1) / 2 + origin[1]], [0, 0, 1]])
    region = _rgb(cv2.cvtColor(region, cv2.COLOR_RGB2RGBA))  # OpenCV warps four channels twice as fast as three
    crop = cv2.warpAffine(region, alignment @ to_frame, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE)
    return _rgb(cv2.cvtColor(crop, cv2.COLOR_RGBA2RGB))


def _region(image: Image, alignment: Alignment, size_px: int, pad_px: int) -> tuple[Image, tuple[int, int]]:
    """The part of the frame under the crop, at least one pixel of it, and the frame position of its first pixel."""
    low, high = -0.5, size_px - 0.5
    corners = apply(inverse(alignment), np.array([[low, low], [high, low], [low, high], [high, high]]))
    height, width = image.shape[:2]
    limits = (width, height)
    first = [min(max(math.floor(corners[:, i].min()) - pad_px, 0), limits[i] - 1) for i in (0, 1)]
    stop = [max(min(math.ceil(corners[:, i].max()) + pad_px + 1, limits[i]), first[i] + 1) for i in (0, 1)]
    return image[first[1] : stop[1], first[0] : stop[0]], (first[0], first[1])


def _block_means(image: Image, block: int) -> Image:
    """Means over blocks of ``block`` x ``block`` pixels; the last ones repeat the edge."""
    height, width = image.shape[:2]
    below, right = -height % block, -width % block
    padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = ((width + right) // block, (height + below) // block)
    return _rgb(cv2.resize(padded, size, interpolation=cv2.INTER_AREA))


def _rgb(image: NDArray[Any]) -> Image:
    """OpenCV's stubs forget that the type of a picture is kept."""
    return np.asarray(image, dtype=np.uint8)
