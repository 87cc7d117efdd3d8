import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.pipeline.quality import _HEAD_MM, head_angles, measure
from tcae.pipeline.templates import Points, template_points

FRONTAL = template_points("tcae")
RIGHT_EYE, NOSE = 1, 2


def moved(point: int, x: float = 0.0, y: float = 0.0) -> Points:
    """The template with one point elsewhere."""
    points = FRONTAL.copy()
    points[point] += (x, y)
    return points


def seen(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, scale: float = 1.0) -> Points:
    """The generic head, turned by degrees, as a distant camera sees it: pitch first, then yaw, then roll."""
    y, p, r = np.radians([yaw, pitch, roll])
    # x right, y down, z away; the face looks to -z. Looking up lifts the nose: it moves to -y.
    up = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    right = np.array([[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]])
    clockwise = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    return np.asarray(scale * (_HEAD_MM @ (clockwise @ right @ up).T)[:, :2] + (300.0, 200.0))


def test_a_face_like_the_template_looks_straight_ahead() -> None:
    assert head_angles(FRONTAL) == pytest.approx((0, 0, 0), abs=3)


def test_positive_roll_is_clockwise_in_the_picture() -> None:
    assert head_angles(moved(RIGHT_EYE, y=15))[2] == pytest.approx(math.degrees(math.atan2(15, 68)))
    assert head_angles(seen(roll=25))[2] == pytest.approx(25)


def test_positive_yaw_turns_the_face_to_the_pictures_right() -> None:
    assert head_angles(moved(NOSE, x=15))[0] > 10
    assert head_angles(moved(NOSE, x=-15))[0] < -10


def test_positive_pitch_looks_up() -> None:
    assert head_angles(moved(NOSE, y=-10))[1] > 10
    assert head_angles(moved(NOSE, y=10))[1] < -10


@given(st.floats(-60, 60), st.floats(-45, 45), st.floats(0.2, 8))
def test_the_angles_of_the_generic_head_are_recovered(yaw: float, pitch: float, scale: float) -> None:
    found = head_angles(seen(yaw, pitch, scale=scale))
    forward = np.array(
        [
            math.sin(math.radians(yaw)) * math.cos(math.radians(pitch)),
            -math.sin(math.radians(pitch)),
        ]
    )
    assert found[0] == pytest.approx(math.degrees(math.asin(forward[0])), abs=1e-3)
    assert found[1] == pytest.approx(math.degrees(math.asin(-forward[1])), abs=1e-3)


def test_place_and_size_of_the_face_do_not_change_its_angles() -> None:
    points = seen(20, -10, 5)
    assert head_angles(points * 3 + (100, -40)) == pytest.approx(head_angles(points))


def test_a_mirrored_face_looks_the_other_way() -> None:
    yaw, pitch, roll = head_angles(seen(25, 8, 6))
    mirrored = (seen(25, 8, 6) * (-1, 1))[[1, 0, 2, 4, 3]]
    assert head_angles(mirrored) == pytest.approx((-yaw, pitch, -roll))


def test_blurring_lowers_the_sharpness_and_a_flat_crop_has_none() -> None:
    crop = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    sharp = measure(crop, FRONTAL).sharpness
    assert measure(cv2.GaussianBlur(crop, (0, 0), 2).astype(np.uint8), FRONTAL).sharpness < 0.05 * sharp
    assert measure(np.full_like(crop, 90), FRONTAL).sharpness == 0


def test_sharpness_is_the_variance_of_the_laplacian_of_the_grey_crop() -> None:
    grey = np.random.default_rng(1).integers(0, 255, (64, 64), dtype=np.uint8)
    crop = np.ascontiguousarray(np.broadcast_to(grey[..., None], (64, 64, 3)))
    padded = np.pad(grey.astype(float), 1, mode="reflect")
    laplacian = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * padded[1:-1, 1:-1]
    assert measure(crop, FRONTAL).sharpness == pytest.approx(laplacian.var())


@pytest.mark.parametrize(("colour", "expected"), [((0, 0, 0), 0.0), ((255, 255, 255), 1.0), ((255, 0, 0), 0.299)])
def test_brightness_is_the_mean_grey_value_of_rgb(colour: tuple[int, int, int], expected: float) -> None:
    crop = np.full((16, 16, 3), colour, np.uint8)
    assert measure(crop, FRONTAL).brightness == pytest.approx(expected, abs=0.003)
