"""What a run says of itself: rows of metrics, and a report to whoever watches."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from tcae.manifests.errors import DivergedError
from tcae.model.display.pictures import RGB
from tcae.model.recipe import Stage
from tcae.model.training.metrics import MetricsLog


@dataclass(frozen=True, kw_only=True)
class Report:
    """How a run stands; the rates are those since the report before."""

    step: int
    num_steps: int
    """Where this call ends."""
    loss: float
    samples_per_second: float
    wait_share: float
    """Of the time, spent waiting for faces, in 0-1."""
    stage: Stage
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Whom a run tells what; by default nobody."""

    on_note: Callable[[str], None] = lambda note: None
    """A sentence that a user should read."""
    on_report: Callable[[Report], None] = lambda report: None
    """After some steps."""
    on_validation: Callable[[int, str], None] = lambda step, words: None
    """The step, and in words what a validation gave."""


class Journal:
    """Collects the terms of steps on their device; looks at them only now and then, because that waits for the GPU."""

    def __init__(
        self, log: MetricsLog | None, watch: Watch, *, every: int, num_steps: int, samples_per_step: int
    ) -> None:
        self.log, self.watch, self.every = log, watch, every
        self.num_steps, self.samples_per_step = num_steps, samples_per_step
        self.steps: list[int] = []
        self.terms: list[dict[str, Tensor]] = []
        self.waited = 0.0
        self.since = time.monotonic()

    def note(self, step: int, terms: dict[str, Tensor], waited_seconds: float) -> None:
        """Take the terms of one step."""
        self.steps.append(step)
        self.terms.append(terms)
        self.waited += waited_seconds

    def check(self) -> Tensor:
        """Look at the steps since the last row: (steps, terms) float64 on the CPU.

        Raises:
            DivergedError: a term of one of them is not finite.
        """
        values = torch.stack([torch.stack(list(terms.values())) for terms in self.terms]).double().cpu()
        for step, row in zip(self.steps, values.isfinite().tolist(), strict=True):
            bad = [name for name, is_finite in zip(self.terms[0], row, strict=True) if not is_finite]
            if bad:
                raise DivergedError(
                    f"the loss is no longer finite: {', '.join(bad)} at step {step}; the last checkpoint is from "
                    "before it. A smaller learning rate (--set optimiser.lr=...) may help"
                )
        return values

    def settle(self, stage: Stage, lr: float) -> None:
        """Keep the means over the steps since the last time as rows, and report.

        Raises:
            DivergedError: a term of one of them is not finite.
        """
        means = dict(zip(self.terms[0], self.check().mean(0).tolist(), strict=True))
        seconds = max(1e-9, time.monotonic() - self.since)
        rate = len(self.steps) * self.samples_per_step / seconds
        share = min(1.0, self.waited / seconds)
        step = self.steps[-1]
        extra = {
            "lr": lr,
            "stage_low": stage[0],
            "stage_high": stage[1],
            "samples_per_second": rate,
            "wait_share": share,
        }
        if self.log is not None:
            self.log.add(step, "train", means | extra)
        left = (self.num_steps - step) * self.samples_per_step / rate
        report = Report(
            step=step,
            num_steps=self.num_steps,
            loss=means["loss"],
            samples_per_second=rate,
            wait_share=share,
            stage=stage,
            seconds_left=left,
        )
        self.watch.on_report(report)
        self.steps, self.terms, self.waited = [], [], 0.0
        self.since = time.monotonic()

    def validated(self, step: int, metrics: Mapping[str, float], words: str) -> None:
        """Keep the metrics of a validation, whose time does not count as training, and tell them in words."""
        if self.log is not None:
            self.log.add(step, "val", metrics)
        self.watch.on_validation(step, words)
        self.since = time.monotonic()

    def tell(self, note: str) -> None:
        """Say a sentence."""
        self.watch.on_note(note)

    def picture(self, step: int, name: str, picture: RGB) -> None:
        """Keep a picture with the metrics."""
        if self.log is not None:
            self.log.picture(step, name, picture)

    def close(self) -> None:
        """Write what there is of metrics, and end."""
        if self.log is not None:
            self.log.close()

    def flush(self) -> None:
        """Write what there is of metrics."""
        if self.log is not None:
            self.log.flush()
