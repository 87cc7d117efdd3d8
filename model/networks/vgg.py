"""The first four blocks of VGG-19, frozen: what pictures are compared by, and what FaceCycle's generator starts from.

With torchvision's file of weights (``vgg19-dcbb9e9d.pth``) it is the network that knows ImageNet. Without, it is a
stated substitute: the same layers with random weights of the recipe's seed. That random convolutions suffice to compare
textures by their Gram matrices is from Ustyuzhaninov et al., "What does it take to generate natural textures?", ICLR
2017; how a generator fares on them is for a run to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tcae.model.networks.encoder import at_least_float32
from tcae.model.networks.weights import check_shapes, shapes_of

_CONVOLUTIONS = (2, 2, 4, 1)
"""Of each block; VGG-19's fourth has three more, which nothing here looks at."""
_FIRST, _SECOND, _THIRD = 7, 12, 21
"""Layers of the list up to and with relu2_1, relu3_1 and relu4_1."""


class Seen(NamedTuple):
    """Maps of a picture, after their ReLU."""

    second: Tensor
    """(N, C2, H / 2, W / 2): relu2_1."""
    third: Tensor
    """(N, C3, H / 4, W / 4): relu3_1."""
    fourth: Tensor
    """(N, C4, H / 8, W / 8): relu4_1."""


class Vgg(nn.Module):
    """VGG-19 up to relu4_1; its weights are never learned, and lie in every checkpoint."""

    known: Tensor

    def __init__(self, widths: Sequence[int]) -> None:
        """Draw random weights.

        Args:
            widths: Channels of the four blocks; 64, 128, 256 and 512 are VGG-19's.
        """
        super().__init__()
        self.features = nn.Sequential(*_layers(widths))
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight)  # keeps the spread of what goes through ReLU (He et al., 2015)
                nn.init.zeros_(layer.bias)
        self.register_buffer("known", torch.zeros(()))
        self.requires_grad_(False)

    def forward(self, faces: Tensor) -> Seen:
        """Look at normalised pictures (N, 3, H, W), whose gradients go through."""
        second = self.features[:_FIRST](faces)
        third = self.features[_FIRST:_SECOND](second)
        fourth = self.features[_SECOND:_THIRD](third)
        return Seen(at_least_float32(second), at_least_float32(third), at_least_float32(fourth))

    def take(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take the weights of torchvision's VGG-19; the layers beyond relu4_1 are left.

        Raises:
            CheckpointError: they are of other widths; the message names the first that differ.
        """
        own = shapes_of(self.features)
        found = {name.removeprefix("features."): tensor for name, tensor in tensors.items()}
        check_shapes(path, own, {name: tensor for name, tensor in found.items() if name in own})
        self.features.load_state_dict({name: found[name] for name in own})
        self.known.fill_(1)


def _layers(widths: Sequence[int]) -> Iterator[nn.Module]:
    """VGG-19's first 21, in the order in which torchvision numbers them."""
    narrow = 3
    for place, (wide, num) in enumerate(zip(widths, _CONVOLUTIONS, strict=True)):
        if place:
            yield nn.MaxPool2d(2)
        for _ in range(num):
            yield nn.Conv2d(narrow, wide, kernel_size=3, padding=1)
            yield nn.ReLU()
            narrow = wide


def is_vgg(tensors: Mapping[str, Tensor]) -> bool:
    """Whether tensors are of torchvision's VGG, by their names."""
    return "features.0.weight" in tensors and "classifier.0.weight" in tensors


def gram(maps: Tensor) -> Tensor:
    """How alike channels are over all pixels: (N, C, H, W) to (N, C, C), divided by H W."""
    flat = maps.flatten(2)
    return torch.bmm(flat, flat.transpose(1, 2)) / flat.shape[2]


def style_distance(one: Seen, other: Seen) -> Tensor:
    """Mean squared difference of Gram matrices, summed over the three maps; (N,)."""
    away = [(gram(a) - gram(b)).square().mean((1, 2)) for a, b in zip(one, other, strict=True)]
    return torch.stack(away).sum(0)
