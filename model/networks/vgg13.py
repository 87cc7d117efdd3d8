"""The VGG-13-like network of FG 2020: a grey face to its last hidden layer."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor, nn

from tcae.model.method import FaceNetwork
from tcae.model.networks.encoder import at_least_float32
from tcae.model.recipes.noisy import NoisyNetwork


class Vgg13(FaceNetwork):
    """Blocks of 3x3 convolutions with ReLU, a 2x2 maximum and dropout; then two hidden layers (released code).

    There is no batch norm; convolutions keep the side. 8,767,954 parameters with a classifier of 18 AUs.
    """

    def __init__(self, network: NoisyNetwork) -> None:
        super().__init__()
        shapes = zip(pairwise((1, *network.channels)), network.layers, strict=True)
        self.blocks = nn.Sequential(*(_block(*widths, num, network.drop_block) for widths, num in shapes))
        side = network.size // 2 ** len(network.channels)
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Linear(network.channels[-1] * side * side, network.hidden),
            nn.ReLU(),
            nn.Dropout(network.drop_hidden),
            nn.Linear(network.hidden, network.hidden),
            nn.ReLU(),
        )
        self.apply(glorot)

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        """The last hidden layer, not negative."""
        red, green, blue = faces.unbind(1)
        grey = (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]  # (N, 1, H, W), as OpenCV (ITU-R BT.601)
        scaled = 2 * grey - 1  # (x - 127.5) / 127.5 of x in 0-255
        return {"face": at_least_float32(self.hidden(self.blocks(scaled)))}


def glorot(layer: nn.Module) -> None:
    """Draw a layer's weights evenly by Glorot's rule, and take its bias away, as the released code begins."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # these layers have one


def _block(narrow: int, wide: int, num: int, drop: float) -> nn.Sequential:
    return nn.Sequential(*_convolutions((narrow, *[wide] * num)), nn.MaxPool2d(2), nn.Dropout(drop))


def _convolutions(widths: Sequence[int]) -> Iterator[nn.Module]:
    for narrow, wide in pairwise(widths):
        yield nn.Conv2d(narrow, wide, kernel_size=3, padding=1)
        yield nn.ReLU()
