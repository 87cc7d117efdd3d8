"""``tcae-prep report``."""

from datetime import datetime
from pathlib import Path

import click

from tcae.cli import options
from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.report.page import write_page
from tcae.pipeline.report.sampling import SampleConfig


@click.command("report")
@options.root
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="[default: report.html in the workspace]")
@click.option("--faces", default=SampleConfig().faces, show_default=True, help="Faces to show, drawn from all.")
@click.option("--seed", default=SampleConfig().seed, show_default=True, help="Draws other faces.")
def command(root: Path | None, out: Path | None, faces: int, seed: int) -> None:
    """Write one HTML page that shows what became of every clip; it needs no network.

    \b
    tcae-prep report --root /data/faces --faces 200
    """  # noqa: D301 - click reads the control character
    workspace = find_workspace(root)
    if not workspace.manifest("clips").is_dir():
        raise ConfigError(f"nothing to report in {workspace.root}; run tcae-prep extract --source PATH first")
    path = out or workspace.root / "report.html"
    num_bytes = write_page(workspace, SampleConfig(faces=faces, seed=seed), datetime.now().astimezone(), path)
    click.echo(f"{path} ({num_bytes / 1e6:.1f} MB; opens in any browser)")
