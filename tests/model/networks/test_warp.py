"""Sampling against slow loops, and each line of the coordinate convention."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from tcae.model.networks.warp import grid_of, identity_grid, lengths, reached, warp
from tests.method_builders import draws, pictures

SIDE = 5
PIXEL = 2 / (SIDE - 1)


def slow_warp(faces: NDArray[np.float64], displacement: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixel by pixel: the clamped position in pixels, and the four pixels around it."""
    num, _, height, width = faces.shape
    made = np.zeros_like(faces)
    for n in range(num):
        for row in range(height):
            for column in range(width):
                x = min(max(-1 + 2 * column / (width - 1) + displacement[n, 0, row, column], -1), 1)
                y = min(max(-1 + 2 * row / (height - 1) + displacement[n, 1, row, column], -1), 1)
                left, top = (x + 1) / 2 * (width - 1), (y + 1) / 2 * (height - 1)
                for i in (math.floor(top), math.floor(top) + 1):
                    for j in (math.floor(left), math.floor(left) + 1):
                        if i < height and j < width:
                            share = (1 - abs(top - i)) * (1 - abs(left - j))
                            made[n, :, row, column] += share * faces[n, :, i, j]
    return made


def shift(x: float = 0.0, y: float = 0.0, num: int = 1, side: int = SIDE) -> Tensor:
    """The same displacement at every pixel."""
    return torch.tensor([x, y], dtype=torch.float64)[None, :, None, None].expand(num, 2, side, side).clone()


@pytest.mark.parametrize("spread", [0.05, 0.4, 3.0])
@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 7), (6, 2)])
def test_sampling_is_bilinear_between_clamped_positions(spread: float, height: int, width: int) -> None:
    faces = torch.rand(2, 3, height, width, generator=draws(1), dtype=torch.float64)
    displacement = spread * torch.randn(2, 2, height, width, generator=draws(2), dtype=torch.float64)
    made = slow_warp(faces.numpy(), displacement.numpy())
    np.testing.assert_allclose(warp(faces, displacement).numpy(), made, rtol=0, atol=1e-12)


def test_axis_order_a_displacement_is_x_then_y() -> None:
    face = pictures(1, SIDE)
    moved = warp(face, shift(x=PIXEL))
    torch.testing.assert_close(moved[..., :-1], face[..., 1:])
    moved = warp(face, shift(y=PIXEL))
    torch.testing.assert_close(moved[..., :-1, :], face[..., 1:, :])


def test_axis_order_a_grid_has_x_then_y_last() -> None:
    grid = identity_grid(torch.zeros(1, 2, 2, 3))
    assert grid.shape == (1, 2, 3, 2)
    assert grid[0, :, :, 0].tolist() == [[-1, 0, 1], [-1, 0, 1]]
    assert grid[0, :, :, 1].tolist() == [[-1, -1, -1], [1, 1, 1]]


def test_unit_half_images_corner_centres_at_minus_and_plus_one() -> None:
    face = pictures(1, SIDE)
    moved = warp(face, shift(x=2.0, y=2.0))  # a whole picture: every position is the last corner
    torch.testing.assert_close(moved, face[..., -1:, -1:].expand_as(face))
    halfway = warp(face, shift(x=PIXEL / 2))
    torch.testing.assert_close(halfway[..., :-1], (face[..., :-1] + face[..., 1:]) / 2)


def test_sign_backward_the_warped_face_at_p_is_the_face_at_p_plus_displacement() -> None:
    face = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.float64)
    face[..., 2, 3] = 1
    moved = warp(face, shift(x=PIXEL))
    assert moved[0, 0].nonzero().tolist() == [[2, 2]]  # what is shown comes from the right, so it went left


def test_outside_positions_are_clamped() -> None:
    face = pictures(1, SIDE)
    moved = warp(face, shift(x=-2 * PIXEL))
    torch.testing.assert_close(moved[..., :2], face[..., :1].expand(-1, -1, -1, 2))
    assert grid_of(shift(x=7.0)).max() == 1
    assert grid_of(shift(y=-7.0)).min() == -1


def test_outside_what_the_sampler_itself_would_find_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never gets there, so only its argument can be seen."""
    asked: list[dict[str, object]] = []

    def sampler(faces: Tensor, grid: Tensor, **how: object) -> Tensor:
        asked.append(how)
        assert grid.abs().max() <= 1
        return faces

    monkeypatch.setattr("tcae.model.networks.warp.grid_sample", sampler)
    warp(pictures(1, SIDE), shift(x=3.0, y=-3.0))
    assert asked == [{"mode": "bilinear", "padding_mode": "zeros", "align_corners": True}]


def test_zero_displacement_changes_nothing() -> None:
    faces = pictures(2, 16)
    torch.testing.assert_close(warp(faces, shift(num=2, side=16)), faces, rtol=0, atol=1e-12)
    torch.testing.assert_close(warp(faces.float(), shift(num=2, side=16).float()), faces.float(), rtol=0, atol=1e-5)


@given(seed=st.integers(0, 999), spread=st.floats(0, 5))
def test_a_warped_face_stays_between_the_darkest_and_the_brightest_pixel(seed: int, spread: float) -> None:
    faces = pictures(1, 4, seed)
    displacement = spread * torch.randn(1, 2, 4, 4, generator=draws(seed), dtype=torch.float64)
    moved = warp(faces, displacement)
    assert moved.min() >= faces.min() - 1e-12
    assert moved.max() <= faces.max() + 1e-12


def test_each_face_of_a_batch_is_moved_by_its_own_displacement() -> None:
    faces, displacement = pictures(2, 4), 0.3 * torch.randn(2, 2, 4, 4, generator=draws(3), dtype=torch.float64)
    one_by_one = torch.cat([warp(faces[:1], displacement[:1]), warp(faces[1:], displacement[1:])])
    torch.testing.assert_close(warp(faces, displacement), one_by_one)


def test_the_gradient_of_the_displacement_is_right() -> None:
    """At positions a fifth of a pixel and more from every pixel's centre and from the border."""
    places = torch.randint(0, 3, (2, 2, 4, 4), generator=draws(4))
    places = places + 0.2 + 0.6 * torch.rand(2, 2, 4, 4, generator=draws(5), dtype=torch.float64)
    positions = (places / 3 * 2 - 1).permute(0, 2, 3, 1)
    displacement = (positions - identity_grid(places)).permute(0, 3, 1, 2).contiguous().requires_grad_()
    assert torch.autograd.gradcheck(lambda moved: warp(pictures(2, 4), moved), (displacement,))


def test_no_gradient_reaches_the_picture_that_is_warped() -> None:
    faces, displacement = pictures(1, 4).requires_grad_(), shift(0.1, 0.1, side=4).requires_grad_()
    warp(faces, displacement).sum().backward()  # type: ignore[no-untyped-call]
    assert faces.grad is None
    assert displacement.grad is not None


def test_what_is_reached_ends_at_the_border() -> None:
    right, up = reached(shift(x=PIXEL)), reached(shift(y=-9.0))
    assert right[0, 0, :, 0].tolist() == pytest.approx([PIXEL] * (SIDE - 1) + [0])
    assert up[0, :, 0, 1].tolist() == pytest.approx([-k * PIXEL for k in range(SIDE)])


def test_lengths_are_euclidean_and_not_clamped() -> None:
    torch.testing.assert_close(lengths(shift(x=3.0, y=-4.0)), torch.full((1, SIDE, SIDE), 5.0, dtype=torch.float64))
