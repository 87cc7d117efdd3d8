"""Recipes of the Deforming Autoencoder: as TCAE's authors compared with it, as released, and one for a CPU.

Shu, Sahasrabudhe, Guler, Samaras, Paragios, Kokkinos, ECCV 2018. docs/methods/deformae.md has the source of every
value, and says which are our own choice.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import (
    CurriculumConfig,
    DrawConfig,
    LossWeights,
    NetworkConfig,
    OptimiserConfig,
    Recipe,
    ViewConfig,
)
from tcae.model.recipes import tcae


@dataclass(frozen=True, kw_only=True)
class DeformAENetwork(NetworkConfig):
    """Widths of the layers; every one halves or doubles the side, down to and up from 4 x 4 pixels."""

    layers: tuple[int, ...] = (32, 64, 128, 256, 256, 256)
    """Channels of the encoder's convolutions but the last, which makes the latent of 4 x 4 pixels."""
    latent: int = 512
    """Components of the embedding."""
    texture_code: int = 64
    """Of the latent's part that the aligned appearance is made of; short, so that shape has to go elsewhere."""
    deformation_code: int = 512
    """Of the part that the deformation is made of."""
    decoder: tuple[int, ...] = (256, 256, 256, 128, 64, 32, 32)
    """Channels of both decoders' convolutions but the last, which has three colours, or x and y."""

    def __post_init__(self) -> None:
        sides = {4 * 2 ** len(self.layers), 4 * 2 ** (len(self.decoder) - 1)}
        if not self.layers or sides != {self.size}:
            raise ConfigError(
                f"network: {len(self.layers)} encoder and {len(self.decoder)} decoder layers make sides of "
                f"{sorted(sides)} px, not {self.size}; each stands for a factor of 2 from 4 px on, the decoder's first "
                "for those"
            )
        if min(*self.layers, *self.decoder, self.latent, self.texture_code, self.deformation_code) < 1:
            raise ConfigError(f"network: widths must be positive, not {self}")

    @property
    def widths(self) -> dict[str, int]:
        """The latent that both codes are made of."""
        return {"face": self.latent}


@dataclass(frozen=True, kw_only=True)
class DeformAEWeights(LossWeights):
    """The weight of each term of ``methods/deformae.py``."""

    reconstruction: float = 1.0
    smoothness: float = 0.0064
    """The released 1e-6 of a sum over 100 samples and 64 lines of pixels, here of a mean over both."""
    bias: float = 0.01


@dataclass(frozen=True, kw_only=True)
class DeformAERecipe(Recipe):
    """A training of the Deforming Autoencoder."""

    method: Literal["deformae"] = "deformae"
    network: DeformAENetwork = field(default_factory=DeformAENetwork)
    weights: DeformAEWeights = field(default_factory=DeformAEWeights)
    draw: DrawConfig = field(default_factory=lambda: DrawConfig(kind="one", num_faces=1))
    curriculum: CurriculumConfig = field(default_factory=lambda: CurriculumConfig(stages=((0.0, 1.0),)))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draw.kind != "one":
            raise ConfigError(f"deformae draws one face, not {self.draw}")


COMPARED = DeformAERecipe(
    name="compared",
    optimiser=OptimiserConfig(name="adamw", lr=2e-4, momentum=0.5),
    batch_size=100,
    epochs=1000,
)

RELEASED = replace(
    COMPARED,
    name="released",
    network=DeformAENetwork(
        size=64,
        layers=(32, 64, 128, 256),
        latent=128,
        texture_code=16,
        deformation_code=128,
        decoder=(256, 128, 64, 32, 32),
    ),
    view=ViewConfig(centre_px=224, smallest_px=224, largest_px=224),
    epochs=600,
)

SMALL = replace(
    RELEASED,
    name="small",
    made_for="cpu",
    view=tcae.SMALL.view,
    batch_size=tcae.SMALL.batch_size,
    epochs=None,
    steps=tcae.SMALL.steps,
)

RECIPES: dict[str, DeformAERecipe] = {recipe.name: recipe for recipe in (COMPARED, RELEASED, SMALL)}
"""By name; the first is what `tcae train --method deformae` uses."""

OPEN_IN_THE_PAPER: dict[str, tuple[object, str]] = {
    "compared.network.layers": (
        COMPARED.network.layers,
        "two more for 256 px, of the widest that the released net has",
    ),
    "compared.network.texture_code": (64, "an eighth of the latent, as 16 of 128 in the released code"),
    "compared.network.deformation_code": (512, "as wide as the latent, as in the released code"),
    "network": (
        RELEASED.network,
        "the released file's plain net, not its dense one, which its training script prefers",
    ),
    "weights": (COMPARED.weights, "the released code's, so many of each pixel whatever the picture's size"),
    "view": (COMPARED.view, "TCAE's; the released loader scales faces and moves nothing, as `released` does"),
    "epochs": (1000, "TCAE's; `released` has 600 as the code, whose epoch sees each picture once, ours each identity"),
}
"""Each value that had to be chosen, with its reason."""
