"""``tcae-prep status``."""

import json
from dataclasses import asdict

import click
from rich import box
from rich.console import Console
from rich.table import Table

from tcae.cli import options
from tcae.manifests.mirrors import mirrored
from tcae.manifests.places import Place
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.status import Stage, Status, take_status


@click.command("status")
@options.stored_root
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def command(root: Place | None, as_json: bool) -> None:
    """Show what is done, rejected and still to do.

    \b
    tcae-prep status --root /data/faces
    """  # noqa: D301 - click reads the control character
    workspace = find_workspace(root, may_be_stored=True)
    with mirrored(workspace, ["clips", "frames", "faces", "identities"]):
        status = take_status(workspace)
    if as_json:
        click.echo(json.dumps({"root": str(workspace), **asdict(status)}, indent=2))
    else:
        _show(status, str(workspace))


def _show(status: Status, root: str) -> None:
    console = Console(highlight=False)
    if status.stages[0].num_items:
        table = Table("stage", "items", box=box.SIMPLE_HEAD, title=root, title_justify="left", pad_edge=False)
        for name in ("in", "done", "rejected", "to do"):
            table.add_column(name, justify="right")
        table.add_column("became", no_wrap=True)
        for stage in status.stages:
            table.add_row(*_cells(stage))
        console.print(table)
    for line in [*status.notes, f"next: {status.next_step or 'nothing is left to do'}"]:
        console.print(line, soft_wrap=True, markup=False)


def _cells(stage: Stage) -> list[str]:
    reasons = [f"{count:,} {reason}" for reason, count in stage.rejected.items()]
    return [
        stage.stage,
        stage.item,
        f"{stage.num_items:,}",
        f"{stage.num_done:,}",
        "\n".join(reasons) or "0",
        f"{stage.num_to_do:,}",
        ", ".join(f"{count:,} {name}" for name, count in stage.made.items()),
    ]
