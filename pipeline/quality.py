"""Numbers that say how good an aligned face is: sharpness, brightness, and where the head points.

Convention:
    - Angles are degrees, those of the columns in ``manifests/rows.py``.
    - Positive roll turns the face clockwise in the picture: the eye on the right is lower.
    - Positive yaw turns the face to the picture's right.
    - Positive pitch looks up.
    - Landmarks are (5, 2) in frame pixels, x right and y down, in the order of ``templates.py``.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from tcae.pipeline.pictures import Image
from tcae.pipeline.templates import Points

_HEAD_MM = np.array([[-31.5, 0.0, 0.0], [31.5, 0.0, 0.0], [0.0, 33.0, -35.0], [-25.5, 69.0, -6.0], [25.5, 69.0, -6.0]])
"""(5, 3): a rough adult face, x right and y down in the picture, z away from the camera.

The eyes are 63 mm apart (mean interpupillary distance); the rest are round figures: the frontal shape is that of the
``tcae`` template, the nose tip stands 35 mm and the mouth corners 6 mm before the eyes.
"""

_CAMERA_FROM_POINTS = np.linalg.pinv(_HEAD_MM - _HEAD_MM.mean(axis=0))
"""(3, 5): centred landmarks to the affine camera that fits them best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The quality columns of one face."""

    sharpness: float
    """Variance of the Laplacian of the grey crop; 0 for a flat picture."""
    brightness: float
    """Mean grey value in 0-1."""
    yaw_degrees: float
    """In -90 to 90."""
    pitch_degrees: float
    """In -90 to 90."""
    roll_degrees: float
    """In -180 to 180."""


def measure(crop: Image, landmarks: Points) -> Quality:
    """Measure one face.

    Args:
        crop: The aligned face, (H, W, 3) uint8 RGB.
        landmarks: Its five points in frame pixels, (5, 2), not all on one line.
    """
    sharpness, brightness = measure_light(crop)
    yaw, pitch, roll = head_angles(landmarks)
    return Quality(
        sharpness=sharpness,
        brightness=brightness,
        yaw_degrees=yaw,
        pitch_degrees=pitch,
        roll_degrees=roll,
    )


def measure_light(crop: Image) -> tuple[float, float]:
    """The sharpness and the brightness of a crop, (H, W, 3) uint8 RGB; see ``Quality``."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return float(deviation.item() ** 2), float(cv2.mean(grey)[0] / 255)


def head_angles(landmarks: Points) -> tuple[float, float, float]:
    """Estimate where the head points from five landmarks: yaw, pitch and roll in degrees.

    A generic face is laid over the points under weak perspective (POS, DeMenthon and Davis, IJCV 15, 1995): the affine
    camera by least squares, then the nearest scaled rotation. Yaw and pitch are the direction in which its nose points;
    roll is the slope of the line through the eyes. A person's own proportions and the detector's noise make errors of
    some ten degrees; order and sign are what these columns are for.
    """
    camera = (_CAMERA_FROM_POINTS @ (landmarks - landmarks.mean(axis=0))).T
    left, _, right = np.linalg.svd(camera, full_matrices=False)
    away = (left @ right)[:, 2]  # x and y in the picture of the head's axis from nose to nape, of length 0-1
    x, y = (max(-1.0, min(1.0, float(value))) for value in away)
    across = landmarks[1] - landmarks[0]
    return math.degrees(math.asin(-x)), math.degrees(math.asin(y)), math.degrees(math.atan2(across[1], across[0]))
