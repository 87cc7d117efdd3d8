"""FaceCycle's encoder, from a face to a code, and its displacement decoder, from a code to a movement and back."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tcae.model.method import FaceNetwork
from tcae.model.networks.blocks import DoubleAttention, Residual, convolution, leaky, set_first_weights
from tcae.model.networks.encoder import at_least_float32
from tcae.model.networks.imagenet import normalised
from tcae.model.networks.warp import identity_grid, sampled
from tcae.model.recipes.facecycle import FaceCycleNetwork


class Coded(NamedTuple):
    """What an encoder makes of a face."""

    code: Tensor
    """(N, code) in (-1, 1)."""
    features: Tensor
    """(N, D): its last map, flat."""


class CodeEncoder(nn.Module):
    """A face to a code; 4,240,000 parameters at the published widths.

    The side is halved four times: to 1/2 by the first convolution, to 1/4, 1/8 and 1/16 by those of stride 2. No batch
    norm.
    """

    def __init__(self, network: FaceCycleNetwork) -> None:
        super().__init__()
        first, second, third = network.channels
        channels, height, width = network.map_shape
        self.maps = nn.Sequential(
            *(nn.Conv2d(3, first, kernel_size=7, stride=2, padding=3), leaky()),
            *(convolution(first, first), leaky()),
            *(convolution(first, first), leaky(), DoubleAttention(first), convolution(first, first), leaky()),
            *(convolution(first, second, 2), leaky(), DoubleAttention(second), convolution(second, second), leaky()),
            *(Residual(second), Residual(second)),
            *(convolution(second, second, 2), leaky(), convolution(second, second), leaky()),
            *(convolution(second, third, 2), leaky(), convolution(third, third), leaky()),
            *(convolution(third, third), leaky(), convolution(third, second), leaky()),
        )
        self.code = nn.Sequential(
            nn.Linear(channels * height * width, network.hidden), leaky(), nn.Linear(network.hidden, network.code)
        )
        set_first_weights(self)

    def forward(self, faces: Tensor) -> Coded:
        """Encode normalised faces (N, 3, size, size)."""
        features = self.maps(faces).flatten(1)
        return Coded(torch.tanh(at_least_float32(self.code(features))), at_least_float32(features))


class FaceCycleEncoder(FaceNetwork):
    """The motion code's encoder, and in stage two the identity code's, which has the same shape."""

    identity: CodeEncoder

    def __init__(self, network: FaceCycleNetwork) -> None:
        super().__init__()
        self.motion = CodeEncoder(network)
        self.has_identity = network.identity
        if network.identity:
            self.identity = CodeEncoder(network)

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        """The codes by name, and the last map of the motion code's encoder."""
        pixels = normalised(faces)
        motion = self.motion(pixels)
        identity = {"identity": self.identity(pixels).code} if self.has_identity else {}
        return {"au": motion.code, **identity, "features": motion.features}


class MotionDecoder(nn.Module):
    """A motion code to a displacement of 16x16 positions, which leads to the neutral face."""

    def __init__(self, network: FaceCycleNetwork) -> None:
        super().__init__()
        first, second, third = network.movement
        last = nn.Conv2d(third, 2, kernel_size=1, bias=False)
        before = convolution(second, third)
        self.layers = nn.Sequential(
            *(nn.Conv2d(network.code, 16 * first, kernel_size=1), nn.PixelShuffle(4), leaky()),  # (N, first, 4, 4)
            *(
                DoubleAttention(first),
                convolution(first, first),
                leaky(),
                _double(),
                convolution(first, second),
                leaky(),
            ),
            *(DoubleAttention(second), convolution(second, second), leaky(), Residual(second), Residual(second)),
            *(_double(), before, leaky(), last),
        )
        set_first_weights(self)
        for layer in (before, last):
            nn.init.normal_(layer.weight, std=0.05)

    def forward(self, codes: Tensor) -> Tensor:
        """(N, code) to (N, 2, 16, 16) in half-image units, each in (-1, 1)."""
        return torch.tanh(at_least_float32(self.layers(codes[:, :, None, None])))


def inverse_of(displacement: Tensor) -> Tensor:
    """The way back, as released: minus the displacement moved by itself, each axis in [-1, 1]; (N, 2, H, W) twice.

    That is exact where neighbours move alike, and a first step towards the inverse where they do not.
    """
    return -moved(displacement, displacement).clamp(-1, 1)


def resized(displacement: Tensor, height: int, width: int) -> Tensor:
    """A displacement for pictures of another size; corners stay corners, so its units stay too."""
    return interpolate(displacement, (height, width), mode="bilinear", align_corners=True)


def moved(maps: Tensor, displacement: Tensor) -> Tensor:
    """Move maps (N, C, H, W) by a displacement of any size; gradients go into both.

    Positions are not clamped, as they are in TCAE: what is fetched from beyond the picture is 0.
    """
    height, width = maps.shape[-2:]
    away = resized(displacement, height, width).permute(0, 2, 3, 1)  # (N, H, W, 2)
    return sampled(maps, identity_grid(maps) + away)


def _double() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
