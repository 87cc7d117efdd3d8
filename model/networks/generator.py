"""FaceCycle's pictures: the generator moves what VGG sees of a face, the normaliser takes its identity off and on."""

import torch
from torch import Tensor, nn
from torch.nn.functional import instance_norm

from tcae.model.networks.blocks import Residual, convolution
from tcae.model.networks.codes import moved
from tcae.model.networks.encoder import at_least_float32
from tcae.model.networks.vgg import Seen
from tcae.model.recipes.facecycle import FaceCycleNetwork


class Generator(nn.Module):
    """What VGG sees of a face, moved by a displacement, as a picture.

    To what is moved comes a mean of the whole face with noise, which fills what nothing was fetched for.
    """

    def __init__(self, network: FaceCycleNetwork) -> None:
        super().__init__()
        _, second, third, _ = network.vgg
        self.fill_second, self.fill_third = _twice(second), _twice(third)
        self.body = nn.Sequential(
            *(convolution(third, third), nn.ReLU()), *(Residual(third) for _ in range(network.blocks))
        )
        self.up = _doubled(third, second)
        self.last = nn.Sequential(_doubled(2 * second, second), convolution(second, 3))

    def forward(self, seen: Seen, displacement: Tensor | None = None) -> Tensor:
        """Draw faces.

        Args:
            seen: What VGG sees of the faces that are moved.
            displacement: (N, 2, h, w), half-image units, of any size; None leaves the faces as they are, and fills
                nothing.

        Returns:
            (N, 3, H, W) normalised, not bounded.
        """
        second, third = seen.second, seen.third
        if displacement is not None:
            second = moved(second, displacement) + self.fill_second(self._whole(second))
            third = moved(third, displacement) + self.fill_third(self._whole(third))
        up = self.up(self.body(third))  # (N, C2, H / 2, W / 2)
        return at_least_float32(self.last(torch.cat([second, up], dim=1)))

    def _whole(self, maps: Tensor) -> Tensor:
        """The mean over all pixels at each of them, with noise in training."""
        mean = maps.mean((2, 3), keepdim=True).expand_as(maps)
        return mean + torch.randn_like(maps) if self.training else mean


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
            *(_doubled(third, second), _transposed(second, second), nn.ReLU(), nn.Conv2d(second, 3, kernel_size=1)),
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
        return at_least_float32(self.draw(instance_norm(seen.third) * scale + shift))


def _twice(channels: int) -> nn.Sequential:
    return nn.Sequential(convolution(channels, channels), nn.ReLU(), convolution(channels, channels), nn.ReLU())


def _transposed(wide: int, narrow: int) -> nn.ConvTranspose2d:
    """Twice the side."""
    return nn.ConvTranspose2d(wide, narrow, kernel_size=4, stride=2, padding=1)


def _doubled(wide: int, narrow: int) -> nn.Sequential:
    """Twice the side, and a convolution."""
    return nn.Sequential(_transposed(wide, narrow), nn.ReLU(), convolution(narrow, narrow), nn.ReLU())
