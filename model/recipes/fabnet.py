"""Recipes of FAb-Net: as released, as in the paper, its second phase, and the two that TCAE has beside them.

Wiles, Koepke, Zisserman, BMVC 2018. docs/methods/fabnet.md has the source of every value.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import DrawConfig, LossWeights, NetworkConfig, OptimiserConfig, Recipe, ViewConfig
from tcae.model.recipes import tcae


@dataclass(frozen=True, kw_only=True)
class FabNetNetwork(NetworkConfig):
    """Widths of the layers; every one halves (encoder) or doubles (decoders) the picture's side."""

    layers: tuple[int, ...] = (32, 64, 128, 256, 256, 256, 256, 256)
    """Channels of the encoder's convolutions; the last is the width of the embedding."""
    decoder: tuple[int, ...] = (256, 256, 256, 256, 128, 64, 32)
    """Channels of each decoder's convolutions but the last, which has x and y, or the mask logit."""

    def __post_init__(self) -> None:
        sides = {2 ** len(self.layers), 2 ** (len(self.decoder) + 1)}
        if len(self.layers) < 2 or sides != {self.size}:
            raise ConfigError(
                f"network: {len(self.layers)} encoder and {len(self.decoder)} + 1 decoder layers make sides of "
                f"{sorted(sides)} px, not {self.size}; each layer stands for a factor of 2"
            )
        if min(*self.layers, *self.decoder) < 1:
            raise ConfigError(f"network: widths must be positive, not {self}")

    @property
    def widths(self) -> dict[str, int]:
        """The one embedding."""
        return {"face": self.layers[-1]}


@dataclass(frozen=True, kw_only=True)
class FabNetWeights(LossWeights):
    """The weight of the only term of ``methods/fabnet.py``."""

    reconstruction: float = 1.0


@dataclass(frozen=True, kw_only=True)
class FabNetRecipe(Recipe):
    """A training of FAb-Net: the last face of a sample is the target, all others are sources."""

    method: Literal["fabnet"] = "fabnet"
    network: FabNetNetwork = field(default_factory=FabNetNetwork)
    weights: FabNetWeights = field(default_factory=FabNetWeights)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draw.kind not in ("pair", "track") or self.draw.num_faces < 2:
            raise ConfigError(f"fabnet draws a pair, or a track of at least 2 faces, not {self.draw}")


RELEASED = FabNetRecipe(
    name="released",
    view=ViewConfig(centre_px=190, smallest_px=170, largest_px=189, up_px=25),
    optimiser=OptimiserConfig(lr=1e-4),
    batch_size=128,
    epochs=1000,
)

PAPER = replace(RELEASED, name="paper", optimiser=OptimiserConfig(lr=1e-3), batch_size=32)

MULTI = replace(RELEASED, name="multi", draw=DrawConfig(kind="track", num_faces=4))
"""The second phase: ``start_from`` names a checkpoint of the first one, whose displacement decoder then stays."""

FAST = replace(
    PAPER,
    name="fast",
    view=tcae.FAST.view,
    curriculum=tcae.FAST.curriculum,
    optimiser=tcae.FAST.optimiser,
    precision=tcae.FAST.precision,
    batch_size=tcae.FAST.batch_size,
    epochs=None,
    steps=tcae.FAST.steps,
)

SMALL = replace(
    PAPER,
    name="small",
    made_for="cpu",
    network=FabNetNetwork(size=64, layers=(32, 64, 128, 256, 256, 256), decoder=(256, 256, 128, 64, 32)),
    view=tcae.SMALL.view,
    curriculum=tcae.SMALL.curriculum,
    optimiser=tcae.SMALL.optimiser,
    batch_size=tcae.SMALL.batch_size,
    epochs=None,
    steps=tcae.SMALL.steps,
)

RECIPES: dict[str, FabNetRecipe] = {recipe.name: recipe for recipe in (RELEASED, PAPER, MULTI, FAST, SMALL)}
"""By name; the first is what `tcae train --method fabnet` uses."""

OPEN_IN_THE_PAPER: dict[str, tuple[object, str]] = {
    "view": (PAPER.view, "the released code's"),
    "curriculum": (PAPER.curriculum, "the released code's: first the easier half, at last 40-90 %, after 15 stalls"),
    "optimiser.momentum": (0.9, "the released code's"),
    "epochs": (1000, "TCAE's number, so that both see as many faces; the released loop ends after 10,000"),
    "multi.draw.num_faces": (4, "the released weights are named 4views; the code counts the target among the views"),
    "multi.start_from": ("", "a file of yours; with none all three networks learn at once, which nobody published"),
}
"""Each value that had to be chosen, with its reason."""
