"""FaceCycle's pictures: the generator moves what VGG sees of a face, the normaliser takes its identity off and on."""

import torch
from torch import Tensor, nn

from tcae.model.networks.blocks import Residual, convolution, leaky
from tcae.model.networks.codes import moved
from tcae.model.networks.encoder import at_least_float32
from tcae.model.networks.vgg import Seen
from tcae.model.recipes.facecycle import FaceCycleNetwork


class Generator(nn.Module):
    """What VGG sees of a face, moved by a displacement, as a picture."""

    def __init__(self, network: FaceCycleNetwork) -> None:
        super().__init__()
        _, second, third, _ = network.vgg
        self.whole = nn.Conv2d(third, third, kernel_size=1)
        self.body = nn.Sequential(*(Residual(third) for _ in range(network.blocks)))
        self.up = nn.Sequential(_doubled(third, second), leaky())
        self.last = nn.Sequential(_doubled(second, second), leaky(), convolution(second, 3))

    def forward(self, seen: Seen, displacement: Tensor | None = None) -> Tensor:
        """Draw faces.

        Args:
            seen: What VGG sees of the faces that are moved.
            displacement: (N, 2, h, w), half-image units, of any size; None leaves the faces as they are.

        Returns:
            (N, 3, H, W) normalised, not bounded.
        """
        second, third = seen.second, seen.third
        if displacement is not None:
            second, third = moved(second, displacement), moved(third, displacement)
        whole = seen.third.mean((2, 3), keepdim=True)  # (N, C3, 1, 1): where nothing is fetched from, the whole is left
        noise = torch.randn_like(third) if self.training else torch.zeros_like(third)
        maps = self.body(third + self.whole(whole + noise))
        return at_least_float32(self.last(self.up(maps) + second))


class Normaliser(nn.Module):
    """Gives the neutral face's maps the spread and mean that an identity code asks for, and draws the picture.

    ``off`` and ``on`` have scales and shifts of their own; the layers that draw are shared.
    """

    def __init__(self, network: FaceCycleNetwork) -> None:
        super().__init__()
        _, second, third, _ = network.vgg
        self.off = nn.Conv2d(network.code, 2 * third, kernel_size=1)
        self.on = nn.Conv2d(network.code, 2 * third, kernel_size=1)
        self.draw = nn.Sequential(
            *(Residual(third) for _ in range(network.identity_blocks)),
            *(_doubled(third, second), leaky(), _doubled(second, second), leaky(), convolution(second, 3)),
        )

    def forward(self, seen: Seen, codes: Tensor, *, on: bool) -> Tensor:
        """Take an identity off a face, or put it on.

        Args:
            seen: What VGG sees of the face.
            codes: (N, code) of the identity.
            on: Whether it is put on.

        Returns:
            (N, 3, H, W) normalised, not bounded.
        """
        asked = (self.on if on else self.off)(codes[:, :, None, None])  # (N, 2 C3, 1, 1)
        scale, shift = asked.chunk(2, dim=1)
        plain = nn.functional.instance_norm(seen.third)
        return at_least_float32(self.draw(plain * (1 + scale) + shift))


def _doubled(wide: int, narrow: int) -> nn.ConvTranspose2d:
    """Twice the side."""
    return nn.ConvTranspose2d(wide, narrow, kernel_size=4, stride=2, padding=1)
