from dataclasses import replace

import numpy as np
import pytest

from tcae.pipeline.pictures import Image
from tcae.pipeline.synthetic.appearance import ATLAS_SIZE, Atlas
from tcae.pipeline.synthetic.pack import Floats, HeadPack
from tcae.pipeline.synthetic.render import SIZE, Renderer, Scene, move, normals, rotation
from tests.pipeline.synthetic.builders import NOSE, patch_of

STILL = np.zeros(3, np.float32)


@pytest.fixture
def scene() -> Scene:
    """A grey head before black in light from the camera, without blur and noise."""
    grey = np.full((*ATLAS_SIZE, 4), 0.5, np.float32)
    return Scene(
        atlas=Atlas(skin=grey, hair=np.zeros_like(grey)),
        hairline=1000.0,
        background=np.zeros((SIZE, SIZE, 3), np.float32),
        light=np.array((0, 0, 1), np.float32),
        light_colour=np.full(3, 0.8, np.float32),
        ambient=np.full(3, 0.3, np.float32),
        shine=0.0,
        distance_mm=1000.0,
        face_width_px=110.0,
        centre_px=(112.0, 112.0),
        blur_px=0.1,
        noise=0.0,
    )


def draw(pack: HeadPack, scene: Scene, angles: tuple[float, float, float] = (0, 0, 0), shift: Floats = STILL) -> Image:
    points = move(pack, pack.reference, np.zeros(len(pack.action_names), np.float32), np.array(angles, np.float32))
    return Renderer(pack).draw(points, scene, shift, np.random.default_rng(0))


def middle(frame: Image) -> tuple[float, float]:
    """x and y of the middle of what is not black."""
    rows, columns = np.nonzero(frame.sum(-1) > 30)
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize(
    ("angles", "axis", "sign"),
    [((25, 0, 0), 0, 1), ((-25, 0, 0), 0, -1), ((0, 15, 0), 1, 1), ((0, -15, 0), 1, -1)],
    ids=["yaw turns right", "and left", "pitch looks up", "and down"],
)
def test_the_nose_goes_where_the_pose_points(angles: tuple[float, float, float], axis: int, sign: int) -> None:
    nose = rotation(*angles) @ NOSE
    assert nose[axis] * sign > 20
    assert nose[1 - axis] == pytest.approx(0, abs=1e-3)


def test_positive_roll_turns_clockwise_in_the_picture(toy: HeadPack, scene: Scene) -> None:
    assert (rotation(0, 0, 20) @ np.array((0, 1, 0)))[0] > 0.3
    frame = draw(toy, scene, (0, 0, 20))
    rows, columns = np.nonzero(frame.sum(-1) > 30)
    top = columns[rows < np.quantile(rows, 0.1)].mean()
    assert top > middle(frame)[0] + 10


def test_the_rendered_nose_moves_to_the_right_for_positive_yaw(toy: HeadPack, scene: Scene) -> None:
    nose_shift = []
    for yaw in (-20, 0, 20):
        points = move(
            toy, toy.reference, np.zeros(len(toy.action_names), np.float32), np.array((yaw, 0, 0), np.float32)
        )
        bright = replace(scene, atlas=nose_atlas(scene.atlas))
        frame = Renderer(toy).draw(points, bright, STILL, np.random.default_rng(0)).astype(int)
        red = frame[..., 0] - frame[..., 2] > 30
        nose_shift.append(np.nonzero(red)[1].mean())
    assert nose_shift[0] + 10 < nose_shift[1] < nose_shift[2] - 10


def test_the_rendered_nose_moves_up_for_positive_pitch(toy: HeadPack, scene: Scene) -> None:
    rows = []
    for pitch in (-15, 15):
        frame = draw(toy, replace(scene, atlas=nose_atlas(scene.atlas)), (0, pitch, 0)).astype(int)
        rows.append(np.nonzero(frame[..., 0] - frame[..., 2] > 30)[0].mean())
    assert rows[1] < rows[0] - 10


def nose_atlas(atlas: Atlas) -> Atlas:
    """The nose painted red on a grey head."""
    from tcae.pipeline.synthetic.appearance import skin_place

    skin = atlas.skin.copy()
    x, y = (int(value) for value in skin_place(np.zeros(2, np.float32)))
    skin[y - 25 : y + 25, x - 25 : x + 25, :3] = (1, 0.1, 0.1)
    return replace(atlas, skin=skin)


def test_a_head_is_as_wide_as_the_scene_says(toy: HeadPack, scene: Scene) -> None:
    columns = np.nonzero(draw(toy, scene).sum(-1).max(0) > 30)[0]
    assert np.ptp(columns) == pytest.approx(110 * 144 / 145, abs=6)  # nearer parts look wider


def test_shift_moves_right_and_down_and_makes_larger(toy: HeadPack, scene: Scene) -> None:
    x, y = middle(draw(toy, scene))
    moved_x, moved_y = middle(draw(toy, scene, shift=np.array((10, 5, 0), np.float32)))
    assert moved_x - x == pytest.approx(10, abs=0.7)
    assert moved_y - y == pytest.approx(5, abs=0.7)
    larger = draw(toy, scene, shift=np.array((0, 0, 0.1), np.float32))
    assert (larger.sum(-1) > 30).sum() == pytest.approx(1.21 * (draw(toy, scene).sum(-1) > 30).sum(), rel=0.03)


def test_an_action_moves_its_own_vertices(toy: HeadPack) -> None:
    weights = np.zeros(len(toy.action_names), np.float32)
    weights[toy.action("jawOpen")] = 1
    moved = np.abs(move(toy, toy.reference, weights, STILL) - toy.reference).max(1) > 2
    places = toy.reference[moved][:, :2]
    assert moved.any()
    assert np.abs(places - patch_of("jawOpen")).max() < 25


def test_without_actions_and_pose_nothing_moves(toy: HeadPack) -> None:
    still = move(toy, toy.reference, np.zeros(len(toy.action_names), np.float32), STILL)
    np.testing.assert_allclose(still, toy.reference, atol=1e-3)


def test_shoulders_do_not_follow_the_head(toy: HeadPack) -> None:
    turn = np.where(toy.reference[:, 1] < -50, 0, 1).astype(np.float32)
    pack = replace(toy, turn=turn)
    moved = move(pack, pack.reference, np.zeros(len(pack.action_names), np.float32), np.array((30, 0, 0), np.float32))
    assert np.array_equal(moved[turn == 0], pack.reference[turn == 0])
    assert np.abs(moved - pack.reference).max() > 20


def test_normals_point_outwards(toy: HeadPack) -> None:
    skin = toy.corner_part == 0
    facing = normals(toy.reference, toy.faces)[skin]
    assert (np.einsum("nc,nc->n", facing, toy.reference[skin]) > 0).mean() > 0.97
    np.testing.assert_allclose(np.linalg.norm(facing, axis=1), 1, atol=1e-5)


def test_normals_agree_with_a_slow_loop(toy: HeadPack) -> None:
    sums = np.zeros_like(toy.reference, dtype=float)
    for triangle in toy.faces:
        a, b, c = toy.reference[triangle].astype(float)
        sums[triangle] += np.cross(b - a, c - a)
    slow = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    np.testing.assert_allclose(normals(toy.reference, toy.faces), slow, atol=1e-3)


def test_light_from_the_left_brightens_the_left(toy: HeadPack, scene: Scene) -> None:
    side = np.array((-0.8, 0, 0.6), np.float32)
    frame = draw(toy, replace(scene, light=side)).astype(float)
    assert frame[:, 60:100].mean() > 1.3 * frame[:, 124:164].mean()


def test_the_background_shows_where_there_is_no_head(toy: HeadPack, scene: Scene) -> None:
    frame = draw(toy, replace(scene, background=np.full((SIZE, SIZE, 3), 0.8, np.float32)))
    assert frame.shape == (SIZE, SIZE, 3)
    assert frame.dtype == np.uint8
    assert frame[:10, :10].mean() == pytest.approx(204, abs=1)


def test_hair_grows_behind_the_hairline_only(toy: HeadPack, scene: Scene) -> None:
    bald, hairy = draw(toy, scene).astype(int), draw(toy, replace(scene, hairline=0.0)).astype(int)
    changed = np.nonzero(np.abs(hairy - bald).sum(-1) > 30)[0]
    assert len(changed) > 500
    assert changed.max() < 112  # the toy's hair starts 60 mm above its middle


def test_hair_stands_off_the_scalp(toy: HeadPack) -> None:
    grown = Renderer(toy).with_hair(toy.reference, hairline=0.0, volume=10.0)
    rise = np.linalg.norm(grown - toy.reference, axis=1)
    assert rise.max() == pytest.approx(10, abs=0.1)
    assert rise[toy.scalp < 0].max() == 0
