"""``tcae-prep pack``."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from tcae.cli import options
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.packing import pack_workspace


@click.command("pack")
@options.root
@click.option("--undo", is_flag=True, help="Write the faces as files again.")
@click.pass_context
def command(ctx: click.Context, root: Path | None, undo: bool) -> None:
    """Put the faces of each shard into one tar, faces/<shard>.tar.

    What reads faces reads them there too, and tables stay as they are; 1.28 million clips have 4,096 shards. A face
    that is missing or damaged leaves its clip as it is, and exit 1.

    \b
    tcae-prep pack --root /data/faces
    """  # noqa: D301 - click reads the control character
    outcome = pack_workspace(find_workspace(root), undo=undo, follow=_follow)
    what = "in files" if undo else "packed"
    click.echo(f"{outcome.num_faces:,} faces of {outcome.num_shards:,} shards are {what}")
    if outcome.num_lost:
        click.echo(
            f"left as they are: {outcome.num_lost:,} clips of which a face is missing or damaged: tcae-prep verify",
            err=True,
        )
        ctx.exit(1)


def _follow(shards: Sequence[int]) -> Iterable[int]:
    console = Console(stderr=True)
    return track(shards, "pack", console=console, disable=not console.is_terminal)
