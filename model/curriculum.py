"""The curriculum: learn from a batch's easy half first, then from harder parts (Li et al., section 3.4)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from tcae.model.losses import weighted
from tcae.model.recipe import CurriculumConfig, LossWeights, Stage


def share_of(losses: Tensor, stage: Stage) -> Tensor:
    """What each sample counts in the mean over a stage's samples.

    Args:
        losses: (..., N); each row is sorted by itself, ascending.
        stage: The part of them that counts: positions ``int(low N)`` to ``int(high N)``, half open, and at least one.

    Returns:
        The same shape: 1 / k for the k samples of the stage, 0 for the others.
    """
    num = losses.shape[-1]
    first, last = (int(bound * num) for bound in stage)
    first = min(first, num - 1)
    chosen = losses.detach().argsort(dim=-1)[..., first : max(last, first + 1)]
    return torch.zeros_like(losses).scatter(-1, chosen, 1 / chosen.shape[-1])


def selected_loss(
    terms: Mapping[str, Tensor],
    weights: LossWeights,
    select: Literal["term", "sample"],
    share: Callable[[Tensor], Tensor],
) -> Tensor:
    """The loss of a batch: the mean over its selected samples.

    Args:
        terms: (N,) each.
        weights: Of the terms.
        select: Whether samples are selected by each term on its own or by their total.
        share: What each sample counts, (T, N) to (T, N): ``share_of`` with a stage, over this or over all processes.
    """
    losses = torch.stack(list(weighted(terms, weights).values()))  # (T, N)
    if select == "sample":
        losses = losses.sum(0, keepdim=True)  # (1, N)
    return (share(losses) * losses).sum()


@dataclass
class Curriculum:
    """Where a run is in the curriculum; its fields are part of the checkpoint."""

    config: CurriculumConfig
    position: int = 0
    """Index of the stage."""
    best: float = float("inf")
    """Lowest validation loss since the stage began."""
    stalled: int = 0
    """Validations since then."""

    @property
    def stage(self) -> Stage:
        """The part of a batch that counts now."""
        return self.config.stages[self.position]

    def update(self, loss: float) -> bool:
        """Take a validation loss; true if the next stage begins.

        The stage changes when more than ``patience`` validations in a row have not improved on the best one; the best
        is then forgotten (released code). The last stage stays.
        """
        if loss < self.best:
            self.best, self.stalled = loss, 0
            return False
        self.stalled += 1
        if self.stalled <= self.config.patience or self.position + 1 == len(self.config.stages):
            return False
        self.position, self.best, self.stalled = self.position + 1, float("inf"), 0
        return True

    def state(self) -> dict[str, float]:
        """The fields that change, for a checkpoint."""
        return {name: value for name, value in asdict(self).items() if name != "config"}

    def restore(self, state: Mapping[str, float]) -> None:
        """Take back what ``state`` gave."""
        self.position, self.stalled = int(state["position"]), int(state["stalled"])
        self.best = float(state["best"])
