"""Paint a person's surface: one picture, the *atlas*, that the corners of the mesh look their colours up in.

Convention: skin lies in the atlas as the reference head seen from the front, ``PX_PER_MM`` pixels to the millimetre;
right of it stand tiles for eyes, mouth cavity, teeth and tongue. Atlas coordinates are pixels, x right and y down.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike

from tcae.pipeline.synthetic.identity import Person
from tcae.pipeline.synthetic.pack import PARTS, Floats, HeadPack

PX_PER_MM = 2.0
HALF_WIDTH_MM, TOP_MM, BOTTOM_MM = 110.0, 170.0, -150.0
SKIN_WIDTH, SKIN_HEIGHT = round(2 * HALF_WIDTH_MM * PX_PER_MM), round((TOP_MM - BOTTOM_MM) * PX_PER_MM)
TILE = 96
ATLAS_SIZE = (SKIN_HEIGHT, SKIN_WIDTH + TILE)
"""Rows and columns."""

COLLAR_MM = -96.0
"""Clothes start below this height at the middle."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Atlas:
    """The painted surface of one person in one set of clothes."""

    skin: Floats
    """(rows, columns, 4): sRGB in 0-1, and gloss in 0-1."""
    hair: Floats
    """(rows, columns, 4): sRGB of the hair, and the raggedness of its edge in -1 to 1."""


def corner_places(pack: HeadPack) -> Floats:
    """(k, 2): where in the atlas each corner looks."""
    points = pack.reference[pack.corner_vertex]
    places = skin_place(points[:, :2])
    for part in range(1, len(PARTS)):
        chosen = pack.corner_part == part
        if chosen.any():
            places[chosen] = _tile_places(PARTS[part], points[chosen]) + _tile_corner(part)
    return np.asarray(places, np.float32)


def skin_place(points: Floats) -> Floats:
    """(..., 2) atlas pixels of (..., 2) points of the front view in mm."""
    x = np.clip(points[..., 0], -HALF_WIDTH_MM + 1, HALF_WIDTH_MM - 1)
    y = np.clip(points[..., 1], BOTTOM_MM + 1, TOP_MM - 1)
    return np.asarray(np.stack([(x + HALF_WIDTH_MM) * PX_PER_MM, (TOP_MM - y) * PX_PER_MM], -1), np.float32)


def _tile_corner(part: int) -> tuple[float, float]:
    return SKIN_WIDTH, part * TILE


def _tile_places(part: str, points: Floats) -> Floats:
    """(k, 2) in 0 to ``TILE``: eyes as seen from the front around their centres, the mouth by its depth."""
    if part == "eye":
        centre = np.where(points[:, :1] > 0, points[points[:, 0] > 0].mean(0), points[points[:, 0] <= 0].mean(0))
        radius = np.abs(points - centre)[:, 1].max()
        return np.asarray(TILE * (0.5 + 0.45 * ((points - centre) / radius)[:, :2] * (1, -1)), np.float32)
    depth = (points[:, 2].max() - points[:, 2]) / max(np.ptp(points[:, 2]), 1e-6)
    return np.asarray(TILE * np.stack([np.full_like(depth, 0.5), 0.05 + 0.9 * depth], -1), np.float32)


def paint(pack: HeadPack, person: Person, clothes: Floats) -> Atlas:
    """Paint the atlas of one person.

    Args:
        pack: The head.
        person: The colours.
        clothes: (3,) sRGB in 0-1.
    """
    rng = np.random.default_rng(person.texture_seed)
    picture = np.empty((*ATLAS_SIZE, 4), np.float32)
    picture[..., :3] = person.skin
    picture[..., 3] = 0.35
    skin = picture[:, :SKIN_WIDTH]
    _paint_skin(skin, pack, person, rng)
    _paint_brows(skin, pack, person, rng)
    _paint_clothes(skin, clothes)
    _paint_tiles(picture, person)
    strands = 0.6 * _noise(rng, (1.2, 14)) + 0.4 * _noise(rng, (5, 30))
    hair = np.zeros_like(picture)
    hair[..., :3] = person.hair
    hair[:, :SKIN_WIDTH, :3] *= (1 + 0.28 * strands)[..., None]
    hair[:, :SKIN_WIDTH, 3] = _noise(rng, (2, 6))
    return Atlas(skin=np.clip(picture, 0, 1), hair=np.clip(hair, -1, 1))


def _noise(rng: np.random.Generator, sigmas: tuple[float, float]) -> Floats:
    """Smooth noise over the skin: mean 0, standard deviation about 0.5, within -1 to 1."""
    noise = rng.standard_normal((SKIN_HEIGHT, SKIN_WIDTH)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigmaX=sigmas[0], sigmaY=sigmas[1])
    return np.asarray(np.clip(smooth / (2 * smooth.std()), -1, 1), np.float32)


def _millimetres() -> tuple[Floats, Floats]:
    """The x and the y of every pixel of the skin, in mm."""
    x = (np.arange(SKIN_WIDTH, dtype=np.float32) + 0.5) / PX_PER_MM - HALF_WIDTH_MM
    y = TOP_MM - (np.arange(SKIN_HEIGHT, dtype=np.float32) + 0.5) / PX_PER_MM
    return np.meshgrid(x, y)[0], np.meshgrid(x, y)[1]


@lru_cache(maxsize=2)
def _outlines(pack: HeadPack) -> tuple[Floats, Floats]:
    """(rows, columns) in 0-1: the open eyes, and the lips, of the reference head."""
    eyes = _front_view(pack, np.asarray(pack.corner_part == PARTS.index("eye"), np.float32))
    lips = _front_view(pack, np.where(pack.corner_part == 0, pack.lips[pack.corner_vertex], np.float32(1)))
    lips[: round(TOP_MM * PX_PER_MM)] = 0  # other parts show above the mouth too
    return eyes, lips


def _front_view(pack: HeadPack, values: Floats) -> Floats:
    """A value per corner, drawn over the skin from the front: what lies nearest wins."""
    points = pack.reference[pack.corner_vertex]
    order = np.argsort(points[pack.triangles][:, :, 2].mean(1), kind="stable")
    picture = np.zeros((SKIN_HEIGHT, SKIN_WIDTH), np.float32)
    places = np.round(skin_place(points[:, :2]) * 16).astype(np.int32)
    for triangle in pack.triangles[order]:
        cv2.fillConvexPoly(picture, places[triangle], float(values[triangle].mean()), shift=4)
    return picture


def _step(values: ArrayLike) -> Floats:
    """A smooth step: 0 far below 0, 1 far above."""
    return np.asarray(0.5 + 0.5 * np.tanh(np.asarray(values) / 2), np.float32)


def _over(skin: Floats, colour: ArrayLike, alpha: ArrayLike) -> None:
    """Lay a colour over the skin where ``alpha`` is above 0."""
    skin[..., :3] += np.asarray(alpha, np.float32)[..., None] * (np.asarray(colour, np.float32) - skin[..., :3])


def _paint_skin(skin: Floats, pack: HeadPack, person: Person, rng: np.random.Generator) -> None:
    x, y = _millimetres()
    skin[..., :3] *= (1 + 0.05 * _noise(rng, (14, 14)) + 0.03 * _noise(rng, (1.5, 1.5)))[..., None]
    blush = np.exp(-(((np.abs(x) - 42) / 16) ** 2) - ((y + 2) / 15) ** 2) + 0.7 * np.exp(
        -((x / 9) ** 2) - ((y - 6) / 9) ** 2
    )
    skin[..., :3] *= 1 - blush[..., None] * np.array((0.0, 0.07, 0.06), np.float32)
    spots = np.clip(_noise(rng, (1.6, 1.6)) - 0.7, 0, 1) * person.freckles
    _over(skin, person.skin * (0.6, 0.5, 0.45), np.clip(3 * spots * np.exp(-(((y - 10) / 25) ** 2)), 0, 0.6))
    jaw = np.asarray(_step((0.3 * np.clip(np.abs(x) - 30, 0, None) - 14 - y) / 4) * _step((y + 80) / 5), np.float32)
    speckle = 0.7 + 0.3 * _noise(rng, (0.9, 1.2))
    _over(skin, 0.45 * person.hair + 0.25 * person.skin, np.clip(0.8 * person.stubble * jaw * speckle, 0, 0.8))
    eyes, lips = _outlines(pack)
    _over(skin, person.skin * (0.72, 0.62, 0.6), 0.45 * np.clip(2.2 * cv2.GaussianBlur(eyes, (0, 0), 9), 0, 1))
    rim = cv2.dilate(eyes, np.ones((9, 5), np.uint8))
    _over(skin, np.array((0.08, 0.05, 0.04)), 0.85 * cv2.GaussianBlur(rim, (0, 0), 1.2))
    lips = np.asarray(cv2.GaussianBlur(lips, (0, 0), 1.5), np.float32)
    _over(skin, person.lips, 0.9 * lips)
    skin[..., 3] += 0.35 * lips


def _paint_brows(skin: Floats, pack: HeadPack, person: Person, rng: np.random.Generator) -> None:
    x, y = _millimetres()
    eye = pack.reference[pack.corner_vertex[(pack.corner_part == PARTS.index("eye"))]]
    eye = np.abs(eye).mean(0) if len(eye) else np.array((32.0, 41.0, 80.0))
    along = (np.abs(x) - (eye[0] - 19)) / 40  # 0 at the inner end, 1 at the outer
    middle = eye[1] + person.brow_height + person.brow_arch * (1 - ((along - 0.62) / 0.62) ** 2) - 1.5
    half = 0.5 * person.brow_thickness * np.clip(1.25 - 0.75 * along, 0.3, 1.25)
    ragged = 0.8 * _noise(rng, (1.5, 2.5))
    inside = _step((half - ragged - np.abs(y - middle)) / 0.55)
    ends = np.clip((along + 0.05) / 0.1, 0, 1) * np.clip((1.06 - along) / 0.14, 0, 1)
    _over(skin, 0.75 * person.hair, person.brow_strength * inside * ends)


def _paint_clothes(skin: Floats, clothes: Floats) -> None:
    x, y = _millimetres()
    below = _step(COLLAR_MM - y - 10 * np.clip(1 - (x / 60) ** 2, 0, 1))
    _over(skin, clothes, below)
    skin[..., 3] *= 1 - below


def _paint_tiles(picture: Floats, person: Person) -> None:
    down, across = np.mgrid[0:TILE, 0:TILE].astype(np.float32) + 0.5
    tiles = {part: picture[PARTS.index(part) * TILE :][:TILE, SKIN_WIDTH:] for part in PARTS[1:]}
    radius = np.hypot(across - TILE / 2, down - TILE / 2) / (0.45 * TILE)
    _paint_eye(tiles["eye"], radius, person)
    depth = (down / TILE)[..., None]
    tiles["cavity"][..., :3] = np.array((0.34, 0.13, 0.12)) * np.clip(1 - 1.6 * depth, 0.06, 1)
    tiles["teeth"][..., :3] = np.array((0.86, 0.83, 0.76)) * np.clip(1.05 - 0.7 * depth, 0.2, 1)
    tiles["tongue"][..., :3] = np.array((0.62, 0.29, 0.28)) * np.clip(1.0 - 0.9 * depth, 0.1, 1)


def _paint_eye(tile: Floats, radius: Floats, person: Person) -> None:
    def disc(size: float, soft: float = 0.03) -> Floats:
        return _step((size - radius) / soft * 2)

    tile[..., :3] = np.array((0.86, 0.84, 0.82)) - 0.12 * disc(2.0)[..., None] * radius[..., None]
    _over(tile, 0.35 * person.iris, disc(0.50))
    _over(tile, person.iris * 1.25, disc(0.44))
    _over(tile, np.array((0.03, 0.03, 0.03)), disc(0.2))
    tile[..., 3] = 1.0
