"""The decoder: two embeddings to a displacement and a mask logit."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tcae.model.networks.encoder import at_least_float32
from tcae.model.recipes.tcae import TCAENetwork


class Movement(NamedTuple):
    """What one decoder says of every pixel."""

    displacement: Tensor
    """(N, 2, H, W): x then y, half-image units, each in (-1, 1); see ``warp.py``."""
    logit: Tensor
    """(N, 1, H, W) in (-1, 1): the larger, the more of the pixel is this decoder's."""


class Decoder(nn.Module):
    """Bilinear doubling and a 3x3 convolution, eight times for 256 px (released code).

    A ReLU stands before the first block; batch norm and ReLU follow each but the last, whose three channels go through
    tanh: the mask logit too, so that no decoder can have a pixel to itself.
    """

    def __init__(self, network: TCAENetwork, reach: float = 1.0) -> None:
        """Build the layers.

        Args:
            network: The widths.
            reach: Largest displacement of each axis, in half-image units.
        """
        super().__init__()
        self.reach = reach
        self.blocks = doubling((2 * network.width, *network.decoder), channels=3)

    def forward(self, start: Tensor, end: Tensor) -> Movement:
        """Say how the face of the first embedding moves to become the face of the second.

        Args:
            start: (N, D) embedding of the face that is moved.
            end: (N, D) embedding of the face that it should become.
        """
        made = between(start, end, self.blocks)  # (N, 3, H, W)
        return Movement(made[:, :2] * self.reach, made[:, 2:])


def doubling(widths: Sequence[int], channels: int) -> nn.Sequential:
    """The blocks of a decoder: each doubles the side, the last one to so many channels without batch norm and ReLU."""
    last = (_double(), nn.Conv2d(widths[-1], channels, kernel_size=3, padding=1))
    return nn.Sequential(nn.ReLU(), *_layers(widths), *last)


def between(start: Tensor, end: Tensor, blocks: nn.Module) -> Tensor:
    """What blocks say of every pixel between one embedding (N, D) and another: (N, channels, H, W) in (-1, 1)."""
    embeddings = torch.cat([start, end], dim=1)[:, :, None, None]  # (N, 2 D, 1, 1)
    return torch.tanh(at_least_float32(blocks(embeddings)))


def _double() -> nn.Module:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


def _layers(widths: Sequence[int]) -> Iterator[nn.Module]:
    for wide, narrow in pairwise(widths):
        yield _double()
        yield nn.Conv2d(wide, narrow, kernel_size=3, padding=1)
        yield nn.BatchNorm2d(narrow)
        yield nn.ReLU(inplace=True)
