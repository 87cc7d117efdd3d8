"""What the commands that use a trained network share."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.progress import track

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.training.devices import device_of
from tcae.model.training.runs import Trained, load_trained, runs_of

run = click.option("--run", help="The run. [default: the only one]")
checkpoint = click.option("--checkpoint", default="best", show_default=True, help="best, last or the number of a step.")
device = click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)


def loaded(workspace: Workspace, name: str | None, which: str, wish: Any = "auto") -> tuple[Trained, torch.device]:
    """A run's network on the device that was asked for.

    Args:
        workspace: Has the run.
        name: The run's; with none, the workspace must have exactly one.
        which: The checkpoint.
        wish: ``auto``, ``cpu`` or ``cuda``.
    """
    where = device_of(wish)
    return load_trained(workspace, name or only_run(workspace), which, where), where


def only_run(workspace: Workspace) -> str:
    """The name of the only run.

    Raises:
        ConfigError: there is none, or there are several.
    """
    names = [run.name for run in runs_of(workspace)]
    if not names:
        raise ConfigError(f"there is no run in {workspace.root}; run tcae train first")
    if len(names) > 1:
        raise ConfigError(f"there are {len(names)} runs; name one with --run: {', '.join(names)}")
    return names[0]


def located(workspace: Workspace, path: Path) -> Path:
    """A path as it was typed: from the current folder, else from the workspace's, as tables and results name files.

    A path of the workspace's faces need not exist, because they may be packed.
    """
    whole, faces = path.resolve(), workspace.root.resolve() / "faces"
    if whole.is_relative_to(faces):
        return workspace.root / "faces" / whole.relative_to(faces)
    return path if path.exists() or path.is_absolute() else workspace.root / path


def label(workspace: Workspace, path: Path) -> str:
    """What results about a face or a clip are called: its place among the workspace's faces, or its own name."""
    whole, faces = path.resolve(), (workspace.root / "faces").resolve()
    return "-".join(whole.relative_to(faces).with_suffix("").parts) if whole.is_relative_to(faces) else whole.stem


def followed(title: str) -> Callable[[Iterable[Any], int], Iterable[Any]]:
    """Shows on a terminal how far a loop is; elsewhere nothing."""
    console = Console(stderr=True)

    def follow(items: Iterable[Any], total: int) -> Iterable[Any]:
        return track(items, title, total, console=console) if console.is_terminal else items

    return follow
