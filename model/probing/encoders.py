"""Which encoder is probed: a run's checkpoint or an export, and what it is compared with."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.embeddings import Origin, digest
from tcae.model.encoders.export import read_export
from tcae.model.encoders.face_encoder import FaceEncoder, load_encoder
from tcae.model.encoders.facts import RATIO, EncoderFacts
from tcae.model.method import FaceNetwork
from tcae.model.methods.catalogue import encoder_of, method_of
from tcae.model.recipe import Recipe
from tcae.model.training.runs import RunFolder, load_trained, run_folder, runs_of
from tcae.model.training.state_dicts import read_state_dict

if TYPE_CHECKING:
    from tcae.model.training.runs import Trained

UNTRAINED = "untrained"
"""Stands for the checkpoint of an encoder with random weights, as most runs begin."""

START = "start"
"""Stands for the checkpoint of an encoder as the run began it, where that was with the weights of a file."""


@dataclass(frozen=True, kw_only=True)
class Probed:
    """An encoder, and where it comes from."""

    encoder: FaceEncoder
    origin: Origin
    recipe: Recipe | None = None
    """That it was trained by; None for an export, which knows less."""
    displacement_ratio: float | None = None
    """Mean length of the pose displacement by that of the AU displacement, on val pairs; TCAE's."""

    @property
    def pairs_seen(self) -> int | None:
        """Samples that the weights were trained on, as far as it is known."""
        if self.origin.checkpoint in (UNTRAINED, START):
            return 0
        return None if self.recipe is None else self.origin.step * self.recipe.batch_size

    @property
    def begins_with(self) -> Path | None:
        """The file whose weights the run began with; None where they were random."""
        return Path(self.recipe.start_from) if self.recipe and self.recipe.start_from else None


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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _before(like, encoder_of(like.encoder.method, like.encoder.network), UNTRAINED)


def started(like: Probed) -> Probed | None:
    """The encoder as its run began it; None where that was with random weights, or the file of the weights is gone.

    Raises:
        CheckpointError: the file is damaged, or holds other weights now.
    """
    path = like.begins_with
    if like.recipe is None or path is None or not path.is_file():
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(like.recipe.seed)
        method = method_of(like.recipe)
        method.begin(read_state_dict(path), path)
    return _before(like, method.encoder, START)


def _before(like: Probed, network: FaceNetwork, checkpoint: str) -> Probed:
    """An encoder as it is before the first step."""
    known = like.encoder
    encoder = FaceEncoder(
        network,
        method=known.method,
        network=known.network,
        view=known.view,
        template=known.template,
        device=known.device,
    )
    origin = replace(like.origin, checkpoint=checkpoint, step=0, weights=digest(network.state_dict()))
    return Probed(encoder=encoder, origin=origin)


def _of_run(trained: "Trained", device: str | torch.device) -> Probed:
    return Probed(
        encoder=FaceEncoder.of(trained, device),
        origin=Origin.of(trained),
        recipe=trained.recipe,
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
    """The encoder as the run began it, then what each numbered checkpoint and the last one hold.

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
    yield started(_of_run(last, device)) or untrained(_of_run(last, device), last.recipe.seed)
    for step in run.steps():
        if int(step) < last.step:
            yield _of_run(load_trained(home, run.name, step, device), device)
    yield _of_run(last, device)
