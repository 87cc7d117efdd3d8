"""Recipes of the split-brain autoencoder: as far as it was published, and one for a CPU.

Zhang, Isola, Efros, CVPR 2017. What could be sourced and what could not stands in docs/methods/splitbrain.md.
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


@dataclass(frozen=True, kw_only=True)
class SplitBrainNetwork(NetworkConfig):
    """The channels of ONE half: AlexNet's, divided by two."""

    size: int = 180
    first: tuple[int, int] = (11, 4)
    """Kernel and stride of the first convolution."""
    seen: tuple[int, int, int] = (48, 128, 192)
    """Channels of conv1 to conv3, which are kept."""
    behind: tuple[int, int] = (192, 128)
    """Channels of conv4 and conv5, which are thrown away after the training, with ``hidden``."""
    hidden: int = 2048
    """Channels of fc6 and fc7, which are convolutions here."""
    grid: int = 5
    """conv3 is averaged to so many cells along each side."""
    predicts: Literal["bins", "values"] = "bins"
    """Whether the other channels are told as one of many bins, or as numbers."""

    def __post_init__(self) -> None:
        kernel, stride = self.first
        if min(*self.seen, *self.behind, self.hidden, self.grid, stride) < 1 or kernel < 1 or not kernel % 2:
            raise ConfigError(f"network: widths, grid and stride are positive, the first kernel is odd, not {self}")
        if self.side < self.grid:
            raise ConfigError(
                f"network: conv3 of {self.size} px has {self.side} cells along a side, fewer than grid {self.grid}"
            )

    @property
    def side(self) -> int:
        """Cells of conv3, and of everything behind it, along a side: three layers divide the face's, rounding up."""
        side = self.size
        for stride in (self.first[1], 2, 2):
            side = (side + stride - 1) // stride
        return side

    @property
    def widths(self) -> dict[str, int]:
        """Both halves' conv3, cell by cell."""
        return {"face": 2 * self.seen[-1] * self.grid**2}


@dataclass(frozen=True, kw_only=True)
class SplitBrainWeights(LossWeights):
    """The weight of each term of ``methods/splitbrain.py``."""

    colour: float = 1.0
    """From L to a and b."""
    lightness: float = 1.0
    """From a and b to L."""


@dataclass(frozen=True, kw_only=True)
class SplitBrainRecipe(Recipe):
    """A training of the split-brain autoencoder."""

    method: Literal["splitbrain"] = "splitbrain"
    network: SplitBrainNetwork = field(default_factory=SplitBrainNetwork)
    weights: SplitBrainWeights = field(default_factory=SplitBrainWeights)
    draw: DrawConfig = field(default_factory=lambda: DrawConfig(kind="one", num_faces=1))
    view: ViewConfig = field(default_factory=lambda: ViewConfig(mirrored=0.5))
    curriculum: CurriculumConfig = field(default_factory=lambda: CurriculumConfig(stages=((0.0, 1.0),)))
    optimiser: OptimiserConfig = field(
        default_factory=lambda: OptimiserConfig(name="adamw", lr=5e-4, weight_decay=0.01)
    )


PAPER = SplitBrainRecipe(name="paper", epochs=1000)

SMALL = replace(
    PAPER,
    name="small",
    made_for="cpu",
    network=SplitBrainNetwork(size=64, first=(5, 2), seen=(24, 48, 64), behind=(64, 64), hidden=256, grid=3),
    batch_size=32,
    epochs=None,
    steps=4000,
)

RECIPES: dict[str, SplitBrainRecipe] = {recipe.name: recipe for recipe in (PAPER, SMALL)}
"""By name; the first is what `tcae train --method splitbrain` uses."""

OPEN_IN_THE_PAPER: dict[str, tuple[object, str]] = {
    "network.grid": (5, "5 x 5 x 384 is 9,600 numbers, about what Zhang et al. classify from; TCAE's paper says none"),
    "batch norm": (
        True,
        "of AlexNet's local response normalisation it takes the place; it trains without a warm start",
    ),
    "bins of a and b": (529, "every bin of a square; those outside sRGB are never wanted, so they cost logits only"),
    "optimiser": (PAPER.optimiser, "AdamW as in TCAE's recipes for this project, so that methods differ in one thing"),
    "view": (PAPER.view, "TCAE's crops, mirrored one time in two"),
    "batch_size": (64, "TCAE's"),
    "epochs": (1000, "TCAE's"),
}
"""Each value that ``PAPER`` had to choose, with its reason."""
