"""How a training is run, as far as its weights do not depend on it."""

from dataclasses import dataclass, field
from typing import Literal

from tcae.manifests.errors import ConfigError
from tcae.model.data.batches import LoaderConfig


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What may change between a run's start and its resumption; none of it is part of the run's fingerprint."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    compile: bool = False
    """Let torch fuse the passes."""
    steps: int | None = None
    """Train up to this step in all; the schedule stays that of the recipe's total."""
    epochs: int | None = None
    """The same, in epochs of one pair per training identity."""
    stop_after: int | None = None
    """Stop in good order after this many steps of this call."""
    resume: Literal["auto", "never"] = "auto"
    """Go on from the run's last checkpoint, or start a run of another name."""
    loader: LoaderConfig = field(default_factory=LoaderConfig)
    log_every: int = 10
    """Steps between two rows of metrics; losses are looked at then."""
    checkpoint_every: int = 50
    """Steps between two checkpoints, more where writing them would take over a twentieth of the time."""
    keep_every: int | None = None
    """Steps between two checkpoints that are kept beside last and best. [default: a fifth of the run]"""
    sheet_pairs: int = 6
    """Rows of a sample sheet."""

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise ConfigError(f"--steps {self.steps} and --epochs {self.epochs} exclude each other")
        for name in ("steps", "epochs", "stop_after", "log_every", "checkpoint_every", "keep_every", "sheet_pairs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {value}")

    @property
    def is_bounded(self) -> bool:
        """Whether the user said how long to train."""
        return any(bound is not None for bound in (self.steps, self.epochs, self.stop_after))
