"""What every training is made of, whatever its method; each method's own part is in ``recipes/``."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

from tcae.manifests.errors import ConfigError

Stage: TypeAlias = tuple[float, float]
"""Fractions of a batch sorted by its loss, half open: (0, 0.5) is the easier half."""

FACE_PX = 256
"""Crops are counted in pixels of a face of this side."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig(ABC):
    """The shape of a method's network; each method adds its own widths."""

    size: int = 256
    """Side of the faces that the network sees, in pixels."""

    @property
    @abstractmethod
    def widths(self) -> dict[str, int]:
        """Components of each embedding, by its name; the first is what a user means who names none."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """The weight of each loss term, by the term's name; a term of weight 0 is not computed."""

    def __post_init__(self) -> None:
        weights = asdict(self)
        if weights and (min(weights.values()) < 0 or max(weights.values()) <= 0):
            raise ConfigError(f"weights: none may be negative and one must be positive, not {self}")


@dataclass(frozen=True, kw_only=True)
class DrawConfig:
    """Which faces of one identity make a sample."""

    kind: Literal["one", "pair", "track", "mirror", "strangers", "times"] = "pair"
    """one: a face. pair: two different faces of a track. track: several, different as far as there are enough. mirror:
    a face and its mirror image, or another face of the track. strangers: a face, and one of another identity. times:
    an anchor, its sibling, and faces ever farther from it in time."""
    num_faces: int = 2
    """Of a sample."""
    spacing: int = 1
    """Of times: faces between two neighbours in time, in faces of the track."""

    def __post_init__(self) -> None:
        fixed = {"one": 1, "pair": 2, "mirror": 2, "strangers": 2}.get(self.kind)
        if self.num_faces != (fixed or self.num_faces) or self.num_faces < 1 or self.spacing < 1:
            raise ConfigError(f"draw: {self.kind} has {fixed or 'at least 1'} faces, spacing is at least 1, not {self}")


@dataclass(frozen=True, kw_only=True)
class LabelsConfig:
    """The labels that a supervised method learns from."""

    table: str = ""
    """``labels/<table>.parquet``; empty where a method learns without labels."""
    aus: tuple[str, ...] = ()
    """Which columns; empty takes every AU of the table."""
    noise: float = 0.0
    """This part of the labels, drawn once for each face and AU, is turned into its opposite."""
    present_above: float = 0.0
    """A value above it means that the AU is there."""

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 0.5:
            raise ConfigError(f"labels.noise must be in 0 to 0.5, where labels say nothing, not {self.noise}")


@dataclass(frozen=True, kw_only=True)
class ViewConfig:
    """Which part of a face the network sees, in pixels of a face of side 256 (released code, TCAE_data)."""

    centre_px: int = 224
    """Side of the centre crop; jitter stays in it, and all of it is seen where nothing is jittered."""
    smallest_px: int = 200
    """Least side of a jittered crop, drawn once an epoch."""
    largest_px: int = 223
    """Largest side, inclusive."""
    up_px: int = 0
    """How much higher than the face's centre the crop's centre lies."""
    mirrored: float = 0.0
    """Probability that a face is mirrored left to right, all faces of a sample alike."""
    drawn: Literal["face", "pair"] = "face"
    """Whether the faces of a sample are shifted independently (as TCAE released it) or together."""

    def __post_init__(self) -> None:
        if not 0 < self.smallest_px <= self.largest_px <= self.centre_px <= FACE_PX:
            raise ConfigError(f"view: 0 < smallest_px <= largest_px <= centre_px <= {FACE_PX} must hold, not {self}")
        if not 0 <= self.up_px <= (FACE_PX - self.centre_px) // 2 or not 0 <= self.mirrored <= 1:
            raise ConfigError(f"view: the crop must stay in the face and mirrored is a probability, not {self}")


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
    beta2: float = 0.999
    """Of AdamW, which without weight decay is Adam."""
    factors: tuple[tuple[float, float], ...] = ()
    """(part of all steps, factor): from there on the rate is so many times ``lr``."""

    def __post_init__(self) -> None:
        if self.lr <= 0 or not 0 <= self.momentum < 1 or self.weight_decay < 0 or self.warmup_steps < 0:
            raise ConfigError(f"optimiser: lr > 0, momentum in [0, 1), the others not negative, not {self}")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that the weights at the end depend on, but for the faces."""

    name: str
    method: str
    """A name of `tcae train --method`."""
    made_for: Literal["gpu", "cpu"] = "gpu"
    """Where the full schedule is a matter of hours."""
    network: NetworkConfig
    weights: LossWeights
    draw: DrawConfig = field(default_factory=DrawConfig)
    labels: LabelsConfig = field(default_factory=LabelsConfig)
    view: ViewConfig = field(default_factory=ViewConfig)
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: convolutions in bfloat16 by autocast; warps, losses and weights stay float32."""
    over: Literal["tracks", "pairs"] = "tracks"
    """How a pair of an identity is drawn; see ``PairIndex.draw``."""
    batch_size: int = 64
    """Samples of a step, over all processes."""
    epochs: int | None = None
    """Length in epochs of one sample per training identity; else ``steps``."""
    steps: int | None = None
    """Length in steps, where the number of identities should not matter."""
    least_steps: int = 50
    """A validation comes at an epoch's end, but not within this many steps of the one before."""
    val_pairs: int = 832
    """At most this many samples of val are used."""
    start_from: str = ""
    """A file of weights that a new run begins with: a checkpoint of this method, or what the method's page names."""
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

    @property
    def run_name(self) -> str:
        """What a run of it is called, where the user names none."""
        return self.name if self.method == "tcae" else f"{self.method}-{self.name}"
