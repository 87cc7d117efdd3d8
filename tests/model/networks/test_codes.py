"""FaceCycle's encoder, its displacements, and the way back."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tcae.model.networks.codes import (
    CodeEncoder,
    FaceCycleEncoder,
    MotionDecoder,
    inverse_of,
    moved,
    resized,
)
from tcae.model.networks.imagenet import displayed, normalised
from tcae.model.networks.warp import identity_grid, warp
from tcae.model.recipes.facecycle import FaceCycleNetwork
from tests.method_builders import draws, pictures

TINY = FaceCycleNetwork(
    size=16, channels=(2, 3, 4), hidden=5, code=6, movement=(3, 3, 2), vgg=(2, 2, 3, 3), blocks=1, identity_blocks=1
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=draws(seed), dtype=torch.float64)


def everywhere(x: float, y: float, side: int = 8) -> Tensor:
    return torch.tensor([x, y], dtype=torch.float64)[None, :, None, None].expand(1, 2, side, side)


def test_the_published_encoder_has_4240000_parameters() -> None:
    """models.md 3.2."""
    with torch.device("meta"):
        encoder = CodeEncoder(FaceCycleNetwork())
    assert sum(weight.numel() for weight in encoder.parameters()) == 4_240_000


def test_stage_two_encodes_identities_with_a_network_of_the_same_shape() -> None:
    with torch.device("meta"):
        both = FaceCycleEncoder(FaceCycleNetwork(identity=True))
    assert sum(weight.numel() for weight in both.parameters()) == 2 * 4_240_000


def test_the_published_last_map_is_4_by_4_by_128() -> None:
    network = FaceCycleNetwork()
    with torch.device("meta"):
        coded = CodeEncoder(network)(torch.zeros(2, 3, 64, 64))
    assert coded.features.shape == (2, 128 * 4 * 4)
    assert coded.code.shape == (2, 256)
    assert network.map_shape == (128, 4, 4)


def test_codes_lie_between_minus_one_and_one() -> None:
    torch.manual_seed(0)
    made = FaceCycleEncoder(TINY).embed(100 * pictures(4, 16).float())
    assert made["au"].abs().max() <= 1


def test_different_faces_are_coded_differently_from_the_start() -> None:
    """Sixteen layers without normalisation would let the spread die out by torch's own first weights."""
    torch.manual_seed(0)
    network = FaceCycleNetwork(channels=(8, 16, 32), hidden=32, code=16)
    codes = FaceCycleEncoder(network).embed(pictures(8, 64).float())["au"]
    assert codes.std(0).mean() > 0.1 * codes.square().mean().sqrt()


def test_a_displacement_has_16_by_16_positions_whatever_the_face() -> None:
    torch.manual_seed(0)
    for size in (16, 64):
        made = MotionDecoder(FaceCycleNetwork(size=size))(torch.randn(2, 256))
        assert made.shape == (2, 2, 16, 16)
        assert made.abs().max() < 1


def test_normalised_is_by_imagenets_mean_and_spread_and_can_be_undone() -> None:
    faces = pictures(2, 4)
    made = normalised(faces)
    for channel, (mean, spread) in enumerate(((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))):
        np.testing.assert_allclose(made[:, channel].numpy(), (faces[:, channel].numpy() - mean) / spread)
    torch.testing.assert_close(displayed(made), faces)


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.3, -0.2), (1.0, 0.5)])
def test_the_way_back_of_the_same_displacement_everywhere_is_its_negative(x: float, y: float) -> None:
    away = everywhere(x, y, side=33)
    middle = (..., slice(16, 17), slice(16, 17))  # positions beyond the picture are not clamped: 0 is fetched there
    torch.testing.assert_close(inverse_of(away)[middle], -away[middle])


def test_the_way_back_is_minus_the_displacement_moved_by_itself() -> None:
    displacement = 0.3 * noise(2, 2, 5, 5)
    expected = torch.cat([-warp(displacement[:, axis : axis + 1], displacement) for axis in range(2)], dim=1)
    inside = (identity_grid(displacement) + displacement.permute(0, 2, 3, 1)).abs().amax(-1) <= 1
    assert 0.5 < inside.float().mean() < 1
    found = inverse_of(displacement)
    torch.testing.assert_close(found.movedim(1, -1)[inside], expected.movedim(1, -1)[inside])


def test_what_is_fetched_from_beyond_the_picture_is_nothing() -> None:
    maps = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    columns = moved(maps, everywhere(1.0, 0.0, side=3))[0, 0, 0]
    assert columns.tolist() == [1, 1, 0]


def test_the_way_back_stays_within_half_an_image() -> None:
    assert inverse_of(3 * everywhere(0.1, -0.1) + noise(1, 2, 8, 8)).abs().max() == 1


def test_there_and_back_nearly_ends_where_it_began() -> None:
    face = resized(noise(1, 2, 4, 4), 32, 32)
    displacement = 0.03 * torch.sin(3 * resized(noise(1, 2, 3, 3, seed=1), 32, 32))
    away, back = moved(face, displacement), moved(moved(face, displacement), inverse_of(displacement))
    inner = (..., slice(4, -4), slice(4, -4))
    assert (back - face)[inner].abs().mean() < 0.5 * (away - face)[inner].abs().mean()


def test_a_displacement_of_another_size_has_the_same_corners() -> None:
    displacement = noise(1, 2, 4, 4)
    large = resized(displacement, 16, 16)
    for row in (0, -1):
        for column in (0, -1):
            torch.testing.assert_close(large[..., row, column], displacement[..., row, column])


def test_what_moves_nothing_leaves_maps_of_any_size_as_they_are() -> None:
    maps = noise(1, 5, 12, 12)
    torch.testing.assert_close(moved(maps, torch.zeros(1, 2, 4, 4, dtype=torch.float64)), maps)


def test_gradients_of_moved_and_of_the_way_back_are_right() -> None:
    """In float64 at 4x4, off the sampler's kinks, into what is moved too."""
    maps = noise(1, 2, 4, 4).requires_grad_()
    displacement = (0.11 * torch.tanh(noise(1, 2, 4, 4, seed=2)) + 0.05).requires_grad_()
    inside = (..., slice(1, 3), slice(1, 3))  # beyond the border positions are clamped
    assert torch.autograd.gradcheck(lambda a, b: moved(a, b)[inside], (maps, displacement))
    assert torch.autograd.gradcheck(lambda a: inverse_of(a)[inside], (displacement,))
