"""Blocks of convolutions that keep the size of a map."""

import torch
from torch import Tensor, nn

SLOPE = 0.1
"""Of the leaky ReLU for negative values (FaceCycle's released code)."""


def convolution(narrow: int, wide: int, stride: int = 1) -> nn.Conv2d:
    """3x3 with a bias; stride 2 halves the side."""
    return nn.Conv2d(narrow, wide, kernel_size=3, stride=stride, padding=1)


def leaky() -> nn.LeakyReLU:
    """What follows a convolution."""
    return nn.LeakyReLU(SLOPE, inplace=True)


class Residual(nn.Module):
    """A map plus what two convolutions make of it; without normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(channels, channels), leaky(), convolution(channels, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        added: Tensor = maps + self.body(maps)
        return added


class DoubleAttention(nn.Module):
    """A map plus what each pixel picks of descriptors of the whole map (Chen et al., A^2-Nets, NeurIPS 2018).

    A descriptor is the mean of a 1x1 convolution's channels over the pixels, weighted by a softmax over space of
    another's; a pixel picks by a softmax over the channels of a third.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gathered, self.places, self.picks = (nn.Conv2d(channels, channels, kernel_size=1) for _ in range(3))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        gathered = self.gathered(maps).flatten(2)  # (N, C, H W)
        places = self.places(maps).flatten(2).softmax(2)
        picks = self.picks(maps).flatten(2).softmax(1)
        descriptors = torch.bmm(gathered, places.transpose(1, 2))  # (N, C, C): channel by descriptor
        return maps + torch.bmm(descriptors, picks).view_as(maps)
