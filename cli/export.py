"""``tcae export``."""

import math
from pathlib import Path

import click

from tcae.cli import options
from tcae.manifests.workspace import find_workspace
from tcae.model.encoders.export import export, read_export
from tcae.model.encoders.facts import RATIO
from tcae.model.encoders.training_data import training_data
from tcae.model.training.runs import load_trained, run_folder


@click.command("export")
@options.root
@click.option("--run", required=True, help="The run to take the encoder from.")
@click.option("--checkpoint", default="best", show_default=True, help="best, last or the number of a step.")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="A new or empty folder, or an earlier export. [default: encoder/ of the run]",
)
def command(root: Path | None, run: str, checkpoint: str, to: Path | None) -> None:
    """Write the encoder of a run as safetensors, with what it needs to know as JSON and a model card.

    In Python `tcae.load_encoder(FOLDER).embed(faces)` then gives the embeddings of faces.

    \b
    tcae export --run small --to exports/small
    """  # noqa: D301 - click reads the control character
    workspace = find_workspace(root)
    trained = load_trained(workspace, run, checkpoint)
    folder = export(trained, to or run_folder(workspace, run).path / "encoder", training_data(workspace, run))
    facts, _ = read_export(folder)
    ratio = facts.metrics.get(RATIO, math.nan)
    if ratio < 1:
        click.echo(
            f"warning: on val pairs the pose displacement is {ratio:.2f} times as long as the AU displacement; the two "
            "branches may have changed roles",
            err=True,
        )
    click.echo(
        f"{folder}: encoder of {run}, {checkpoint}, step {facts.step:,}; {facts.num_parameters:,} parameters; "
        f"template {facts.template}"
    )
