"""Which encoder is probed: a run's checkpoint or an export, and what it is compared with."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.networks.encoder import Encoder
from tcae.model.encoders.embeddings import Origin, digest
from tcae.model.encoders.export import read_export
from tcae.model.encoders.face_encoder import FaceEncoder, load_encoder
from tcae.model.encoders.facts import RATIO, EncoderFacts
from tcae.model.training.runs import RunFolder, load_trained, run_folder, runs_of

if TYPE_CHECKING:
    from tcae.model.training.runs import Trained

UNTRAINED = "untrained"
"""Stands for the checkpoint of an encoder as it is before the first step."""


@dataclass(frozen=True, kw_only=True)
class Probed:
    """An encoder, and where it comes from."""

    encoder: FaceEncoder
    origin: Origin
    batch_size: int | None = None
    """Pairs of a training step; None where that is not known."""
    displacement_ratio: float | None = None
    """Mean length of the pose displacement by that of the AU displacement, on val pairs."""

    @property
    def pairs_seen(self) -> int | None:
        """That the weights were trained on, as far as it is known."""
        return 0 if self.origin.checkpoint == UNTRAINED else self.batch_size and self.origin.step * self.batch_size


def probed(
    workspace: Workspace, name: str | None, checkpoint: str = "best", device: str | torch.device = "cpu"
) -> Probed:
    """The encoder that a user named.

    Args:
        workspace: Has the run, if ``name`` is not a path.
        name: A run of the workspace, the folder of a run anywhere, or what `tcae export` wrote; None is the newest run.
        checkpoint: Of a run: ``best``, ``last`` or the number of a step.
        device: Where the encoder goes.

    Raises:
        ConfigError: there is no run.
        CheckpointError: what was named is none of these, or damaged.
    """
    found = folder_of(workspace, name)
    if found is None:
        return _of_export(Path(str(name)), device)
    trained = load_trained(Workspace(found.path.parent.parent), found.name, checkpoint, device)
    return _of_run(trained, device)


def folder_of(workspace: Workspace, name: str | None) -> RunFolder | None:
    """The run that a user named; None where it is an export.

    Raises:
        ConfigError: there is no run.
        CheckpointError: there is nothing of that name.
    """
    if name is None:
        return newest_run(workspace)
    path = Path(name)
    if (path / "run.json").is_file():
        return RunFolder(path.absolute())
    if path.suffix == ".safetensors" or (path / "encoder.json").is_file():
        return None
    there = [run.name for run in runs_of(workspace)]
    if name not in there:
        raise CheckpointError(
            f"{name} is neither a run of {workspace.root} (there: {', '.join(there) or 'none'}), nor the folder of a "
            "run, nor what tcae export wrote"
        )
    return run_folder(workspace, name)


def newest_run(workspace: Workspace) -> RunFolder:
    """The run that was written to last.

    Raises:
        ConfigError: there is none.
    """
    runs = [run for run in runs_of(workspace) if run.last.is_file()]
    if not runs:
        raise ConfigError(f"there is no run in {workspace.root}; run tcae train first, or name one with --encoder")
    return max(runs, key=lambda run: run.last.stat().st_mtime)


def untrained(like: Probed, seed: int = 0) -> Probed:
    """An encoder of the same shape with the weights of a new network; the global generator is left as it was.

    Its convolutions are drawn from ``seed`` as `tcae train` draws them, so it is the run's own start where the recipe
    has that seed.
    """
    network, view = like.encoder.network, like.encoder.view
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Encoder(network)
    origin = replace(like.origin, checkpoint=UNTRAINED, step=0, weights=digest(encoder.state_dict()))
    fresh = FaceEncoder(encoder, network=network, view=view, template=like.encoder.template, device=like.encoder.device)
    return Probed(encoder=fresh, origin=origin)


def _of_run(trained: "Trained", device: str | torch.device) -> Probed:
    return Probed(
        encoder=FaceEncoder.of(trained, device),
        origin=Origin.of(trained),
        batch_size=trained.recipe.batch_size,
        displacement_ratio=trained.metrics.get(RATIO),
    )


def _of_export(path: Path, device: str | torch.device) -> Probed:
    facts, tensors = read_export(path)
    return Probed(
        encoder=load_encoder(path, device),
        origin=Origin.of_export(facts, tensors),
        displacement_ratio=_ratio(facts),
    )


def _ratio(facts: EncoderFacts) -> float | None:
    return facts.metrics.get(RATIO)


def kept_checkpoints(workspace: Workspace, name: str | None, device: str | torch.device = "cpu") -> Iterator[Probed]:
    """The untrained encoder of a run's own seed, then what each numbered checkpoint and the last one hold.

    Args:
        workspace: As in ``probed``.
        name: As in ``probed``; an export has no checkpoints.
        device: Where the encoders go.

    Raises:
        ConfigError: it is an export.
        CheckpointError: a checkpoint is damaged.
    """
    run = folder_of(workspace, name)
    if run is None:
        raise ConfigError(f"{name} is an export, which keeps no checkpoints to draw a curve from; name its run")
    home = Workspace(run.path.parent.parent)
    last = load_trained(home, run.name, "last", device)
    yield untrained(_of_run(last, device), last.recipe.seed)
    for step in run.steps():
        if int(step) < last.step:
            yield _of_run(load_trained(home, run.name, step, device), device)
    yield _of_run(last, device)
