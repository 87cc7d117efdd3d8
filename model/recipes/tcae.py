"""Recipes of the Twin-Cycle Autoencoder, whose differences are data.

``paper`` and ``released`` follow the two published descriptions of TCAE (Li et al., CVPR 2019, and the code that its
authors released), ``fast`` is meant for one GPU and ``small`` for a laptop. What the paper leaves open is in
``OPEN_IN_THE_PAPER``, with the reason of our choice.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import CurriculumConfig, LossWeights, NetworkConfig, OptimiserConfig, Recipe


@dataclass(frozen=True, kw_only=True)
class TCAENetwork(NetworkConfig):
    """Widths of the layers; every one halves (encoder) or doubles (decoder) the picture's side."""

    trunk: tuple[int, ...] = (32, 64, 128, 256, 256)
    """Channels of the encoder's shared convolutions."""
    branch: tuple[int, ...] = (256, 256, 256)
    """Channels of each branch's convolutions; the last is the width of the embedding."""
    decoder: tuple[int, ...] = (256, 256, 256, 256, 128, 64, 32)
    """Channels of each decoder's convolutions but the last, which has three: x, y and the mask logit."""
    au_reach: float = 1.0
    """Largest AU displacement of each axis, in half-image units; the published networks bound both by 1."""

    def __post_init__(self) -> None:
        sides = {2 ** (len(self.trunk) + len(self.branch)), 2 ** (len(self.decoder) + 1)}
        if not self.trunk or not self.branch or sides != {self.size}:
            raise ConfigError(
                f"network: {len(self.trunk)} + {len(self.branch)} encoder and {len(self.decoder)} + 1 decoder layers "
                f"make sides of {sorted(sides)} px, not {self.size}; each layer stands for a factor of 2"
            )
        if min(*self.trunk, *self.branch, *self.decoder) < 1 or not 0 < self.au_reach <= 1:
            raise ConfigError(f"network: widths must be positive and au_reach in (0, 1], not {self}")

    @property
    def width(self) -> int:
        """Components of each embedding."""
        return self.branch[-1]

    @property
    def widths(self) -> dict[str, int]:
        """Both embeddings are equally wide."""
        return {"au": self.width, "pose": self.width}


@dataclass(frozen=True, kw_only=True)
class TCAEWeights(LossWeights):
    """The weight of each term of ``methods/tcae.py``."""

    reconstruction: float = 1.0
    au_cycle: float = 0.1
    pose_cycle: float = 0.1
    pose_image_pose: float = 0.1
    pose_image_au: float = 0.1
    au_image_pose: float = 0.1
    au_image_au: float = 0.1
    output_pose: float = 0.0
    output_au: float = 0.0
    au_displacement_l1: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reconstruction <= 0:
            raise ConfigError(f"weights: reconstruction must be positive, not {self}")


@dataclass(frozen=True, kw_only=True)
class TCAERecipe(Recipe):
    """A training of TCAE."""

    method: Literal["tcae"] = "tcae"
    network: TCAENetwork = field(default_factory=TCAENetwork)
    weights: TCAEWeights = field(default_factory=TCAEWeights)
    passes: Literal["separate", "shared"] = "separate"
    """Whether each kind of picture goes through the encoder by itself, with batch statistics of its own (as released),
    or source with target and the three made pictures together."""


PAPER = TCAERecipe(name="paper", epochs=1000)

RELEASED = TCAERecipe(
    name="released",
    epochs=1000,
    weights=TCAEWeights(
        reconstruction=10.0,
        au_cycle=1.0,
        pose_cycle=1.0,
        pose_image_pose=1.0,
        pose_image_au=1.0,
        au_image_pose=1.0,
        au_image_au=1.0,
        output_pose=1.0,
        output_au=1.0,
        au_displacement_l1=0.1,
    ),
    curriculum=CurriculumConfig(select="term"),
)

FAST = replace(
    PAPER,
    name="fast",
    curriculum=CurriculumConfig(patience=5),
    optimiser=OptimiserConfig(name="adamw", lr=5e-4, weight_decay=0.01, warmup_steps=500, decay="cosine"),
    passes="shared",
    precision="bf16",
    batch_size=256,
    epochs=None,
    steps=8000,
)

SMALL = replace(
    PAPER,
    name="small",
    made_for="cpu",
    network=TCAENetwork(size=64, trunk=(32, 64, 128), decoder=(256, 256, 128, 64, 32)),
    curriculum=CurriculumConfig(patience=3),
    optimiser=OptimiserConfig(name="adamw", lr=5e-4, weight_decay=0.01),
    passes="shared",
    batch_size=32,
    epochs=None,
    steps=4000,
)

RECIPES: dict[str, TCAERecipe] = {recipe.name: recipe for recipe in (RELEASED, PAPER, FAST, SMALL)}
"""By name; the first is what `tcae train` uses."""

OPEN_IN_THE_PAPER: dict[str, tuple[object, str]] = {
    "optimiser.momentum": (0.9, "the paper says SGD; the released code has 0.9"),
    "optimiser.lr": (0.001, "as the paper says, though its loss is a tenth of the code's, which has the same rate"),
    "view": (PAPER.view, "the paper names no jitter; the released code's, source and target apart"),
    "curriculum.stages": (
        PAPER.curriculum.stages,
        "the paper names three and goes on; the released code ends at 40-90 %",
    ),
    "curriculum.patience": (15, "the paper names none; the released code's"),
    "epochs": (1000, "the released code's training runs on until it is stopped; 1000 is the paper's number of epochs"),
    "detached warps": (True, "the paper is silent; the released code detaches every picture that it warps"),
}
"""Each value that ``PAPER`` had to choose, with its reason."""
