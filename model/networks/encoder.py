"""The encoder: a face to a pose and an AU embedding."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tcae.model.method import FaceNetwork
from tcae.model.recipes.tcae import TCAENetwork

SLOPE = 0.2
"""Of the leaky ReLU for negative values (released code)."""


class Embeddings(NamedTuple):
    """Both embeddings of a batch, (N, D) float each."""

    pose: Tensor
    au: Tensor


class Encoder(FaceNetwork):
    """A trunk that both branches share; each layer halves the side (released code, Gen_sep_feature).

    Convolutions have kernel 4, stride 2, padding 1 and a bias; batch norm and leaky ReLU follow all but a branch's
    last.
    """

    def __init__(self, network: TCAENetwork) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*halving((3, *network.trunk)))
        widths = (network.trunk[-1], *network.branch)
        self.pose = _branch(widths)
        self.au = _branch(widths)

    def forward(self, faces: Tensor) -> Embeddings:
        """Embed faces.

        Args:
            faces: (N, 3, size, size) RGB in 0-1.

        Returns:
            (N, width) each, of any sign and length.
        """
        features = self.trunk(faces)
        pose, au = self.pose(features), self.au(features)  # (N, width, 1, 1)
        return Embeddings(at_least_float32(pose.flatten(1)), at_least_float32(au.flatten(1)))

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        """Both embeddings by name."""
        pose, au = self(faces)
        return {"au": au, "pose": pose}


def at_least_float32(values: Tensor) -> Tensor:
    """What autocast computed in fewer bits, as float32; float64 stays."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


def half(narrow: int, wide: int) -> nn.Conv2d:
    """The convolution that halves the side of a picture."""
    return nn.Conv2d(narrow, wide, kernel_size=4, stride=2, padding=1)


def halving(widths: Sequence[int]) -> Iterator[nn.Module]:
    """From each width to the next: half the side, batch norm, leaky ReLU."""
    for narrow, wide in pairwise(widths):
        yield half(narrow, wide)
        yield nn.BatchNorm2d(wide)
        yield nn.LeakyReLU(SLOPE, inplace=True)


def _branch(widths: Sequence[int]) -> nn.Sequential:
    last = half(widths[-2], widths[-1])
    return nn.Sequential(*halving(widths[:-1]), last)
