"""From which checkpoint a run goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tcae.manifests.errors import CheckpointError
from tcae.model.training import checkpoints
from tcae.model.training.processes import Processes
from tcae.model.training.runs import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Where a run was; of a new run there is nothing."""

    path: Path | None = None
    """The checkpoint."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """What it holds."""
    damage: tuple[str, ...] = ()
    """What is wrong with newer ones."""

    @property
    def step(self) -> int:
        """Steps that are done."""
        return int(self.state.get("step", 0))


def kept(folder: RunFolder) -> list[Path]:
    """The checkpoints from which a run could go on, the newest first: last, the one before it, the numbered ones."""
    numbered = [folder.step_checkpoint(int(step)) for step in reversed(folder.steps())]
    return [path for path in (folder.last, folder.previous, *numbered) if path.is_file()]


def load_newest(folder: RunFolder, processes: Processes, device: str | torch.device = "cpu") -> Saved:
    """Load the newest checkpoint that can be read; every process of the run calls this.

    Raises:
        CheckpointError: there are checkpoints and none can be read, or the processes read different ones.
    """
    saved = _first_readable(folder, device)
    step = int(processes.from_first(float(saved.step)))
    if saved.step != step:
        raise CheckpointError(
            f"this process goes on from step {saved.step:,} in {saved.path} and the first one from step {step:,}; "
            "all must read the same disk"
        )
    return saved


def _first_readable(folder: RunFolder, device: str | torch.device) -> Saved:
    damage: list[str] = []
    for path in kept(folder):
        try:
            return Saved(path=path, state=checkpoints.load(path, device), damage=tuple(damage))
        except CheckpointError as error:
            damage.append(str(error))
    if damage:
        raise CheckpointError(
            f"run {folder.name} has no checkpoint from which it can go on: {'; '.join(damage)}. Put a copy of one into "
            f"{folder.checkpoints}, or start anew with --resume never"
        )
    return Saved()
