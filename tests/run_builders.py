"""Workspaces with faces and a run, as a training leaves it."""

from dataclasses import asdict
from typing import Any

import torch

from tcae.manifests.workspace import Workspace
from tcae.model.training import checkpoints
from tcae.model.training.runs import run_folder, write_config
from tests.encoder_builders import trained
from tests.training_builders import make_training_workspace


def write_run(workspace: Workspace, name: str = "tiny", template: str = "tcae", scale: float = 1.0) -> None:
    """A run of a tiny network with random weights; its last checkpoint has ``scale`` times the encoder of its best."""
    run, data = trained(), {"template": template}
    folder = run_folder(workspace, name)
    write_config(folder, run.recipe, data)
    about = {"recipe": asdict(run.recipe), "data": data, "metrics": {}}
    model = run.model.state_dict()
    checkpoints.save(folder.best, about | {"model": model, "step": 40})
    checkpoints.save(folder.last, about | {"model": {key: scale * value for key, value in model.items()}, "step": 50})


def workspace_with_run(workspace: Workspace, identities: int = 4, template: str = "tcae") -> Workspace:
    """Two tracks of three faces for each identity, and the run ``tiny``."""
    make_training_workspace(workspace, identities=identities, tracks=2, faces=3, side=32)
    write_run(workspace, template=template)
    return workspace


def equal(one: Any, other: Any) -> bool:
    """Whether two checkpoints hold the same, bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)
