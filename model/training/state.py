"""Everything that the next step depends on, and the best model so far."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tcae.manifests.errors import DivergedError
from tcae.model.curriculum import Curriculum
from tcae.model.training.step import Step


@dataclass
class TrainingState:
    """Where a run is; ``capture`` and ``restore`` are each other's inverse."""

    step: Step
    curriculum: Curriculum
    num_steps: int = 0
    """Steps done."""
    validated: int = 0
    """The step of the last validation."""
    best_loss: float = math.inf
    """Lowest total on val, over all stages of the curriculum."""
    best: dict[str, Any] = field(default_factory=dict)
    """The model that reached it: its weights on the CPU, step and metrics; empty before the first validation."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Of the last validation."""
    num_broken: int = 0
    """Faces that could not be read, so far."""

    def capture(self) -> dict[str, Any]:
        """The state as tensors, numbers and strings.

        Raises:
            DivergedError: a weight is no longer finite.
        """
        model = self.step.method.state_dict()
        bad = [name for name, value in model.items() if value.is_floating_point() and not value.isfinite().all()]
        if bad:
            raise DivergedError(f"the weights are no longer finite after step {self.num_steps}, first in {bad[0]}")
        return {
            "model": model,
            "optimiser": self.step.optimiser.state_dict(),
            "curriculum": self.curriculum.state(),
            "step": self.num_steps,
            "validated": self.validated,
            "best_loss": self.best_loss,
            "metrics": self.metrics,
            "broken": self.num_broken,
            "random": torch.get_rng_state(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take back what ``capture`` gave."""
        self.step.method.load_state_dict(saved["model"])
        self.step.optimiser.load_state_dict(saved["optimiser"])
        self.curriculum.restore(saved["curriculum"])
        self.num_steps, self.validated = saved["step"], saved["validated"]
        self.best_loss, self.metrics, self.num_broken = saved["best_loss"], saved["metrics"], saved["broken"]
        torch.set_rng_state(saved["random"].cpu())

    def note_best(self, metrics: Mapping[str, float]) -> None:
        """Keep the metrics of a validation, and a copy of the model if it is the best trained one so far."""
        self.metrics = dict(metrics)
        if self.num_steps and metrics["total"] < self.best_loss:
            self.best_loss = metrics["total"]
            weights = {name: _copy(value) for name, value in self.step.method.state_dict().items()}
            self.best = {"model": weights, "step": self.num_steps, "metrics": self.metrics}


def _copy(value: Tensor) -> Tensor:
    return value.detach().to("cpu", copy=True)
