from dataclasses import replace

import numpy as np
import pytest

from tcae.pipeline.synthetic.appearance import (
    ATLAS_SIZE,
    HALF_WIDTH_MM,
    PX_PER_MM,
    SKIN_WIDTH,
    TILE,
    TOP_MM,
    Atlas,
    corner_places,
    paint,
    skin_place,
)
from tcae.pipeline.synthetic.identity import Person, draw_person
from tcae.pipeline.synthetic.pack import PARTS, Floats, HeadPack
from tcae.pipeline.synthetic.render import SIZE
from tcae.pipeline.synthetic.scene import draw_background, draw_scene

BLUE = np.array((0.1, 0.2, 0.9), np.float32)


@pytest.fixture(scope="module")
def person(toy: HeadPack) -> Person:
    drawn = draw_person(np.random.default_rng(11), toy)
    skin, hair = np.array((0.8, 0.6, 0.5), np.float32), np.array((0.1, 0.08, 0.06), np.float32)
    return replace(drawn, skin=skin, hair=hair, brow_height=18.0, freckles=0.0, stubble=0.0, brow_strength=0.9)


@pytest.fixture(scope="module")
def atlas(toy: HeadPack, person: Person) -> Atlas:
    return paint(toy, person, BLUE)


def at(picture: Floats, x: float, y: float) -> Floats:
    """The mean of 5 x 5 pixels around a place in mm."""
    column, row = (int(value) for value in skin_place(np.array((x, y), np.float32)))
    return np.asarray(picture[row - 2 : row + 3, column - 2 : column + 3].mean((0, 1)), np.float32)


def test_the_middle_of_the_skin_is_the_heads_joint() -> None:
    np.testing.assert_allclose(skin_place(np.zeros(2, np.float32)), (HALF_WIDTH_MM * PX_PER_MM, TOP_MM * PX_PER_MM))


def test_places_lie_in_their_tiles(toy: HeadPack) -> None:
    places = corner_places(toy)
    assert places.dtype == np.float32
    skin = toy.corner_part == 0
    assert places[skin, 0].max() < SKIN_WIDTH
    eyes = places[toy.corner_part == PARTS.index("eye")] - (SKIN_WIDTH, PARTS.index("eye") * TILE)
    assert eyes.min() >= 0
    assert eyes.max() <= TILE


def test_the_iris_is_in_the_middle_of_the_eye(toy: HeadPack, atlas: Atlas) -> None:
    tile = atlas.skin[PARTS.index("eye") * TILE :, SKIN_WIDTH:][:TILE]
    middle, edge = tile[TILE // 2, TILE // 2, :3], tile[TILE // 2, 6, :3]
    assert middle.max() < 0.1
    assert edge.min() > 0.5


def test_colours_are_in_range_and_skin_has_the_persons_tone(atlas: Atlas, person: Person) -> None:
    assert atlas.skin.shape == (*ATLAS_SIZE, 4)
    assert atlas.skin.min() >= 0
    assert atlas.skin.max() <= 1
    np.testing.assert_allclose(at(atlas.skin, 0, 60)[:3], person.skin, atol=0.12)


def test_brows_are_dark_and_stand_above_the_eyes(atlas: Atlas) -> None:
    forehead, brow = at(atlas.skin, 28, 70)[:3].mean(), min(at(atlas.skin, 28, y)[:3].mean() for y in range(40, 60))
    assert brow < 0.5 * forehead


def test_clothes_are_below_the_collar_only(atlas: Atlas) -> None:
    np.testing.assert_allclose(at(atlas.skin, 80, -130)[:3], BLUE, atol=0.02)
    assert at(atlas.skin, 0, -60)[2] < 0.7


def test_stubble_darkens_the_jaw_and_not_the_forehead(toy: HeadPack, atlas: Atlas, person: Person) -> None:
    bearded = paint(toy, replace(person, stubble=0.75), BLUE)
    assert at(bearded.skin, 20, -50)[:3].mean() < 0.8 * at(atlas.skin, 20, -50)[:3].mean()
    np.testing.assert_allclose(at(bearded.skin, 0, 70), at(atlas.skin, 0, 70), atol=0.02)


def test_lips_are_painted_where_the_pack_has_them(heads: HeadPack) -> None:
    person = replace(
        draw_person(np.random.default_rng(1), heads), lips=np.array((0.9, 0.05, 0.05), np.float32), stubble=0.0
    )
    painted = paint(heads, person, BLUE)
    lips = heads.reference[heads.lips > 0.9].mean(0)
    red = at(painted.skin, lips[0], lips[1])
    assert red[0] - red[1] > 0.6
    cheek = at(painted.skin, 45, -20)
    assert cheek[0] - cheek[1] < 0.5


def test_a_background_is_a_picture_of_its_own_seed() -> None:
    first, again, other = (draw_background(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (SIZE, SIZE, 3)
    assert 0 <= first.min() <= first.max() <= 1
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_light_comes_from_the_front_half(atlas: Atlas, person: Person) -> None:
    for seed in range(20):
        scene = draw_scene(np.random.default_rng(seed), atlas, person)
        assert np.linalg.norm(scene.light) == pytest.approx(1, abs=1e-5)
        assert scene.light[2] > 0
        assert 100 <= scene.face_width_px <= 126
