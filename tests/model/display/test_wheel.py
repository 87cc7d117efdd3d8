"""Displacements as colours; the convention's lines have tests named after them."""

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.model.display.pictures import MISSING, RGB, Field, line_px
from tcae.model.display.wheel import PX, colour_of, common_scale, key, lengths_of, mean_of, number, rounded_up
from tcae.model.networks.warp import warp
from tests.model.display.builders import constant

ANGLES = st.floats(-math.pi, math.pi)


def colour(x: float, y: float, longest: float = 1.0) -> RGB:
    return colour_of(constant(x, y, 1), longest)


def lab(picture: RGB) -> Field:
    """CIELAB by OpenCV: another way to measure a colour than the one that made it."""
    measured: Field = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    return measured


def hue_of(picture: RGB) -> float:
    """HSV's hue in degrees."""
    return float(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)[0, 0, 0])


def apart(one: float, other: float) -> float:
    """The angle between two hues."""
    return abs((one - other + 180) % 360 - 180)


def test_colour_white_is_no_displacement() -> None:
    assert (colour_of(np.zeros((2, 5, 7), np.float32), 0.05) == 255).all()
    assert colour_of(np.zeros((2, 5, 7), np.float32), 0.05).shape == (5, 7, 3)


@given(angle=ANGLES)
def test_colour_opposite_directions_have_opposite_hues(angle: float) -> None:
    one, other = (lab(colour(sign * math.cos(angle), sign * math.sin(angle))) for sign in (1, -1))
    assert one[1:] @ other[1:] < -0.8 * np.linalg.norm(one[1:]) * np.linalg.norm(other[1:])


@given(angle=ANGLES)
def test_colour_the_hue_is_the_direction_whatever_the_length(angle: float) -> None:
    x, y = math.cos(angle), math.sin(angle)
    np.testing.assert_array_equal(colour(x, y), colour(7 * x, 7 * y))
    assert apart(hue_of(colour(x, y)), hue_of(colour(x / 2, y / 2))) < 20


@given(angle=ANGLES)
def test_colour_longer_is_more_saturated_and_darker(angle: float) -> None:
    labs = [lab(colour(length * math.cos(angle), length * math.sin(angle))) for length in (0, 0.25, 0.5, 0.75, 1)]
    chromas, lightnesses = [float(np.hypot(*c[1:])) for c in labs], [float(c[0]) for c in labs]
    assert chromas == sorted(chromas)
    assert lightnesses == sorted(lightnesses, reverse=True)
    assert chromas[-1] > 30
    assert len(set(chromas)) == 5


@given(angle=ANGLES)
def test_colour_equally_long_is_equally_light(angle: float) -> None:
    assert lab(colour(math.cos(angle), math.sin(angle)))[0] == pytest.approx(lab(colour(1, 0))[0], abs=8)


def test_colour_the_four_directions_look_as_the_legend_says() -> None:
    """Right is red, up blue to violet, left teal, down yellow: far from one another."""
    hues = [hue_of(colour(x, y)) for x, y in ((1, 0), (0, -1), (-1, 0), (0, 1))]
    for hue, expected in zip(hues, (345, 225, 170, 45), strict=True):
        assert apart(hue, expected) < 20


def test_axis_order_is_x_then_y_and_y_grows_downwards() -> None:
    """The key is the map of colours as directions are drawn: right of its centre is x > 0, below it y > 0."""
    wheel = key(101, 1.0)
    for x, y in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        drawn = wheel[50 + 40 * y, 50 + 40 * x]
        np.testing.assert_allclose(drawn, colour(0.792 * x, 0.792 * y)[0, 0], atol=1)


def test_sign_the_colour_says_where_the_pixel_was_fetched_from() -> None:
    """A picture whose brightness is its own x, moved: it grows brighter where it was fetched from the right."""
    ramp = torch.linspace(-1, 1, 9, dtype=torch.float64).expand(1, 1, 9, 9)
    for x in (0.25, -0.25):
        displacement = constant(x, 0, 9)
        fetched = warp(ramp, torch.from_numpy(displacement)[None])[0, 0, 4, 4]
        np.testing.assert_array_equal(colour_of(displacement, 1)[4, 4], colour(float(fetched), 0)[0, 0])


def test_unit_half_images_are_so_many_pixels() -> None:
    """A displacement of one pixel of a 256-px face is the distance of two neighbours on the identity grid."""
    assert pytest.approx(np.diff(np.linspace(-1, 1, 256))[0]) == 1 / PX


def test_only_the_ratio_to_the_longest_counts() -> None:
    np.testing.assert_array_equal(colour(0.01, 0.02, 0.05), colour(0.1, 0.2, 0.5))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_grey_and_spoils_nothing_else(value: float) -> None:
    displacement = constant(0.5, 0.25, 3)
    whole = colour_of(displacement, 1)
    displacement[1, 1, 2] = value
    picture = colour_of(displacement, 1)
    assert picture[1, 2].tolist() == list(MISSING)
    picture[1, 2] = whole[1, 2]
    np.testing.assert_array_equal(picture, whole)


@pytest.mark.parametrize("longest", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_that_is_not_positive_is_refused(longest: float) -> None:
    with pytest.raises(ConfigError, match=f"must be positive, not {longest}"):
        colour(1, 0, longest)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a displacement is \(2, H, W\), not \(3, 4, 4\)"):
        colour_of(np.zeros((3, 4, 4)), 1)


@pytest.mark.parametrize("side", [40, 101, 160])
def test_a_key_is_a_disc_over_two_lines(side: int) -> None:
    picture = key(side, 0.05)
    assert picture.shape == (side + 2 * line_px(side // 10), side, 3)
    assert picture[0, 0].tolist() == picture[side - 1, side - 1].tolist() == [255, 255, 255]
    assert picture[side // 2, side // 2].min() > 240
    assert (picture[side:] != 255).any()


def test_a_key_names_its_scale() -> None:
    """Same wheel, other words."""
    one, other = key(160, 0.05), key(160, 0.1)
    np.testing.assert_array_equal(one[:160], other[:160])
    line = line_px(16)
    assert (one[160 : 160 + line] != other[160 : 160 + line]).any()
    assert (one[160 + line :] != other[160 + line :]).any()


def test_a_tiny_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 40 px, not 12"):
        key(12, 0.05)


@given(value=st.floats(1e-5, 1e5))
def test_rounding_up_gives_the_next_round_number(value: float) -> None:
    rounded = rounded_up(value)
    assert value <= rounded * (1 + 1e-8)
    assert rounded <= value * 1.5 + 1e-12
    assert rounded_up(rounded) == pytest.approx(rounded)


@pytest.mark.parametrize(("value", "rounded"), [(0.044, 0.05), (0.0081, 0.01), (0.1, 0.1), (1.2, 1.5), (0, 0.01)])
def test_rounding_up_by_hand(value: float, rounded: float) -> None:
    assert rounded_up(value) == pytest.approx(rounded)


def test_both_displacements_share_the_scale_of_the_longer() -> None:
    assert common_scale([constant(0.003, 0.004), constant(0.03, 0.04)]) == pytest.approx(0.05)


def test_a_single_far_pixel_does_not_set_the_scale() -> None:
    displacement = constant(0.03, 0.04, 32)
    displacement[:, 0, 0] = 1
    displacement[:, 0, 1] = np.nan
    assert common_scale([displacement]) == pytest.approx(0.05)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_field_without_movement_has_a_scale_all_the_same(value: float) -> None:
    assert common_scale([constant(value, value)]) == 0.01


def test_lengths_leave_out_what_is_not_finite() -> None:
    displacement = constant(3, 4, 2)
    displacement[0, 0, 0] = np.nan
    displacement[1, 1, 1] = np.inf
    assert lengths_of(displacement).tolist() == [5, 5]


def test_a_mean_of_nothing_is_not_a_number() -> None:
    assert mean_of(np.array([1.0, np.nan, 3.0])) == 2
    assert math.isnan(mean_of(np.array([np.nan])))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.044, "0.044"),
        (0.008, "0.0080"),
        (5.61, "5.6"),
        (12.75, "13"),
        (127.5, "128"),
        (0.000012, "0.000012"),
        (0, "0"),
        (math.nan, "not a number"),
    ],
)
def test_numbers_have_two_digits_and_no_power(value: float, text: str) -> None:
    assert number(value) == text
