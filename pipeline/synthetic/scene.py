"""Draw what is around a head: light, background, camera."""

import cv2
import numpy as np

from tcae.pipeline.synthetic.appearance import Atlas
from tcae.pipeline.synthetic.identity import Person
from tcae.pipeline.synthetic.pack import Floats
from tcae.pipeline.synthetic.render import SIZE, Scene


def draw_scene(rng: np.random.Generator, atlas: Atlas, person: Person) -> Scene:
    """Draw a clip's light, background and camera."""
    side, up = np.radians(rng.uniform(-45, 45)), np.radians(rng.uniform(0, 45))
    light = np.array((np.sin(side) * np.cos(up), np.sin(up), np.cos(side) * np.cos(up)), np.float32)
    strength, warmth = rng.uniform(0.45, 0.75), rng.uniform(-0.06, 0.06)
    ambient = rng.uniform(0.4, 0.6)
    return Scene(
        atlas=atlas,
        hairline=person.hairline,
        background=draw_background(rng),
        light=light,
        light_colour=(strength * np.array((1 + warmth, 1, 1 - warmth))).astype(np.float32),
        ambient=(ambient * np.array((1 - warmth / 2, 1, 1 + warmth / 2))).astype(np.float32),
        shine=float(rng.uniform(0.08, 0.3)),
        distance_mm=float(rng.uniform(600, 1400)),
        face_width_px=float(rng.uniform(100, 126)),
        centre_px=(float(rng.uniform(104, 120)), float(rng.uniform(118, 130))),
        blur_px=float(rng.uniform(0.3, 0.7)),
        noise=float(rng.uniform(1.0, 3.5)),
    )


def draw_colour(rng: np.random.Generator) -> Floats:
    """(3,) sRGB in 0-1: mostly muted, of any brightness."""
    grey = rng.uniform(0.1, 0.85)
    return np.asarray(np.clip(grey + rng.uniform(0.02, 0.25) * rng.standard_normal(3), 0.03, 0.95), np.float32)


def draw_background(rng: np.random.Generator) -> Floats:
    """(224, 224, 3) in 0-1: a wall with a gradient, some shapes that are out of focus, and large soft stains."""
    down, across = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    angle = rng.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * across + np.sin(angle) * down)[..., None]
    wall = draw_colour(rng)
    picture = wall + 0.25 * rng.uniform(-1, 1) * slope * np.ones(3, np.float32)
    for _ in range(int(rng.integers(0, 6))):
        x, y, width, height = (int(value) for value in rng.uniform((-40, -40, 15, 15), (SIZE, SIZE, 120, 160)))
        colour = 0.5 * wall + 0.5 * draw_colour(rng)
        cv2.rectangle(picture, (x, y), (x + width, y + height), [float(value) for value in colour], -1)
    picture = cv2.GaussianBlur(np.asarray(picture, np.float32), (0, 0), float(rng.uniform(2, 10)))
    stains = cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE)).astype(np.float32), (0, 0), 18)
    return np.asarray(np.clip(picture + 0.04 * (stains / stains.std())[..., None], 0, 1), np.float32)
