"""Checkpoints of the published code (mysee1989/TCAE, torch 0.4.1): their names for our tensors."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.curriculum import Curriculum
from tcae.model.encoders.card import IMPORTED
from tcae.model.encoders.facts import UNKNOWN
from tcae.model.methods.tcae import TCAE
from tcae.model.networks.weights import check_shapes
from tcae.model.recipes.tcae import RELEASED
from tcae.model.training import checkpoints
from tcae.model.training.runs import RunFolder, run_folder, write_config
from tcae.model.training.state import TrainingState
from tcae.model.training.state_dicts import read_state_dict
from tcae.model.training.step import Step

MODULES = {
    "encoder.conv1": "encoder.trunk.0",
    "encoder.batch_norm": "encoder.trunk.1",
    "encoder.conv2": "encoder.trunk.3",
    "encoder.batch_norm2_0": "encoder.trunk.4",
    "encoder.conv3": "encoder.trunk.6",
    "encoder.batch_norm4_0": "encoder.trunk.7",
    "encoder.conv4": "encoder.trunk.9",
    "encoder.batch_norm8_0": "encoder.trunk.10",
    "encoder.conv5": "encoder.trunk.12",
    "encoder.batch_norm8_1": "encoder.trunk.13",
    "encoder.conv6": "encoder.pose.0",
    "encoder.batch_norm8_2": "encoder.pose.1",
    "encoder.conv7": "encoder.pose.3",
    "encoder.batch_norm8_3": "encoder.pose.4",
    "encoder.conv8": "encoder.pose.6",
    "encoder.conv6_1": "encoder.au.0",
    "encoder.batch_norm8_2_1": "encoder.au.1",
    "encoder.conv7_1": "encoder.au.3",
    "encoder.batch_norm8_3_1": "encoder.au.4",
    "encoder.conv8_1": "encoder.au.6",
    **{f"pose_decoder.{i}": f"pose_decoder.blocks.{i}" for i in range(32)},
    **{f"expression_decoder.{i}": f"au_decoder.blocks.{i}" for i in range(32)},
}
"""A module of the published code and ours; the layers of its decoders are numbered as ours are."""

_COUNTER = "num_batches_tracked"
"""Older checkpoints have none; nothing that we compute depends on it."""


def import_released(workspace: Workspace, file: Path, run: str) -> RunFolder:
    """Make a run of a checkpoint, so that every command can use it; its template is ``unknown``.

    Args:
        workspace: Gets the run.
        file: A state dict, or a mapping that holds one, as ``torch.save`` wrote it, in the zip or in the older format.
        run: The new run's name.

    Raises:
        CheckpointError: the file is missing or damaged, holds objects other than tensors and plain values, or other
            tensors; the message names the first that differ.
        ConfigError: there is such a run already.
    """
    folder = run_folder(workspace, run)
    if folder.path.exists():
        raise ConfigError(f"there is a run {run} already in {folder.path.parent}; name another with --run")
    model = TCAE(RELEASED)
    model.load_state_dict(renamed(read_state_dict(file), file))
    data = {"source": IMPORTED, "file": file.name, "template": UNKNOWN}
    write_config(folder, RELEASED, data)
    state = TrainingState(Step(model, torch.device("cpu")), Curriculum(RELEASED.curriculum)).capture()
    for path in (folder.last, folder.best):
        checkpoints.save(path, state | {"recipe": asdict(RELEASED), "data": data})
    return folder


def renamed(state: Mapping[str, Tensor], file: Path) -> dict[str, Tensor]:
    """A published state dict under our names.

    Args:
        state: By the published names.
        file: Where it comes from, for messages.

    Raises:
        CheckpointError: a tensor is missing, unexpected or of another shape.
    """
    with torch.device("meta"):
        ours = TCAE(RELEASED).state_dict()
    theirs = released_names(ours)
    counters = {name: torch.zeros((), dtype=torch.int64) for name in theirs if name.endswith(_COUNTER)}
    state = counters | dict(state)
    check_shapes(file, {released: ours[name].shape for released, name in theirs.items()}, state)
    return {name: state[released] for released, name in theirs.items()}


def released_names(ours: Mapping[str, Tensor]) -> dict[str, str]:
    """Published name to our name, for every tensor of our state dict."""
    of_module = {own: released for released, own in MODULES.items()}
    split = ((name, *name.rpartition(".")[::2]) for name in ours)
    return {f"{of_module[module]}.{leaf}": name for name, module, leaf in split}
