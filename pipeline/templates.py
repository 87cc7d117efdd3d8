"""Where the landmarks of an aligned face lie: named sets of five points in crop pixels.

Convention:
    - Points are (5, 2) float64, x then y, in the order left eye, right eye, nose tip, left mouth corner, right
      mouth corner; left and right are those of the picture.
    - The unit is the pixel of a 256x256 crop; x grows to the right and y grows downwards.
    - Pixel centres lie at integer coordinates: the crop spans -0.5 to 255.5 and its centre is (127.5, 127.5).
    - Another crop size scales the crop as an area, edges onto edges, so that a resized crop is the smaller crop.
    - A margin m keeps the centre and divides every distance from it by 1 + 2m: there is room for m times what the
      crop showed without it on each side.
"""

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError

Points = NDArray[np.float64]
"""(N, 2) float64, x then y."""

CROP_PX = 256
"""Side of the crop that the templates are written for."""


def _resized(points: Points, from_px: float, to_px: float) -> Points:
    return (points + 0.5) * (to_px / from_px) - 0.5


def _tcae() -> Points:
    """Our crop: the whole face, with forehead and chin, inside the middle 200 pixels.

    The eyes are 68 px apart, so the crop is 3.8 eye distances wide: TCAE's loader cuts the middle 200 to 224 pixels out
    of the 256, and hairline (about 1.1 eye distances above the eyes) and chin (2.0 below) must survive that. Nose and
    mouth stand at the mean of what the detector gives on frontal faces, made symmetric.
    """
    middle_x, eyes_y, eye_distance = 127.5, 98.0, 68.0
    shape = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.52], [-0.405, 1.1], [0.405, 1.1]])
    return np.array([middle_x, eyes_y]) + eye_distance * shape


def _arcface() -> Points:
    """The usual 112x112 crop of face recognition (ArcFace, InsightFace): ours, reduced to 112 pixels, is theirs."""
    points = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    return _resized(np.array(points), 112, CROP_PX)


_TEMPLATES = MappingProxyType({"tcae": _tcae(), "arcface": _arcface()})

template_names: tuple[str, ...] = tuple(_TEMPLATES)
"""What ``template_points`` knows; the first is the default."""


def template_points(name: str, margin: float = 0.0, size_px: int = CROP_PX) -> Points:
    """The five points that an alignment aims at, (5, 2) float64 in pixels of a crop of ``size_px``.

    Args:
        name: One of ``template_names``.
        margin: Extra room on each side as a fraction of the crop, at least 0.
        size_px: Side of the crop.

    Raises:
        ConfigError: there is no such template, or ``margin`` or ``size_px`` makes no crop.
    """
    if name not in _TEMPLATES:
        raise ConfigError(f"there is no template {name!r}; the templates are {', '.join(template_names)}")
    if not 0 <= margin <= 2:
        raise ConfigError(f"margin is {margin}; it is a fraction of the crop from 0 to 2")
    if size_px < 1:
        raise ConfigError(f"size_px is {size_px}; a crop has at least 1 pixel")
    centre = (CROP_PX - 1) / 2
    return _resized(centre + (_TEMPLATES[name] - centre) / (1 + 2 * margin), CROP_PX, size_px)
