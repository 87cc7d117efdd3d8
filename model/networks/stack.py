"""A face to one embedding by halvings alone: the encoder of this project with a single branch."""

from torch import Tensor, nn

from tcae.model.method import FaceNetwork
from tcae.model.networks.encoder import at_least_float32, half, halving
from tcae.model.recipes.noisy import NoisyNetwork


class Stack(FaceNetwork):
    """Convolutions of kernel 4 and stride 2; batch norm and leaky ReLU follow each but the last (TCAE, released)."""

    def __init__(self, network: NoisyNetwork) -> None:
        super().__init__()
        widths = (3, *network.channels)
        self.layers = nn.Sequential(*halving(widths[:-1]), half(*widths[-2:]))

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        """The last convolution's channels, of any sign."""
        return {"face": at_least_float32(self.layers(faces).flatten(1))}
