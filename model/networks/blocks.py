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
    """A map plus what two convolutions make of it, through a leaky ReLU; without normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(channels, channels), leaky(), convolution(channels, channels))
        self.last = leaky()

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        added: Tensor = self.last(maps + self.body(maps))
        return added


class DoubleAttention(nn.Module):
    """A map plus what each pixel picks of descriptors of the whole map, through a leaky ReLU.

    The attention is that of A^2-Nets (Chen et al., NeurIPS 2018).

    A descriptor is the mean of a 1x1 convolution's channels over the pixels, weighted by a softmax over space of
    another's; a pixel picks by a softmax over the channels of a third.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gathered, self.places, self.picks = (nn.Conv2d(channels, channels, kernel_size=1) for _ in range(3))
        self.last = leaky()

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        gathered = self.gathered(maps).flatten(2)  # (N, C, H W)
        places = self.places(maps).flatten(2).softmax(2)
        picks = self.picks(maps).flatten(2).softmax(1)
        descriptors = torch.bmm(gathered, places.transpose(1, 2))  # (N, C, C): channel by descriptor
        attended: Tensor = self.last(maps + torch.bmm(descriptors, picks).view_as(maps))
        return attended


def set_first_weights(module: nn.Module) -> None:
    """Draw what keeps the spread of gradients through ReLU (He et al., ICCV 2015) for convolutions; biases are 0.

    Linear layers are drawn with a deviation of 0.01 (FaceCycle's released code).
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
