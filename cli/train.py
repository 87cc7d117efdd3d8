"""The command that trains."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from tcae.cli import options
from tcae.cli.training import told, watched
from tcae.manifests.workspace import find_workspace
from tcae.model.data.batches import LoaderConfig
from tcae.model.overrides import overridden, parse_setting, read_config
from tcae.model.recipes.catalogue import RECIPES, recipe_named
from tcae.model.train import train
from tcae.model.training.options import RunOptions
from tcae.model.training.processes import is_first


@click.command("train")
@options.root
@click.option("--method", type=click.Choice(list(RECIPES)), default="tcae", show_default=True, help="What is trained.")
@click.option(
    "--recipe",
    help="released and paper: as published; fast: for one GPU; small: for a laptop. [default: the method's first]",
)
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file with what differs from the recipe.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One setting, such as optimiser.lr=1e-4.")
@click.option("--batch-size", type=int, help="Samples of a step, over all processes. [default: the recipe's]")
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), help="Of the convolutions. [default: the recipe's]")
@click.option("--run", "name", help="The run's name. [default: the recipe's]")
@click.option(
    "--resume",
    type=click.Choice(["auto", "never"]),
    default=RunOptions.resume,
    show_default=True,
    help="auto goes on from the run's last checkpoint; never takes the next free name.",
)
@click.option("--steps", type=int, help="Train up to this step in all. [default: the recipe's schedule]")
@click.option("--epochs", type=int, help="The same, in epochs of one pair per training identity.")
@click.option("--stop-after", type=int, help="End in good order after so many steps of this call.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default=RunOptions.device, show_default=True)
@click.option(
    "--compile", is_flag=True, help="Let torch compile the step: minutes at first, then faster; needs a compiler."
)
@click.option(
    "--workers", type=int, default=LoaderConfig.workers, show_default=True, help="Processes that decode; 0: this one."
)
@click.option("--cache", type=click.Choice(["none", "ram"]), default=LoaderConfig.cache, show_default=True)
@click.option("--log-every", type=int, default=RunOptions.log_every, show_default=True, help="Steps between metrics.")
@click.option(
    "--checkpoint-every", type=int, default=RunOptions.checkpoint_every, show_default=True, help="Steps in between."
)
@click.option("--keep-every", type=int, help="Steps between checkpoints that stay. [default: a fifth of the run]")
def command(
    root: Path | None,
    method: str,
    recipe: str | None,
    config: Path | None,
    settings: tuple[str, ...],
    batch_size: int | None,
    precision: str | None,
    name: str | None,
    workers: int,
    cache: Any,
    **running: Any,
) -> None:
    """Train a Twin-Cycle Autoencoder, or another method, on the workspace's faces, or go on with a run.

    Ctrl-C writes a checkpoint first; the same command goes on from it.

    \b
    tcae train --recipe small --steps 1000
    tcae train --method fabnet --recipe small --set seed=1
    torchrun --nproc-per-node 8 --no-python tcae train --recipe fast
    """  # noqa: D301
    typed = {"batch_size": batch_size, "precision": precision}
    start = recipe_named(method, recipe)
    layers = [read_config(config, type(start)) if config else {}, *(parse_setting(setting) for setting in settings)]
    chosen = overridden(start, *layers, {key: value for key, value in typed.items() if value is not None})
    how = RunOptions(loader=LoaderConfig(workers=workers, cache=cache), **running)
    with watched() if is_first() else nullcontext() as watch:
        outcome = train(find_workspace(root), chosen, how, name, watch)
    if is_first():
        told(outcome)
