"""The networks of the Deforming Autoencoder, and how offsets between neighbours become a grid.

Convention
    offsets: (N, 2, H, W), x then y, half images: how far a pixel's position lies beyond its neighbour's to the left
        (x) or above (y); never negative, so that positions never go back: a deformation without folds
    grid: as in ``warp.py``; the first position is one offset after ``START``, what leaves the picture is clamped
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from tcae.model.method import FaceNetwork
from tcae.model.networks.encoder import SLOPE, at_least_float32
from tcae.model.recipes.deformae import DeformAENetwork

START = -1.2
"""Where every line of positions begins: a tenth of a picture outside (released code)."""
LONGEST = 5.0
"""Of an offset, in parts of the picture's pixels: at most 2.5 times an even spacing (released code)."""


class DeformingEncoder(FaceNetwork):
    """Convolutions without bias down to 4 x 4 pixels, and one that makes the latent of them (released code).

    Kernel 4, stride 2, padding 1, leaky ReLU; batch norm on all but the first; the latent goes through a sigmoid.
    """

    def __init__(self, network: DeformAENetwork) -> None:
        super().__init__()
        widths = (3, *network.layers)
        last = nn.Conv2d(widths[-1], network.latent, kernel_size=4, bias=False)
        self.layers = nn.Sequential(*_halving(widths), last)
        self.apply(begin)

    def forward(self, faces: Tensor) -> Tensor:
        """Embed faces (N, 3, size, size), RGB in 0-1: (N, latent) in 0-1."""
        return at_least_float32(self.layers(faces).flatten(1)).sigmoid()

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        """The latent by its name."""
        return {"face": self(faces)}


class CodeDecoder(nn.Module):
    """A latent to its code, and the code to what it says of every pixel (released code).

    The code is a linear layer and a sigmoid. Transposed convolutions without bias make 4 x 4 pixels of it and double
    them, each with batch norm and the activation; the last one keeps the side and has neither.
    """

    def __init__(self, latent: int, code: int, layers: Sequence[int], channels: int, act: type[nn.Module]) -> None:
        super().__init__()
        self.code = nn.Sequential(nn.Linear(latent, code), nn.Sigmoid())
        last = nn.ConvTranspose2d(layers[-1], channels, kernel_size=3, padding=1, bias=False)
        self.blocks = nn.Sequential(*_doubling((code, *layers), act), last)
        self.blocks.apply(begin)

    def forward(self, latent: Tensor) -> Tensor:
        """What it says of each latent (N, D): (N, channels, size, size), of any sign and size."""
        return at_least_float32(self.blocks(self.code(latent)[:, :, None, None]))


def grid_of_offsets(offsets: Tensor) -> Tensor:
    """The positions (N, H, W, 2) that offsets (N, 2, H, W) add up to, x along each row, y down each column."""
    x, y = offsets[:, 0].cumsum(dim=2), offsets[:, 1].cumsum(dim=1)
    return (START + torch.stack([x, y], dim=-1)).clamp(-1, 1)


def offsets_of(values: Tensor) -> Tensor:
    """What a decoder says (N, 2, H, W) as offsets, of which none is negative and none longer than ``LONGEST``."""
    return values.sigmoid() * (LONGEST / values.shape[-1])


def begin(module: nn.Module) -> None:
    """The first weights of a layer: normal around 0, batch norm's around 1, both with a deviation of 0.02."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def _halving(widths: Sequence[int]) -> Iterator[nn.Module]:
    for place, (narrow, wide) in enumerate(pairwise(widths)):
        yield nn.Conv2d(narrow, wide, kernel_size=4, stride=2, padding=1, bias=False)
        if place:
            yield nn.BatchNorm2d(wide)
        yield nn.LeakyReLU(SLOPE)


def _doubling(widths: Sequence[int], act: type[nn.Module]) -> Iterator[nn.Module]:
    for place, (wide, narrow) in enumerate(pairwise(widths)):
        stride, padding = (2, 1) if place else (1, 0)
        yield nn.ConvTranspose2d(wide, narrow, kernel_size=4, stride=stride, padding=padding, bias=False)
        yield nn.BatchNorm2d(narrow)
        yield act()
