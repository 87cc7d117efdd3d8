"""Recipes of supervised pre-training on noisy labels (Fung and McDuff, FG 2020).

``released`` follows the code that its authors released; ``encoder`` does the same with this project's convolutions;
``small`` and ``small-vgg13`` learn the rendered heads' exact labels with a noise of ours. What could not be taken over
is in ``OPEN_IN_THE_PAPER``, with the reason of our choice.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from tcae.manifests.errors import ConfigError
from tcae.manifests.labels import au_name
from tcae.model.recipe import (
    CurriculumConfig,
    DrawConfig,
    LabelsConfig,
    LossWeights,
    NetworkConfig,
    OptimiserConfig,
    Recipe,
    ViewConfig,
)

OPENFACE_AUS = tuple(au_name(number) for number in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45))
"""What OpenFace 2 says of a face, and the released lists hold."""
RENDERED_AUS = tuple(au_name(number) for number in (1, 2, 4, 5, 6, 9, 10, 12, 15, 17, 20, 25, 26, 45))
"""What the rendered heads move."""


@dataclass(frozen=True, kw_only=True)
class NoisyNetwork(NetworkConfig):
    """One embedding, ``face``: what the classifier's last layer sees."""

    size: int = 64
    backbone: Literal["vgg13", "encoder"] = "vgg13"
    """``vgg13``: grey, blocks of 3x3 convolutions and two hidden layers, as released; ``encoder``: this project's."""
    channels: tuple[int, ...] = (64, 128, 256, 256)
    """Of vgg13's blocks or of encoder's convolutions; each halves the side."""
    layers: tuple[int, ...] = (2, 2, 3, 3)
    """Convolutions of each block of vgg13."""
    hidden: int = 1024
    """Width of vgg13's two hidden layers."""
    drop_block: float = 0.25
    """Part of vgg13's values that is left out behind each block in training."""
    drop_hidden: float = 0.5
    """The same behind each hidden layer, and of the embedding before the classifier with either backbone."""

    def __post_init__(self) -> None:
        parts, vgg13 = 2 ** len(self.channels), self.backbone == "vgg13"
        if not self.channels or min(*self.channels, self.hidden) < 1:
            raise ConfigError(f"network: there must be channels, and widths are positive, not {self}")
        if self.size % parts if vgg13 else self.size != parts:
            wanted = "a multiple of" if vgg13 else "exactly"
            raise ConfigError(f"network: {len(self.channels)} halvings want {wanted} {parts} px, not {self.size}")
        if vgg13 and (len(self.layers) != len(self.channels) or min(self.layers) < 1):
            raise ConfigError(f"network: each of {len(self.channels)} blocks has layers, not {self.layers}")
        if not (0 <= self.drop_block < 1 and 0 <= self.drop_hidden < 1):
            raise ConfigError(f"network: drop_block and drop_hidden are in [0, 1), not {self}")

    @property
    def width(self) -> int:
        """Components of the embedding."""
        return self.hidden if self.backbone == "vgg13" else self.channels[-1]

    @property
    def widths(self) -> dict[str, int]:
        """The only embedding."""
        return {"face": self.width}


@dataclass(frozen=True, kw_only=True)
class NoisyWeights(LossWeights):
    """The only term of ``methods/noisy.py``."""

    presence: float = 1.0


@dataclass(frozen=True, kw_only=True)
class NoisyRecipe(Recipe):
    """A supervised training on labels that may be wrong."""

    method: Literal["noisy"] = "noisy"
    network: NoisyNetwork = field(default_factory=NoisyNetwork)
    weights: NoisyWeights = field(default_factory=NoisyWeights)
    draw: DrawConfig = field(default_factory=lambda: DrawConfig(kind="one", num_faces=1))
    labels: LabelsConfig = field(default_factory=lambda: LabelsConfig(table="openface", aus=OPENFACE_AUS))
    view: ViewConfig = field(default_factory=lambda: ViewConfig(mirrored=0.5))
    curriculum: CurriculumConfig = field(default_factory=lambda: CurriculumConfig(stages=((0.0, 1.0),)))
    batch_size: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.labels.table or not self.labels.aus:
            raise ConfigError(
                "labels: noisy learns from a table and has an output for each of the AUs that are named, so neither "
                f"may be empty, not {self.labels}"
            )


RELEASED = NoisyRecipe(
    name="released",
    optimiser=OptimiserConfig(name="adamw", lr=0.005, factors=((20 / 300, 0.5), (40 / 300, 0.1))),
    steps=1_500_000,
)

ENCODER = replace(
    RELEASED,
    name="encoder",
    network=NoisyNetwork(size=256, backbone="encoder", channels=(32, 64, 128, 256, 256, 256, 256, 256)),
    optimiser=OptimiserConfig(name="adamw", lr=5e-4, weight_decay=0.01),
)

SMALL = replace(
    ENCODER,
    name="small",
    made_for="cpu",
    network=NoisyNetwork(backbone="encoder", channels=(32, 64, 128, 256, 256, 256)),
    labels=LabelsConfig(table="synthetic", aus=RENDERED_AUS, noise=0.1, present_above=0.3),
    steps=4000,
)

SMALL_VGG13 = replace(
    SMALL,
    name="small-vgg13",
    network=NoisyNetwork(channels=(16, 32, 64, 64), hidden=256, drop_block=0.0),
    optimiser=OptimiserConfig(name="adamw", lr=1e-3),
)

RECIPES: dict[str, NoisyRecipe] = {recipe.name: recipe for recipe in (RELEASED, ENCODER, SMALL, SMALL_VGG13)}
"""By name; the first is what `tcae train --method noisy` uses."""

OPEN_IN_THE_PAPER: dict[str, tuple[object, str]] = {
    "steps": (1_500_000, "300 epochs of some 160,000 pictures in batches of 32; the released code keeps the best"),
    "view": (
        RELEASED.view,
        "this project's jitter and mirror; the code's rotation, skew and scale per axis are left out",
    ),
    "labels.table": ("openface", "faces of videos; the released pictures cannot be had, only their list of labels"),
    "labels.present_above": (0.0, "OpenFace's own 0 or 1"),
}
"""Each value of ``RELEASED`` that is not the released code's, with its reason."""
