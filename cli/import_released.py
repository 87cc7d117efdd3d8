"""``tcae import-released``."""

from pathlib import Path

import click

from tcae.cli import options
from tcae.manifests.workspace import find_workspace
from tcae.model.encoders.released import import_released


@click.command("import-released")
@click.argument("file", type=click.Path(path_type=Path))
@options.root
@click.option("--run", default="released-import", show_default=True, help="What the new run is called.")
def command(file: Path, root: Path | None, run: str) -> None:
    """Turn a checkpoint of the published code into a run, which every other command can then use.

    FILE is a state dict as torch.save wrote it, or a checkpoint that holds one. Only tensors and plain values are ever
    unpickled. To which template its faces were aligned is not known.

    \b
    tcae import-released model_epoch_1000.pth
    tcae export --run released-import
    """  # noqa: D301 - click reads the control character
    folder = import_released(find_workspace(root), file, run)
    click.echo(f"{folder.path}: a run with the weights of {file}; next: tcae export --run {run}")
