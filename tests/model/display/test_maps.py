"""Numbers as colours from dark to light, and their bars."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.model.display.maps import BAR_PX, LABELS_PX, bar, heat_of, length_maps, ticks
from tcae.model.display.pictures import GAP, HEADING, MISSING, NOTE, RGB, TITLE, Field, line_px
from tcae.model.display.wheel import rounded_up


def lightness(picture: RGB) -> Field:
    """Relative luminance of sRGB, IEC 61966-2-1."""
    channels = picture / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def test_larger_numbers_are_lighter() -> None:
    picture = heat_of(np.linspace(0, 0.3, 64)[None], 0.3)
    assert (np.diff(lightness(picture)[0]) > 0).all()


def test_numbers_beyond_the_ends_are_clipped() -> None:
    picture = heat_of(np.array([[-1.0, 0.0, 1.0, 9.0]]), 1)
    np.testing.assert_array_equal(picture[0, 0], picture[0, 1])
    np.testing.assert_array_equal(picture[0, 2], picture[0, 3])


def test_viridis_starts_violet_and_ends_yellow() -> None:
    """The published ends of the map, as RGB, not BGR."""
    first, last = heat_of(np.array([[0.0, 1.0]]), 1)[0].tolist()
    assert first == pytest.approx([68, 1, 84], abs=1)
    assert last == pytest.approx([253, 231, 37], abs=1)


def test_what_is_not_finite_is_grey() -> None:
    picture = heat_of(np.array([[np.nan, np.inf, 0.5]]), 1)
    assert picture[0, 0].tolist() == picture[0, 1].tolist() == list(MISSING)
    assert picture[0, 2].tolist() != list(MISSING)


def test_wrong_shapes_and_tops_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"a map is \(H, W\), not \(2, 3, 4\)"):
        heat_of(np.zeros((2, 3, 4)), 1)
    with pytest.raises(ConfigError, match="the top of a colour bar must be positive, not 0"):
        heat_of(np.zeros((3, 4)), 0)


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        (1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.05, ["0.00", "0.01", "0.02", "0.03", "0.04", "0.05"]),
        (0.015, ["0.000", "0.005", "0.010", "0.015"]),
        (30.0, ["0", "10", "20", "30"]),
    ],
)
def test_ticks_by_hand(top: float, expected: list[str]) -> None:
    assert ticks(top) == expected


@given(value=st.floats(1e-5, 1e4))
def test_ticks_are_few_even_and_reach_a_round_top(value: float) -> None:
    top = rounded_up(value)
    marks = [float(text) for text in ticks(top)]
    assert 3 <= len(marks) <= 6
    assert marks[0] == 0
    assert marks[-1] == pytest.approx(top)
    np.testing.assert_allclose(np.diff(marks), top / (len(marks) - 1))


def test_a_bar_is_dark_below_and_light_above_with_numbers_beside_it() -> None:
    picture = bar(100, 0.05, 120, px=True)
    line = line_px(NOTE)
    assert picture.shape == (100 + line, 120, 3)
    strip = lightness(picture[line // 2 : line // 2 + 100, :BAR_PX])
    assert (np.diff(strip, axis=0) <= 0).all()
    assert strip[0, 0] > 0.7 > 0.05 > strip[-1, 0]
    assert (picture[:, BAR_PX + GAP :] < 128).any()
    assert (picture != bar(100, 0.05, 120)).any()


def test_a_bars_ticks_stand_where_their_numbers_are() -> None:
    picture = bar(101, 1, 80)
    dark = np.flatnonzero((picture[:, BAR_PX] < 128).all(axis=1)) - line_px(NOTE) // 2
    assert dark.tolist() == [0, 20, 40, 60, 80, 100]


@pytest.mark.parametrize(("shape", "drawn"), [((8, 8), 256), ((64, 64), 256), ((100, 100), 300), ((256, 256), 256)])
def test_the_maps_have_the_stated_size(shape: tuple[int, int], drawn: int) -> None:
    picture = length_maps(np.full(shape, 0.01), np.full(shape, 0.05))
    panel_width = drawn + GAP + BAR_PX + GAP + LABELS_PX
    panel_height = line_px(HEADING) + GAP // 2 + drawn + (line_px(NOTE) + 1) // 2
    words = line_px(TITLE) + GAP + 2 * line_px(NOTE) + GAP
    assert picture.shape == (words + 2 * panel_height + GAP + 4 * GAP, 2 * panel_width + 3 * GAP + 4 * GAP, 3)


def panels(picture: RGB) -> list[RGB]:
    """The four maps cut out of a drawing of 256-px ones."""
    step = line_px(HEADING) + GAP // 2 + 256 + (line_px(NOTE) + 1) // 2 + GAP
    top = 2 * GAP + line_px(TITLE) + GAP + 2 * line_px(NOTE) + GAP + line_px(HEADING) + GAP // 2
    right = 2 * GAP + 256 + GAP + BAR_PX + GAP + LABELS_PX + 3 * GAP
    return [picture[y : y + 256, x : x + 256] for y in (top, top + step) for x in (2 * GAP, right)]


def test_each_map_has_its_own_scale_above_and_the_common_one_below() -> None:
    ramp = np.tile(np.linspace(0, 1, 256), (256, 1))
    au, pose, au_common, pose_common = panels(length_maps(0.01 * ramp, 0.05 * ramp))
    np.testing.assert_array_equal(au, heat_of(ramp, 1))
    np.testing.assert_array_equal(pose, heat_of(ramp, 1))
    np.testing.assert_array_equal(au_common, heat_of(0.01 * ramp, 0.05))
    np.testing.assert_array_equal(pose_common, pose)


@pytest.mark.parametrize("value", [0.0, math.nan])
def test_maps_without_movement_or_numbers_are_drawn(value: float) -> None:
    still = np.full((8, 8), value)
    picture = length_maps(still, np.full((8, 8), 0.05))
    assert (panels(picture)[0] == (MISSING if math.isnan(value) else heat_of(np.zeros((1, 1)), 1)[0, 0])).all()


def test_the_same_maps_give_the_same_picture() -> None:
    maps = np.random.default_rng(0).random((2, 16, 16))
    np.testing.assert_array_equal(length_maps(*maps), length_maps(*maps.copy()))


@pytest.mark.parametrize("shapes", [((4, 4), (4, 5)), ((2, 4, 4), (2, 4, 4)), ((0, 0), (0, 0))])
def test_maps_that_do_not_match_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    au, pose = (np.zeros(shape) for shape in shapes)
    with pytest.raises(ConfigError, match=r"two maps of one shape \(H, W\) are needed, not \("):
        length_maps(au, pose)
