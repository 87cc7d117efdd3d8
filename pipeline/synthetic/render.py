"""Draw a head with OpenCV's rasteriser: where each pixel looks in the atlas and how it faces, then light and noise.

Convention: as in ``pack.py``; a rotation is roll after pitch after yaw, so that roll turns the finished picture.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.pipeline.pictures import Image
from tcae.pipeline.synthetic.appearance import ATLAS_SIZE, Atlas, corner_places
from tcae.pipeline.synthetic.pack import Floats, HeadPack

SIZE = 224
"""Height and width of a frame, as in VoxCeleb2."""

DRAWN_SIZE = 336
"""Heads are drawn this high and wide and averaged down, so that edges are smooth."""

FACE_WIDTH_MM = 145.0
"""Of the reference head, cheekbone to cheekbone."""

SCALP_RANGE_MM = 60.0
"""Distances from the hairline are drawn within +- this."""

_NEAR, _FAR = 100.0, 5000.0
_ROW = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """What stays the same in every frame of a clip."""

    atlas: Atlas
    hairline: float
    """Millimetres; see ``Person``."""
    background: Floats
    """(224, 224, 3) in 0-1."""
    light: Floats
    """(3,): unit vector from the head to the light."""
    light_colour: Floats
    """(3,)."""
    ambient: Floats
    """(3,): light from everywhere, a little more from above."""
    shine: float
    """Strength of highlights."""
    distance_mm: float
    """From the camera to the head's joint."""
    face_width_px: float
    """Of the reference head in a frame, seen from the front."""
    centre_px: tuple[float, float]
    """Where in the frame the point between eyes and mouth lies, x right and y down."""
    blur_px: float
    """Standard deviation of the lens' blur."""
    noise: float
    """Standard deviation of the film noise, in 0-255."""


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """The 3x3 matrix of a pose in degrees: positive yaw turns to +x, positive pitch to +y, positive roll +y to +x."""
    (sin_y, sin_p, sin_r), (cos_y, cos_p, cos_r) = (trig(np.radians((yaw, -pitch, -roll))) for trig in (np.sin, np.cos))
    about_y = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    about_x = np.array([[1, 0, 0], [0, cos_p, -sin_p], [0, sin_p, cos_p]])
    about_z = np.array([[cos_r, -sin_r, 0], [sin_r, cos_r, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float32)


def move(pack: HeadPack, shape: Floats, weights: Floats, angles: Floats) -> Floats:
    """(n, 3): a head with actions at ``weights`` (actions,), turned by ``angles`` (3,): yaw, pitch, roll in degrees."""
    points = shape.copy()
    for index in np.flatnonzero(weights):
        points += weights[index] * pack.actions[index]
    turned = np.einsum("nc,dc->nd", points, rotation(*(float(angle) for angle in angles)))
    return np.asarray(points + pack.turn[:, None] * (turned - points), np.float32)


def normals(points: Floats, faces: NDArray[np.int32]) -> Floats:
    """(n, 3): unit normals of the vertices, each the mean of its triangles' normals weighted by their areas."""
    edges = points[faces]
    face_normals = np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0])
    result = np.empty_like(points)
    for axis in range(3):
        sums = np.bincount(faces.ravel(), np.repeat(face_normals[:, axis], 3), len(points))
        result[:, axis] = sums
    return np.asarray(result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-9), np.float32)


class Renderer:
    """Draws the heads of one pack; keeps what does not change from frame to frame."""

    def __init__(self, pack: HeadPack) -> None:
        self.pack = pack
        places = corner_places(pack) / (ATLAS_SIZE[1], ATLAS_SIZE[0])
        scalp = np.where(pack.corner_part == 0, pack.scalp[pack.corner_vertex], -SCALP_RANGE_MM)
        level = np.clip(scalp / SCALP_RANGE_MM, -1, 1) / 2 + 0.5
        self.looks = np.ascontiguousarray(np.column_stack([places, level]).astype(np.float32))
        self.settings: Any = cv2.TriangleRasterizeSettings()
        self.settings = self.settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
        self.settings = self.settings.setCullingMode(cv2.RASTERIZE_CULLING_CW)

    def with_hair(self, shape: Floats, hairline: float, volume: float) -> Floats:
        """(n, 3): the head with its hair standing off by ``volume`` mm."""
        rise = np.clip((self.pack.scalp - hairline) / 18, 0, 1)
        grown = shape + volume * (rise * (2 - rise))[:, None] * normals(shape, self.pack.faces)
        return np.asarray(grown, np.float32)

    def draw(self, points: Floats, scene: Scene, shift: Floats, rng: np.random.Generator) -> Image:
        """One frame.

        Args:
            points: (n, 3) from ``move``.
            scene: The clip's scene.
            shift: (3,): x right and y down in frame pixels, and the relative change of size.
            rng: For the noise.

        Returns:
            (224, 224, 3) uint8 RGB.
        """
        looks, lit, cover = self._rasterise(points, scene, shift)
        colour = _shade(looks, lit, cover, scene)
        small = cv2.resize(colour, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(cover.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        frame = small + scene.background * (1 - alpha[..., None])
        sharp = cv2.GaussianBlur(frame, (0, 0), scene.blur_px)
        noisy = 255 * sharp + scene.noise * rng.standard_normal(sharp.shape, np.float32)
        return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)

    def _rasterise(self, points: Floats, scene: Scene, shift: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Where to look, and how lit it is (both (S, S, 3)), and where there is a head (S, S)."""
        size = DRAWN_SIZE
        focal = scene.face_width_px * (1 + shift[2]) * scene.distance_mm / FACE_WIDTH_MM
        aside = (scene.centre_px[0] + shift[0] - SIZE / 2) * scene.distance_mm / focal
        down = (scene.centre_px[1] + shift[1] - SIZE / 2) * scene.distance_mm / focal
        placed = (points + np.array((aside, -down, -scene.distance_mm))).astype(np.float32)
        corners = np.ascontiguousarray(placed[self.pack.corner_vertex])
        light = _light(normals(points, self.pack.faces), scene)[self.pack.corner_vertex]
        angle = float(2 * np.arctan(SIZE / 2 / focal))
        pictures = []
        for values in (self.looks, light):
            picture, depth = np.zeros((size, size, 3), np.float32), np.full((size, size), _FAR, np.float32)
            camera = np.eye(4, dtype=np.float32)
            cv2.triangleRasterize(
                corners, self.pack.triangles, values, picture, depth, camera, angle, _NEAR, _FAR, self.settings
            )
            pictures.append(picture)
        return pictures[0], pictures[1], depth < _FAR


def _light(facing: Floats, scene: Scene) -> Floats:
    """(n, 3) in 0-1: the share of the light, of the highlight (Blinn-Phong) and of the ambient light at each vertex."""
    half = scene.light + np.array((0, 0, 1), np.float32)
    half /= np.linalg.norm(half)
    lit = (facing @ scene.light + 0.15) / 1.15
    shine = np.clip(facing @ half, 0, 1) ** 24
    return np.asarray(np.clip(np.column_stack([lit, shine, 0.8 + 0.2 * facing[:, 1]]), 0, 1), np.float32)


def _shade(looks: Floats, lit: Floats, cover: NDArray[np.bool_], scene: Scene) -> Floats:
    """(S, S, 3): colour under the scene's light, 0 where there is no head."""
    looks, lit = looks[cover], lit[cover]  # (P, 3)
    skin, hair = (_look_up(picture, looks) for picture in (scene.atlas.skin, scene.atlas.hair))
    scalp = (looks[:, 2] * 2 - 1) * SCALP_RANGE_MM - scene.hairline
    grown = np.clip((scalp + 3 * hair[:, 3]) / 4 + 0.5, 0, 1)[:, None]
    colour = skin[:, :3] + grown * (hair[:, :3] - skin[:, :3])
    shine = scene.shine * skin[:, 3:] * (1 - 0.6 * grown) * lit[:, 1:2]
    shaded = np.zeros((*cover.shape, 3), np.float32)
    shaded[cover] = colour * (lit[:, 2:] * scene.ambient + lit[:, :1] * scene.light_colour) + shine * scene.light_colour
    return shaded


def _look_up(picture: Floats, looks: Floats) -> Floats:
    """(P, 4): the atlas at P places; OpenCV wants a picture of places with sides below 32768."""
    places = np.zeros((-(-len(looks) // _ROW) * _ROW, 2), np.float32)
    places[: len(looks)] = looks[:, :2] * (ATLAS_SIZE[1], ATLAS_SIZE[0])
    rows = places.reshape(-1, _ROW, 2)
    found = cv2.remap(picture, rows[..., 0], rows[..., 1], cv2.INTER_LINEAR)
    return np.asarray(found.reshape(-1, picture.shape[2])[: len(looks)], np.float32)
