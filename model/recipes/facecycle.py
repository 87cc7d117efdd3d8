"""Recipes of FaceCycle (Chang et al., ICCV 2021), in two stages.

``stage-one`` and ``stage-two`` follow the released code; we have not read the paper itself. ``small`` and ``small-two``
are the same two for a laptop. What nobody has told us is in ``OPEN``, with the reason of our choice.
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

SIDE = 16
"""The encoder's last map has one pixel for so many of the face's, along each axis."""


@dataclass(frozen=True, kw_only=True)
class FaceCycleNetwork(NetworkConfig):
    """Widths of the layers (released code)."""

    size: int = 64
    channels: tuple[int, int, int] = (64, 128, 256)
    """Of the encoders; the second are also those of their last map."""
    hidden: int = 512
    """Units between an encoder's last map and its code."""
    code: int = 256
    """Components of the motion code and of the identity code."""
    movement: tuple[int, int, int] = (256, 128, 64)
    """Channels of the displacement decoder at 4, 8 and 16 pixels."""
    vgg: tuple[int, int, int, int] = (64, 128, 256, 512)
    """Channels of the four blocks of VGG-19 that pictures are compared by; the third are the generator's too. Weights
    from torchvision's file fit no others."""
    blocks: int = 8
    """Residual blocks of the generator."""
    identity_blocks: int = 7
    """Residual blocks of the normaliser."""
    identity: bool = False
    """Whether this is stage two."""

    def __post_init__(self) -> None:
        widths = (*self.channels, self.hidden, self.code, *self.movement, *self.vgg, self.blocks, self.identity_blocks)
        if self.size < SIDE or self.size % SIDE or min(widths) < 1:
            raise ConfigError(f"network: size must be a multiple of {SIDE} and widths positive, not {self}")

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """Of an encoder's last map: channels, height, width."""
        return self.channels[1], self.size // SIDE, self.size // SIDE

    @property
    def widths(self) -> dict[str, int]:
        """The motion code, stage two's identity code, and the last map, which the paper's linear protocol reads."""
        channels, height, width = self.map_shape
        identity = {"identity": self.code} if self.identity else {}
        return {"au": self.code, **identity, "features": channels * height * width}


@dataclass(frozen=True, kw_only=True)
class FaceCycleWeights(LossWeights):
    """The weight of each term of ``methods/facecycle.py``; as they are, those of stage one (released code).

    The code weighs groups, 1 for pixels, 0.01 for ``perceptual``, 5 for SSIM, 1.5 for symmetry, and terms within them;
    these are the products.
    """

    pixel_reexpressed: float = 1.0
    pixel_direct: float = 1.5
    pixel_plain: float = 1.0
    pixel_moved: float = 1.0
    pixel_neutral: float = 0.0
    ssim_reexpressed: float = 5.0
    ssim_direct: float = 7.5
    ssim_plain: float = 5.0
    ssim_moved: float = 0.0
    perceptual: float = 0.01
    symmetry_neutral: float = 1.5
    symmetry_straight: float = 0.75
    margin: float = 0.0


@dataclass(frozen=True, kw_only=True)
class FaceCycleRecipe(Recipe):
    """A training of one stage; the second begins with a checkpoint of the first (``start_from``)."""

    method: Literal["facecycle"] = "facecycle"
    network: FaceCycleNetwork = field(default_factory=FaceCycleNetwork)
    weights: FaceCycleWeights = field(default_factory=FaceCycleWeights)
    margin: float = 0.1
    """How far the mean face may be from a neutral face, in units of normalised pixels; stage two."""
    margin_hinged: bool = False
    """Whether only what exceeds the margin counts. The released code computes that and throws it away."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.margin < 0:
            raise ConfigError(f"margin must not be negative, not {self.margin}")
        if self.draw.num_faces != 2:
            raise ConfigError(f"draw: both stages learn from 2 faces a sample, not {self.draw.num_faces}")


FOREIGN: dict[bool, tuple[str, ...]] = {
    False: ("pixel_neutral", "margin"),
    True: ("pixel_plain", "pixel_moved", "ssim_plain", "ssim_moved", "symmetry_straight"),
}
"""The terms that stage one (False) and stage two (True) do not have."""

NUM_TRACKS = 153_516
"""Utterances of VoxCeleb1 (Nagrani et al., Interspeech 2017); an epoch of the released code has one item of each."""

RELEASED = FaceCycleRecipe(
    name="stage-one",
    draw=DrawConfig(kind="mirror"),
    view=ViewConfig(centre_px=256, smallest_px=250, largest_px=256, mirrored=0.5, drawn="pair"),
    curriculum=CurriculumConfig(stages=((0.0, 1.0),)),
    optimiser=OptimiserConfig(
        name="adamw", lr=5e-5, momentum=0.5, beta2=0.999, factors=((0.0, 0.2), (1 / 40, 1.0), (20 / 40, 0.2))
    ),
    batch_size=16,
    steps=40 * NUM_TRACKS // 16,
    least_steps=1000,
)
"""Stage one."""

STAGE_TWO = replace(
    RELEASED,
    name="stage-two",
    network=FaceCycleNetwork(identity=True),
    weights=FaceCycleWeights(
        pixel_direct=0.8,
        pixel_plain=0.0,
        pixel_moved=0.0,
        pixel_neutral=1.0,
        ssim_direct=4.0,
        ssim_plain=0.0,
        symmetry_straight=0.0,
        margin=1.0,
    ),
    draw=DrawConfig(kind="strangers"),
    optimiser=OptimiserConfig(
        name="adamw", lr=1e-4, momentum=0.5, beta2=0.9, factors=((0.0, 0.5), (1 / 20, 1.0), (10 / 20, 0.1))
    ),
    steps=20 * NUM_TRACKS // 16,
)

_NARROW = FaceCycleNetwork(
    channels=(24, 48, 96), hidden=256, movement=(128, 64, 32), vgg=(8, 16, 32, 64), blocks=4, identity_blocks=4
)

SMALL = replace(
    RELEASED,
    name="small",
    made_for="cpu",
    network=_NARROW,
    optimiser=replace(RELEASED.optimiser, lr=2e-4, factors=((0.0, 0.2), (1 / 40, 1.0), (20 / 40, 0.5))),
    steps=4000,
    least_steps=100,
)

SMALL_TWO = replace(
    STAGE_TWO,
    name="small-two",
    made_for="cpu",
    network=replace(_NARROW, identity=True),
    optimiser=replace(STAGE_TWO.optimiser, lr=2e-4, factors=((0.0, 0.5), (1 / 20, 1.0), (10 / 20, 0.5))),
    steps=2000,
    least_steps=100,
)

RECIPES: dict[str, FaceCycleRecipe] = {recipe.name: recipe for recipe in (RELEASED, STAGE_TWO, SMALL, SMALL_TWO)}
"""By name; the first is what `tcae train` uses."""

OPEN: dict[str, tuple[object, str]] = {
    "steps": (40 * NUM_TRACKS // 16, "the code counts 40 epochs of an item a track; so many they are on VoxCeleb1"),
    "view.drawn": ("pair", "so that a mirror image is one of the same crop, as in the code; other faces share it too"),
    "view.smallest_px": (250, "the code crops 0.95 to 1.05 of the area; the square root of 0.95 of 256 px is 249.5"),
    "optimiser.weight_decay": (0.0, "the code's optimiser is Adam, which is AdamW without weight decay"),
}
"""Each value of ``RELEASED`` that had to be translated or chosen, with its reason; the layers are on the page."""
