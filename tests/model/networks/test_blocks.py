"""Blocks that keep the size of a map."""

import numpy as np
import pytest
import torch
from torch import nn

from tcae.model.networks.blocks import DoubleAttention, Residual, set_first_weights
from tests.method_builders import draws


def maps(num: int = 2, channels: int = 3, side: int = 4) -> torch.Tensor:
    return torch.randn(num, channels, side, side, generator=draws(1), dtype=torch.float64)


def test_attention_gathers_over_all_pixels_and_gives_each_pixel_what_it_picks() -> None:
    """Pixel by pixel and channel by channel (A^2-Nets, equations 1 to 5)."""
    block, given = DoubleAttention(3).double(), maps()
    with torch.inference_mode():
        found = block(given).numpy()
        gathered, places, picks = (
            layer(given).flatten(2).numpy() for layer in (block.gathered, block.places, block.picks)
        )
    expected = given.flatten(2).numpy().copy()
    for n in range(2):
        weights = [np.exp(row) / np.exp(row).sum() for row in places[n]]
        for pixel in range(16):
            picked = np.exp(picks[n, :, pixel]) / np.exp(picks[n, :, pixel]).sum()
            for channel in range(3):
                descriptors = [float((gathered[n, channel] * weights[k]).sum()) for k in range(3)]
                value = expected[n, channel, pixel] + sum(picked[k] * descriptors[k] for k in range(3))
                expected[n, channel, pixel] = value if value > 0 else 0.1 * value
    np.testing.assert_allclose(found.reshape(2, 3, 16), expected, rtol=1e-9)


def test_attention_has_three_convolutions_of_one_pixel() -> None:
    assert sum(weight.numel() for weight in DoubleAttention(64).parameters()) == 3 * (64 * 64 + 64)


@pytest.mark.parametrize("block", [Residual(3), DoubleAttention(3)], ids=["residual", "attention"])
def test_a_block_whose_weights_are_zero_is_a_leaky_relu(block: nn.Module) -> None:
    for weight in block.parameters():
        nn.init.zeros_(weight)
    given = maps().float()
    torch.testing.assert_close(block(given), given.clamp(min=0) + 0.1 * given.clamp(max=0))


def test_first_weights_are_the_released_codes() -> None:
    """A deviation of the root of 2 / (9 x channels that come out) for convolutions, of 0.01 for linear layers."""
    torch.manual_seed(0)
    convolution, linear = nn.Conv2d(64, 128, 3), nn.Linear(256, 512)
    set_first_weights(nn.Sequential(convolution, linear))
    assert convolution.weight.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.01)
    assert linear.weight.std().item() == pytest.approx(0.01, rel=0.01)
    for layer in (convolution, linear):
        assert layer.bias is not None
        assert not layer.bias.any()
