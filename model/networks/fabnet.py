"""The networks of FAb-Net: a face to one embedding, and two embeddings to what happens at every pixel."""

from collections.abc import Sequence

from torch import Tensor, nn

from tcae.model.method import FaceNetwork
from tcae.model.networks.decoder import between, doubling
from tcae.model.networks.encoder import SLOPE, at_least_float32, half, halving
from tcae.model.recipes.fabnet import FabNetNetwork


class FabNetEncoder(FaceNetwork):
    """Convolutions that halve the side down to one pixel; batch norm follows all but the first and the last.

    After the last one there is no activation either (released code).
    """

    def __init__(self, network: FabNetNetwork) -> None:
        super().__init__()
        first, *middle, last = network.layers
        entry = (half(3, first), nn.LeakyReLU(SLOPE, inplace=True))
        inner = halving((first, *middle))
        self.layers = nn.Sequential(*entry, *inner, half((first, *middle)[-1], last))

    def forward(self, faces: Tensor) -> Tensor:
        """Embed faces (N, 3, size, size), RGB in 0-1: (N, width), of any sign and length."""
        return at_least_float32(self.layers(faces).flatten(1))

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        """The one embedding by its name."""
        return {"face": self(faces)}


class PixelDecoder(nn.Module):
    """TCAE's decoder with as many channels as there is to say: 2 of a displacement, 1 of a mask logit."""

    def __init__(self, width: int, layers: Sequence[int], channels: int) -> None:
        super().__init__()
        self.blocks = doubling((2 * width, *layers), channels)

    def forward(self, start: Tensor, end: Tensor) -> Tensor:
        """What it says of the way from one embedding (N, D) to another: (N, channels, H, W) in (-1, 1)."""
        return between(start, end, self.blocks)
