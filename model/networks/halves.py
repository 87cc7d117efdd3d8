"""The halves of a split network: AlexNet's convolutions with half the channels, each over some channels of a face."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from tcae.model.method import FaceNetwork
from tcae.model.networks.colour import AB_REACH, lab_of
from tcae.model.networks.encoder import at_least_float32
from tcae.model.recipes.splitbrain import SplitBrainNetwork


class HalvesEncoder(FaceNetwork):
    """conv1 to conv3 of both halves, the first over L, the second over a and b."""

    def __init__(self, network: SplitBrainNetwork) -> None:
        super().__init__()
        self.grid = network.grid
        self.lightness = nn.Sequential(*_seen(1, network))
        self.colour = nn.Sequential(*_seen(2, network))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """conv3 of L and of ab, (N, C, side, side) each, of faces (N, 3, size, size) RGB in 0-1."""
        scaled = scaled_of(lab_of(faces))
        return self.lightness(scaled[:, :1]), self.colour(scaled[:, 1:])

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        """Both halves' conv3, averaged over the cells of a grid and laid beside each other."""
        both = at_least_float32(torch.cat(self(faces), 1))
        return {"face": adaptive_avg_pool2d(both, self.grid).flatten(1)}


def rest_of_half(network: SplitBrainNetwork, num_outputs: int) -> nn.Sequential:
    """conv4 to fc8: conv3 to ``num_outputs`` channels of as many cells; fc6 sees 3 x 3 cells, fc7 and fc8 one."""
    widths = (network.seen[-1], *network.behind, network.hidden)
    blocks = [_block(narrow, wide, 3) for narrow, wide in pairwise(widths)]
    blocks.append(_block(network.hidden, network.hidden, 1))
    layers = [layer for block in blocks for layer in block]
    return nn.Sequential(*layers, nn.Conv2d(network.hidden, num_outputs, kernel_size=1))


def scaled_of(lab: Tensor) -> Tensor:
    """Lab (N, 3, H, W) with all channels in -1 to 1."""
    return torch.cat([lab[:, :1] / 50 - 1, lab[:, 1:] / AB_REACH], 1)


def _seen(num_channels: int, network: SplitBrainNetwork) -> Iterator[nn.Module]:
    kernel, stride = network.first
    one, two, three = network.seen
    yield from _block(num_channels, one, kernel, stride)
    yield nn.MaxPool2d(3, stride=2, padding=1)
    yield from _block(one, two, 5)
    yield nn.MaxPool2d(3, stride=2, padding=1)
    yield from _block(two, three, 3)


def _block(narrow: int, wide: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(narrow, wide, kernel, stride=stride, padding=kernel // 2)
    return [convolution, nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
