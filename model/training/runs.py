"""What a run leaves on the disk, and how it is found again.

Below ``runs/<run>/``::

    run.json              recipe, data and versions that the run was started with
    metrics.parquet       one row for each step, split and name
    checkpoints/          last.pt  previous.pt  best.pt  step-00001000.pt
    samples/              sample sheets as PNG
    tensorboard/          the same metrics and sheets as events
"""

import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.manifests.locks import locked
from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace, written_whole
from tcae.model.method import Method
from tcae.model.methods.catalogue import method_of
from tcae.model.networks.weights import check_shapes, shapes_of
from tcae.model.overrides import differences, recipe_of
from tcae.model.recipe import Recipe
from tcae.model.training import checkpoints
from tcae.model.training.alignment import UNKNOWN, alignment_of_faces

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_STEP = re.compile(r"step-(\d{8,})\.pt")
_VERSIONS = ("tcae", "torch", "numpy")


@dataclass(frozen=True)
class RunFolder:
    """The only place that spells a path of a run."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def config(self) -> Path:
        """What the run was started with."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """The rows of metrics."""
        return self.path / "metrics.parquet"

    @property
    def checkpoints(self) -> Path:
        """The folder of all checkpoints."""
        return self.path / "checkpoints"

    @property
    def last(self) -> Path:
        """The newest checkpoint, from which a run goes on."""
        return self.checkpoints / "last.pt"

    @property
    def previous(self) -> Path:
        """The checkpoint before the newest; a run goes on from it where the newest is damaged."""
        return self.checkpoints / "previous.pt"

    @property
    def next(self) -> Path:
        """The checkpoint that is being written."""
        return self.checkpoints / "next.pt"

    @property
    def best(self) -> Path:
        """The checkpoint with the lowest validation loss."""
        return self.checkpoints / "best.pt"

    def step_checkpoint(self, step: int) -> Path:
        """The checkpoint that is kept of a step."""
        return self.checkpoints / f"step-{step:08d}.pt"

    @property
    def samples(self) -> Path:
        """The folder of sample sheets."""
        return self.path / "samples"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's events."""
        return self.path / "tensorboard"

    def checkpoint(self, which: str) -> Path:
        """The file of ``best``, ``last`` or a step's number.

        Raises:
            ConfigError: it is none of them.
        """
        if which in ("best", "last"):
            return self.best if which == "best" else self.last
        if not (which.isascii() and which.isdecimal()):
            raise ConfigError(f"a checkpoint is best, last or the number of a step, not {which!r}")
        return self.step_checkpoint(int(which))

    def written(self) -> list[str]:
        """The checkpoints that there are, as ``checkpoint`` takes them."""
        return [which for which in ("best", "last") if self.checkpoint(which).is_file()] + self.steps()

    def steps(self) -> list[str]:
        """The numbers of the checkpoints that are kept beside best and last, the earliest first."""
        matches = map(_STEP.fullmatch, _entries(self.checkpoints))
        return [str(int(match[1])) for match in matches if match]


def run_folder(workspace: Workspace, name: str) -> RunFolder:
    """Where a run of that name lies or will lie.

    Raises:
        ConfigError: the name could leave the folder of the runs, or is odd.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot name a run; take at most 100 letters, digits, '-', '_' and '.', the first of them a "
            "letter or a digit"
        )
    return RunFolder(_runs(workspace) / name)


def runs_of(workspace: Workspace) -> list[RunFolder]:
    """Every run of a workspace, sorted by name."""
    return [RunFolder(path.parent) for path in sorted(_runs(workspace).glob("*/run.json"))]


def free_name(workspace: Workspace, name: str) -> str:
    """The name itself if no run has it, else the first free one of ``name-2``, ``name-3``, ..."""
    number, free = 1, name
    while run_folder(workspace, free).path.exists():
        number += 1
        free = f"{name}-{number}"
    return free


def write_config(folder: RunFolder, recipe: Recipe, data: Mapping[str, str]) -> None:
    """Write down what a run is started with, and by which versions.

    Raises:
        WorkspaceError: the disk is full, or the folder cannot be written.
    """
    versions = {name: version(name) for name in _VERSIONS}
    config = {"recipe": asdict(recipe), "data": dict(data), "versions": versions}
    with written_whole(folder.config) as partial:
        partial.write_text(json.dumps(config, indent=2) + "\n")


def read_config(folder: RunFolder) -> dict[str, Any]:
    """What ``write_config`` wrote: ``recipe``, ``data`` and ``versions``.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        config = json.loads(folder.config.read_text())
    except OSError as error:
        raise CheckpointError(f"cannot read {folder.config}: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{folder.config} is damaged: {error}") from error
    if not isinstance(config, dict) or not all(isinstance(config.get(part), dict) for part in ("recipe", "data")):
        raise CheckpointError(f"{folder.config} is damaged: it holds no recipe and data")
    return config


def check_same(folder: RunFolder, recipe: Recipe, data: Mapping[str, str]) -> None:
    """Refuse to go on with a run by another recipe or on other data.

    Raises:
        ConfigError: something differs; the message lists all of it.
        CheckpointError: what the run was started with cannot be read.
    """
    old = read_config(folder)
    changed = differences({**_completed(old["recipe"]), "data": old["data"]}, {**asdict(recipe), "data": dict(data)})
    if changed:
        raise ConfigError(
            f"run {folder.name} was started with other settings: {'; '.join(changed)}. Go on with its own, or start "
            "a run of another name with --run"
        )


def _completed(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """A recipe as written, with the defaults of settings that are younger than it."""
    try:
        return asdict(recipe_of(recipe))
    except ConfigError:
        return recipe


def held(folder: RunFolder) -> AbstractContextManager[None]:
    """Keep other trainings out of a run while the block runs; the system lets go of a killed process's locks.

    Raises:
        WorkspaceError: another one has it, or the folder cannot be written or locked.
    """
    taken = f"another tcae train holds the run {folder.name}; wait for it to end, or name another with --run"
    return locked(folder.path / ".lock", folder.path, lambda: taken)


def data_provenance(workspace: Workspace, index: PairIndex) -> dict[str, str]:
    """What a run learns from: the split's fingerprint, what its pairs stay within, and how the faces were aligned.

    Raises:
        ConfigError: the faces were aligned in more than one way.
        ManifestError: a part of the table ``faces`` is damaged.
    """
    return {"pairs": index.fingerprint, "within": index.within, **alignment_of_faces(workspace)}


@dataclass(frozen=True)
class Trained:
    """A trained network, ready to be used."""

    model: Method[Any]
    """In evaluation mode."""
    recipe: Recipe
    template: str
    """That its faces were aligned to."""
    step: int
    """Steps that it was trained for."""
    run: str
    checkpoint: str
    """``best``, ``last`` or the number of a step."""
    metrics: dict[str, float]
    """Of its last validation."""
    path: Path


def load_trained(
    workspace: Workspace, run: str, checkpoint: str = "best", device: str | torch.device = "cpu"
) -> Trained:
    """Load the network of a run's checkpoint.

    Args:
        workspace: Where the run is.
        run: Its name.
        checkpoint: ``best``, ``last`` or the number of a step.
        device: Where the network goes.

    Raises:
        ConfigError: ``run`` or ``checkpoint`` cannot be a name of one.
        CheckpointError: there is no such run or checkpoint (the message says what there is), or it is damaged.
    """
    folder = run_folder(workspace, run)
    path = folder.checkpoint(checkpoint)
    if not folder.path.is_dir():
        raise CheckpointError(f"there is no run {run} in {_runs(workspace)}; {_choice(_entries(_runs(workspace)))}")
    if not path.is_file():
        raise CheckpointError(f"run {run} has no checkpoint {checkpoint}; {_choice(folder.written())}")
    state = checkpoints.load(path)
    try:
        recipe = recipe_of(state["recipe"])
    except ConfigError as error:
        raise CheckpointError(f"{path} has a recipe that this release does not know: {error}") from error
    with torch.device("meta"):  # no draws from the global generator
        model = method_of(recipe)
    check_shapes(path, shapes_of(model), state["model"])
    model.load_state_dict(state["model"], assign=True)
    return Trained(
        model=model.to(device).eval(),
        recipe=recipe,
        template=state["data"].get("template", UNKNOWN),
        step=state["step"],
        run=run,
        checkpoint=checkpoint,
        metrics=dict(state["metrics"]),
        path=path,
    )


def _runs(workspace: Workspace) -> Path:
    return workspace.root / "runs"


def _entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _choice(names: list[str]) -> str:
    return f"there is {', '.join(names)}" if names else "there is none yet; train one with tcae train"
