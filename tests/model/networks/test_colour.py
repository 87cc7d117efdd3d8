"""Lab against OpenCV, back again, and every bin."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tcae.model.networks.colour import (
    AB_REACH,
    AB_SIDE,
    NUM_AB_BINS,
    NUM_L_BINS,
    ab_bins,
    ab_centres,
    l_bins,
    l_centres,
    lab_of,
    rgb_of,
)

CUBE = torch.cartesian_prod(*[torch.linspace(0, 1, 17)] * 3).T[None, :, None]  # (1, 3, 1, 4913)


def test_lab_is_opencvs_but_for_the_steps_of_its_tables() -> None:
    pixels = CUBE[0].permute(1, 2, 0).contiguous().numpy()
    theirs = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).transpose(2, 0, 1)
    assert np.abs(lab_of(CUBE)[0].numpy() - theirs).max() < 0.15


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
    ],
)
def test_corners_of_the_cube_have_the_lab_that_tables_give(rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    found = lab_of(torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(found, torch.tensor(lab, dtype=torch.float64), atol=0.02, rtol=0)


def test_the_way_back_gives_the_face() -> None:
    torch.testing.assert_close(rgb_of(lab_of(CUBE.double())), CUBE.double(), atol=1e-6, rtol=0)


def test_what_no_screen_can_show_is_clamped() -> None:
    shown = rgb_of(torch.tensor([50.0, 110.0, -110.0]).view(1, 3, 1, 1))
    assert 0 <= shown.min() <= shown.max() <= 1


def test_all_colours_lie_within_the_reach() -> None:
    assert lab_of(CUBE)[:, 1:].abs().max() < AB_REACH


@given(a=st.floats(-109, 109), b=st.floats(-109, 109))
def test_a_colours_bin_is_that_of_the_nearest_middle(a: float, b: float) -> None:
    colour = torch.tensor([a, b], dtype=torch.float64)
    away = (ab_centres(colour) - colour).abs().amax(1)
    assert away[int(ab_bins(colour.view(1, 2, 1, 1)))] == pytest.approx(float(away.min()))


@given(value=st.floats(0, 100))
def test_a_lightnesss_bin_holds_it(value: float) -> None:
    number = int(l_bins(torch.tensor(value, dtype=torch.float64).view(1, 1, 1, 1)))
    assert number == min(int(value), 99)
    assert abs(float(l_centres(torch.zeros(1, dtype=torch.float64))[number]) - value) <= 0.5


def test_bins_are_counted_with_b_fastest() -> None:
    assert (AB_SIDE, NUM_AB_BINS, NUM_L_BINS) == (23, 529, 100)
    assert ab_centres(torch.zeros(1))[:2].tolist() == [[-110, -110], [-110, -100]]
