"""ResNets of two basic blocks a stage (He et al., CVPR 2016), with torchvision's names, so that its ResNet-18 fits."""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from tcae.model.method import FaceNetwork
from tcae.model.networks.encoder import at_least_float32
from tcae.model.networks.imagenet import normalised


class Block(nn.Module):
    """Two 3x3 convolutions around which the input goes, as it is or, where its shape changes, by a 1x1 convolution."""

    def __init__(self, narrow: int, wide: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(narrow, wide, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        around = nn.Conv2d(narrow, wide, kernel_size=1, stride=stride, bias=False)
        is_same = stride == 1 and narrow == wide
        self.downsample = None if is_same else nn.Sequential(around, nn.BatchNorm2d(wide))

    def forward(self, features: Tensor) -> Tensor:
        """(N, narrow, H, W) to (N, wide, H / stride, W / stride)."""
        kept = features if self.downsample is None else self.downsample(features)
        inner = self.bn1(self.conv1(features)).relu()
        changed: Tensor = kept + self.bn2(self.conv2(inner))
        return changed.relu()


class ResNet(nn.Module):
    """Everything before the classifier, named as in torchvision: (N, 3, H, W) to (N, planes[3]).

    Convolutions begin as torchvision's do (He et al., ICCV 2015, by their outputs).
    """

    def __init__(self, planes: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, planes[0], kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.layer1 = _stage(planes[0], planes[0], stride=1)
        self.layer2, self.layer3, self.layer4 = (_stage(narrow, wide, stride=2) for narrow, wide in pairwise(planes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pixels: Tensor) -> Tensor:
        """The mean over all places of the last stage's features."""
        started = self.bn1(self.conv1(pixels)).relu()
        features = nn.functional.max_pool2d(started, kernel_size=3, stride=2, padding=1)  # (N, C, H / 4, W / 4)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            features = stage(features)
        return features.mean(dim=(2, 3))


class ResNetEncoder(FaceNetwork):
    """ImageNet's normalisation, a ResNet and a linear layer; the embedding ``face`` has length 1."""

    def __init__(self, planes: tuple[int, int, int, int], width: int) -> None:
        super().__init__()
        self.trunk = ResNet(planes)
        self.head = nn.Linear(planes[-1], width)

    def forward(self, faces: Tensor) -> Tensor:
        """(N, 3, size, size) RGB in 0-1 to (N, width) of length 1."""
        features = self.trunk(normalised(faces))
        return normalize(at_least_float32(self.head(features)))

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        """The one embedding by its name."""
        return {"face": self(faces)}


def is_torchvisions(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are weights of one of torchvision's ResNets, by their names."""
    return "conv1.weight" in tensors and "layer1.0.conv1.weight" in tensors


def torchvisions(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a ``ResNet`` has of torchvision's weights.

    The classifier is left out; older files do not have how many batches each norm has seen, which only matters to norms
    without a momentum, and is 0.
    """
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
    norms = [name.removesuffix("running_mean") for name in kept if name.endswith("running_mean")]
    return {f"{norm}num_batches_tracked": torch.tensor(0) for norm in norms} | kept


def _stage(narrow: int, wide: int, stride: int) -> nn.Sequential:
    """Two blocks; the first divides the side and changes the width."""
    return nn.Sequential(Block(narrow, wide, stride), Block(wide, wide, 1))
