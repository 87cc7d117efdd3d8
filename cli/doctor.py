"""``tcae-prep doctor``."""

from pathlib import Path

import click

from tcae.cli import options
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.doctor import examine

COLOURS = {"ok": "green", "absent": "yellow", "missing": "red"}
VERDICTS = {0: "the pipeline can run here", 1: "one thing is missing"}


@click.command("doctor")
@options.root
@click.option("--weights", type=click.Path(), help="Folder with face-alignment's weights. [default: its own cache]")
@click.pass_context
def command(ctx: click.Context, root: Path | None, weights: str | None) -> None:
    """Say which decoders, weights and devices are in use, and what to do about those that are missing.

    \b
    tcae-prep doctor
    """  # noqa: D301
    findings = examine(find_workspace(root), weights)
    for finding in findings:
        state = click.style(f"{finding.state:<8}", fg=COLOURS[finding.state])
        click.echo(f"{finding.name:<14}{state}{finding.detail}")
    num_missing = sum(finding.state == "missing" for finding in findings)
    click.echo(VERDICTS.get(num_missing, f"{num_missing} things are missing"))
    ctx.exit(1 if num_missing else 0)
