"""Recipes of temporal consistency (Lu, Tavabi and Soleymani, BMVC 2020).

``released`` follows the code that the authors released for training; what we know of the paper beyond it, and what we
do otherwise, is in ``OPEN_IN_THE_RELEASE``. ``small`` is meant for a laptop.
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

LEAST_FACES = 3
"""Of a sample: an anchor, its sibling, and one that lies farther away."""


@dataclass(frozen=True, kw_only=True)
class TemporalNetwork(NetworkConfig):
    """A ResNet of two blocks a stage (ResNet-18 at the published widths), and a linear layer."""

    planes: tuple[int, int, int, int] = (64, 128, 256, 512)
    """Channels of the four stages."""
    width: int = 256
    """Components of the embedding."""

    def __post_init__(self) -> None:
        if self.size < 1 or min(*self.planes, self.width) < 1:
            raise ConfigError(f"network: the size and all widths must be positive, not {self}")

    @property
    def widths(self) -> dict[str, int]:
        """One embedding."""
        return {"face": self.width}


@dataclass(frozen=True, kw_only=True)
class TemporalWeights(LossWeights):
    """The weight of the one term of ``methods/temporal.py``."""

    ranking: float = 1.0


@dataclass(frozen=True, kw_only=True)
class TemporalRecipe(Recipe):
    """A training by temporal consistency."""

    method: Literal["temporal"] = "temporal"
    network: TemporalNetwork = field(default_factory=TemporalNetwork)
    weights: TemporalWeights = field(default_factory=TemporalWeights)
    draw: DrawConfig = field(default_factory=lambda: DrawConfig(kind="times", num_faces=12))
    view: ViewConfig = field(default_factory=lambda: ViewConfig(smallest_px=213, largest_px=213))
    curriculum: CurriculumConfig = field(default_factory=lambda: CurriculumConfig(stages=((0.0, 1.0),)))
    margin: float = 0.03
    """How much farther than the face before it each face should be from the anchor, in squared distance."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draw.kind != "times" or self.draw.num_faces < LEAST_FACES:
            raise ConfigError(f"temporal: draw.kind is times, of {LEAST_FACES} faces or more, not {self.draw}")
        if self.margin < 0:
            raise ConfigError(f"temporal: margin must not be negative, not {self.margin}")


RELEASED = TemporalRecipe(name="released", batch_size=48, epochs=50, seed=123)

SMALL = replace(
    RELEASED,
    name="small",
    made_for="cpu",
    network=TemporalNetwork(size=64, planes=(16, 32, 64, 128)),
    optimiser=OptimiserConfig(name="adamw", lr=5e-4, weight_decay=0.01),
    batch_size=8,
    epochs=None,
    steps=4000,
    val_pairs=128,
    seed=0,
)

RECIPES: dict[str, TemporalRecipe] = {recipe.name: recipe for recipe in (RELEASED, SMALL)}
"""By name; the first is what `tcae train --method temporal` uses."""

OPEN_IN_THE_RELEASE: dict[str, tuple[object, str]] = {
    "start_from": (
        "",
        "the released code begins with ImageNet's weights; a file of ResNet-18 with torchvision's names can be named",
    ),
    "epochs": (50, "the released epoch has one sample for each clip, ours one for each identity"),
    "draw": (
        RELEASED.draw,
        "the released code draws one anchor for each clip, once for the whole training; ours is drawn anew each time",
    ),
    "view.smallest_px": (213, "the released code draws one side in 200 to 223 with a fixed seed, which gives 213"),
    "val": ("centre crops of val's identities", "the released code keeps a fifth of the clips, of any identity"),
}
"""Where ``RELEASED`` is not what the released code does, or where a value follows from it only; with the reason."""
