"""What a training is made of: named recipes whose differences are data.

``paper`` and ``released`` follow the two published descriptions of TCAE (Li et al., CVPR 2019, and the code that its
authors released), ``fast`` is meant for one GPU and ``small`` for a laptop. What the paper leaves open is in
``OPEN_IN_THE_PAPER``, with the reason of our choice.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Literal, TypeAlias

from tcae.manifests.errors import ConfigError

Stage: TypeAlias = tuple[float, float]
"""Fractions of a batch sorted by its loss, half open: (0, 0.5) is the easier half."""

FACE_PX = 256
"""Crops are counted in pixels of a face of this side."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Widths of the layers; every one halves (encoder) or doubles (decoder) the picture's side."""

    size: int = 256
    """Side of the faces that the network sees, in pixels."""
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


@dataclass(frozen=True, kw_only=True)
class ViewConfig:
    """Which part of a face the network sees, in pixels of a face of side 256 (released code, TCAE_data)."""

    centre_px: int = 224
    """Side of the centre crop; jitter stays in it, and all of it is seen where nothing is jittered."""
    smallest_px: int = 200
    """Least side of a jittered crop, drawn once an epoch."""
    largest_px: int = 223
    """Largest side, inclusive."""
    drawn: Literal["face", "pair"] = "face"
    """Whether source and target are shifted independently (as released) or together."""

    def __post_init__(self) -> None:
        if not 0 < self.smallest_px <= self.largest_px <= self.centre_px <= FACE_PX:
            raise ConfigError(f"view: 0 < smallest_px <= largest_px <= centre_px <= {FACE_PX} must hold, not {self}")


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """The weight of each term; ``losses.py`` defines the terms. A term of weight 0 is not computed."""

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
        if min(asdict(self).values()) < 0 or self.reconstruction <= 0:
            raise ConfigError(f"weights: none may be negative and reconstruction must be positive, not {self}")


@dataclass(frozen=True, kw_only=True)
class CurriculumConfig:
    """Which part of a batch is learned from, by ease, and when the next part's turn comes."""

    stages: tuple[Stage, ...] = ((0.0, 0.5), (0.1, 0.6), (0.2, 0.7), (0.3, 0.8), (0.4, 0.9))
    """Of the samples sorted by their loss."""
    patience: int = 15
    """The next stage begins when more than this many validations in a row have not improved on the best."""
    select: Literal["term", "sample"] = "sample"
    """Samples are sorted by each term on its own (the released code), or by their total (the paper)."""
    scope: Literal["global", "process"] = "global"
    """With several processes: sort all their samples together, or each process its own."""

    def __post_init__(self) -> None:
        if not self.stages or not all(0 <= low < high <= 1 for low, high in self.stages):
            raise ConfigError(f"curriculum: stages are (low, high) with 0 <= low < high <= 1, not {self.stages}")
        if self.patience < 0:
            raise ConfigError(f"curriculum: patience must not be negative, not {self.patience}")


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """The optimiser and its schedule over the recipe's total of steps."""

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = 0.001
    momentum: float = 0.9
    """Of SGD; AdamW's first beta."""
    weight_decay: float = 0.0
    warmup_steps: int = 0
    """Steps in which the learning rate rises linearly from 0."""
    decay: Literal["constant", "cosine"] = "constant"
    """After the warm-up: stay, or fall to 0 at the recipe's last step."""

    def __post_init__(self) -> None:
        if self.lr <= 0 or not 0 <= self.momentum < 1 or self.weight_decay < 0 or self.warmup_steps < 0:
            raise ConfigError(f"optimiser: lr > 0, momentum in [0, 1), the others not negative, not {self}")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that the weights at the end depend on, but for the faces."""

    name: str
    made_for: Literal["gpu", "cpu"] = "gpu"
    """Where the full schedule is a matter of hours."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    view: ViewConfig = field(default_factory=ViewConfig)
    weights: LossWeights = field(default_factory=LossWeights)
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    passes: Literal["separate", "shared"] = "separate"
    """Whether each kind of picture goes through the encoder by itself, with batch statistics of its own (as released),
    or source with target and the three made pictures together."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: convolutions in bfloat16 by autocast; warps, losses and weights stay float32."""
    over: Literal["tracks", "pairs"] = "tracks"
    """How a pair of an identity is drawn; see ``PairIndex.draw``."""
    batch_size: int = 64
    """Pairs of a step, over all processes."""
    epochs: int | None = None
    """Length in epochs of one pair per training identity; else ``steps``."""
    steps: int | None = None
    """Length in steps, where the number of identities should not matter."""
    least_steps: int = 50
    """A validation comes at an epoch's end, but not within this many steps of the one before."""
    val_pairs: int = 832
    """At most this many of the fixed pairs of val are used."""
    seed: int = 0
    """Of the first weights and of every draw."""

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ConfigError(f"a recipe has epochs or steps, not {self.epochs} and {self.steps}")
        if self.seed < 0:
            raise ConfigError(f"seed must not be negative, not {self.seed}")
        positive = ("batch_size", "epochs", "steps", "least_steps", "val_pairs")
        wrong = [name for name in positive if getattr(self, name) is not None and getattr(self, name) < 1]
        if wrong:
            raise ConfigError(f"{wrong[0]} must be at least 1, not {getattr(self, wrong[0])}")

    def num_steps(self, num_identities: int) -> int:
        """The length of the whole schedule in steps."""
        if self.steps is not None:
            return self.steps
        return max(1, (self.epochs or 1) * num_identities // self.batch_size)


PAPER = Recipe(name="paper", epochs=1000)

RELEASED = Recipe(
    name="released",
    epochs=1000,
    weights=LossWeights(
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
    network=NetworkConfig(size=64, trunk=(32, 64, 128), decoder=(256, 256, 128, 64, 32)),
    curriculum=CurriculumConfig(patience=3),
    optimiser=OptimiserConfig(name="adamw", lr=5e-4, weight_decay=0.01),
    passes="shared",
    batch_size=32,
    epochs=None,
    steps=4000,
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (RELEASED, PAPER, FAST, SMALL)}
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
