"""The loop: batches in, checkpoints, metrics and sample sheets out."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tcae.manifests.errors import StoppedError
from tcae.model.data.batch import Batch, BrokenCount
from tcae.model.display.pictures import write_png
from tcae.model.recipe import Recipe
from tcae.model.training.interrupts import StopWish
from tcae.model.training.journal import Journal
from tcae.model.training.keeper import Keeper
from tcae.model.training.optimisers import lr_at, set_lr
from tcae.model.training.processes import Processes
from tcae.model.training.runs import RunFolder
from tcae.model.training.samples import picked, sheet
from tcae.model.training.state import TrainingState
from tcae.model.training.validation import validate


@dataclass(frozen=True, kw_only=True)
class Plan:
    """From where to where one call trains."""

    num_identities: int
    start: int
    """Steps that were done when this call began."""
    total: int
    """Steps of the recipe's schedule."""
    end: int
    """Steps that are done when the run is finished."""
    stop: int
    """Steps that are done when this call ends."""

    def ends_epoch(self, step: int, batch_size: int) -> bool:
        """Whether the batch that makes ``step`` the number of steps done holds the last pair of an epoch."""
        return step * batch_size // self.num_identities > (step - 1) * batch_size // self.num_identities


@dataclass(kw_only=True)
class Trainer:
    """One run on one process; the first process alone writes."""

    folder: RunFolder
    recipe: Recipe
    plan: Plan
    state: TrainingState
    processes: Processes
    keeper: Keeper
    journal: Journal
    val: list[Batch]
    """Fixed samples of val, decoded; empty on all processes but the first."""
    num_samples: int
    """Rows of a sample sheet, evenly picked from val."""

    def run(self, batches: Iterator[Batch], wish: StopWish) -> None:
        """Train until the plan's stop.

        Raises:
            StoppedError: the user wished so; a checkpoint was written.
            DivergedError: the loss or a weight is no longer finite; the checkpoints are from before.
            TooManyBrokenError: more than one face in a hundred could not be read.
        """
        if self.state.num_steps == 0:
            self._validate(counts=False)
        broken = BrokenCount()
        while self.state.num_steps < self.plan.stop:
            started = time.monotonic()
            batch = next(batches)
            waited = time.monotonic() - started
            self._learn(batch, waited)
            for message in broken.add(batch):
                self.journal.tell(f"replaced: {message}")
            self.state.num_broken += len(batch.broken)
            if self.processes.any(bool(wish)):
                self._write()
                raise StoppedError(
                    f"stopped by {wish.name or 'another process'} after step {self.state.num_steps:,}, which is "
                    f"written in {self.folder.last}; the same command goes on from there"
                )
        self._finish()

    def _learn(self, batch: Batch, waited_seconds: float) -> None:
        state = self.state
        set_lr(state.step.optimiser, lr_at(self.recipe.optimiser, state.num_steps, self.plan.total))
        terms = state.step(batch, state.curriculum.stage)
        state.num_steps += 1
        self.journal.note(state.num_steps, terms, waited_seconds)
        is_validation = self._is_validation()
        is_checkpoint = self.processes.is_first and self.keeper.is_due(state.num_steps)
        if state.num_steps % self.journal.every == 0:
            self.journal.settle(state.curriculum.stage, state.step.optimiser.param_groups[0]["lr"])
        if is_validation:
            self._validate(counts=True)
        if is_checkpoint:
            self._write()

    def _is_validation(self) -> bool:
        done = self.state.num_steps
        is_late = done - self.state.validated >= self.recipe.least_steps
        return is_late and self.plan.ends_epoch(done, self.recipe.batch_size)

    def _validate(self, *, counts: bool) -> None:
        """Validate on the first process and tell the others; only one that is due counts for the curriculum."""
        if self.processes.is_first and self.val:
            self._tell(validate(self.state.step, self.val))
        loss = self.processes.from_first(self.state.metrics.get("total", float("nan")))
        if not counts:
            return
        self.state.validated = self.state.num_steps
        if loss == loss and self.state.curriculum.update(loss):
            low, high = self.state.curriculum.stage
            self.journal.tell(f"step {self.state.num_steps:,}: the curriculum goes on to {low:.0%} - {high:.0%}")

    def _tell(self, metrics: dict[str, float]) -> None:
        step, method = self.state.num_steps, self.state.step.method
        self.state.note_best(metrics)
        self.journal.validated(step, metrics, method.words(metrics))
        remark = method.remark(metrics)
        if step and remark:
            self.journal.tell(f"step {step:,}: {remark}")

    def _write(self, *, is_last: bool = False) -> None:
        if self.journal.terms:
            self.journal.check()
        if not self.processes.is_first:
            return
        self.keeper.write(self.state)
        if is_last or self.keeper.is_kept(self.state.num_steps):
            self._draw()
        self.journal.flush()

    def _finish(self) -> None:
        if self.state.validated != self.state.num_steps:
            self._validate(counts=False)
        self._write(is_last=True)

    def _draw(self) -> None:
        if not self.val:
            return
        step = self.state.num_steps
        picture = sheet(self.state.step, picked(self.val, self.num_samples), f"{self.folder.path.name}, step {step:,}")
        write_png(self.folder.samples / f"step-{step:08d}.png", picture)
        self.journal.picture(step, "samples", picture)
