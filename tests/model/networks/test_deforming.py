"""Offsets, the grids that they add up to, and the layers of the Deforming Autoencoder."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tcae.model.networks.deforming import LONGEST, START, CodeDecoder, DeformingEncoder, grid_of_offsets, offsets_of
from tcae.model.networks.warp import sampled
from tcae.model.recipes.deformae import COMPARED, RELEASED
from tests.method_builders import draws


def test_a_position_is_the_start_and_all_offsets_up_to_it() -> None:
    offsets = 0.6 * torch.rand(2, 2, 4, 5, generator=draws(1), dtype=torch.float64)
    grid = grid_of_offsets(offsets).numpy()
    given_offsets = offsets.numpy()
    for n, row, column in np.ndindex(2, 4, 5):
        x, y = -1.2, -1.2
        for before in range(column + 1):
            x += given_offsets[n, 0, row, before]
        for before in range(row + 1):
            y += given_offsets[n, 1, before, column]
        assert grid[n, row, column].tolist() == pytest.approx([min(max(x, -1), 1), min(max(y, -1), 1)])


@given(seed=st.integers(0, 999), loud=st.floats(0, 30))
def test_positions_never_go_back_and_never_leave_the_picture(seed: int, loud: float) -> None:
    grid = grid_of_offsets(offsets_of(loud * torch.randn(1, 2, 6, 6, generator=draws(seed), dtype=torch.float64)))
    assert (grid[..., 0].diff(dim=2) >= 0).all()
    assert (grid[..., 1].diff(dim=1) >= 0).all()
    assert grid.abs().max() <= 1


def test_offsets_are_never_negative_and_never_longer_than_the_longest() -> None:
    offsets = offsets_of(torch.linspace(-50, 50, 2 * 8 * 8).view(1, 2, 8, 8))
    assert offsets.min() >= 0
    assert offsets.max().item() == pytest.approx(LONGEST / 8)


def test_what_says_nothing_spreads_the_picture_a_little_wider_than_it_is() -> None:
    """Half of the longest offset each: from -1.2 to 1.3, so that all of the texture is seen from the start."""
    grid = grid_of_offsets(offsets_of(torch.zeros(1, 2, 64, 64)))
    assert grid.min() == -1
    assert grid.max() == 1
    assert pytest.approx(1.3) == START + 0.5 * LONGEST


def test_the_gradients_of_texture_and_offsets_are_right() -> None:
    """At positions a fifth of a pixel and more from every pixel's centre and from the border."""
    places = torch.arange(4) + 0.3 + 0.2 * torch.rand(2, 2, 4, 4, generator=draws(2), dtype=torch.float64)
    x, y = (places / 5 * 2 - 1)[:, 0], (torch.arange(4)[:, None] + 0.4 + 0 * places[:, 1]) / 5 * 2 - 1
    first = torch.full((2, 4, 1), START, dtype=torch.float64)
    offsets = torch.stack([x.diff(dim=2, prepend=first), y.diff(dim=1, prepend=first.transpose(1, 2))], dim=1)
    offsets = offsets.contiguous().requires_grad_()
    texture = torch.rand(2, 3, 6, 6, generator=draws(3), dtype=torch.float64).requires_grad_()
    torch.testing.assert_close(grid_of_offsets(offsets)[..., 0], x)
    assert torch.autograd.gradcheck(
        lambda colours, ways: sampled(colours, grid_of_offsets(ways)), (texture, offsets), check_batched_grad=False
    )


def test_the_offsets_own_gradient_is_right() -> None:
    values = torch.randn(1, 2, 4, 4, generator=draws(4), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(offsets_of, (values,))


@pytest.mark.parametrize("recipe", [RELEASED, COMPARED], ids=["released", "compared"])
def test_layers_go_down_to_four_pixels_and_up_again(recipe: object) -> None:
    network = (RELEASED if recipe is RELEASED else COMPARED).network
    encoder = DeformingEncoder(network).eval()
    decoder = CodeDecoder(network.latent, network.texture_code, network.decoder, 3, nn.ReLU).eval()
    shapes: list[tuple[int, ...]] = []
    for module in [*encoder.modules(), *decoder.modules()]:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape[1:])))
    with torch.inference_mode():
        latent = encoder(torch.zeros(1, 3, network.size, network.size))
        decoder(latent)
    down = [(width, network.size >> k + 1, network.size >> k + 1) for k, width in enumerate(network.layers)]
    up = [(width, 4 << k, 4 << k) for k, width in enumerate(network.decoder)]
    assert shapes == [*down, (network.latent, 1, 1), *up, (3, network.size, network.size)]
    assert 0 < latent.min() <= latent.max() < 1


def test_first_weights_are_small_and_batch_norms_near_one() -> None:
    torch.manual_seed(0)
    encoder = DeformingEncoder(RELEASED.network)
    convolutions = [layer.weight.detach() for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
    norms = [layer.weight.detach() for layer in encoder.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert torch.cat([weight.flatten() for weight in convolutions]).std().item() == pytest.approx(0.02, rel=0.01)
    assert torch.cat(norms).mean().item() == pytest.approx(1, abs=0.01)
    assert torch.cat(norms).std().item() == pytest.approx(0.02, rel=0.2)
    assert len(norms) == len(RELEASED.network.layers) - 1
