"""``tcae-prep verify``."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import track

from tcae.cli import options
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.verify.findings import Findings
from tcae.pipeline.verify.whole import VerifyConfig, verify_workspace

Checked = TypeVar("Checked")


@click.command("verify")
@options.root
@click.option("--fast", is_flag=True, help="Look only whether files are there; do not read them.")
@click.option(
    "--workers",
    type=int,
    default=VerifyConfig().workers,
    show_default="the machine's cores",
    help="Threads to check with.",
)
@click.pass_context
def command(ctx: click.Context, root: Path | None, fast: bool, workers: int) -> None:
    """Check every file and every table of the workspace; exit 1 if anything is wrong.

    \b
    tcae-prep verify --root /data/faces --workers 8
    """  # noqa: D301 - click reads the control character
    verdict = verify_workspace(find_workspace(root), VerifyConfig(fast=fast, workers=workers), _follow)
    looked = f"{verdict.num_rows:,} rows, {verdict.num_files:,} files, {verdict.num_identities:,} identities"
    if verdict.num_to_align:
        click.echo(f"clips that wait for tcae-prep align: {verdict.num_to_align:,}")
    if verdict.findings.total:
        _show(verdict.findings)
        click.echo(f"{verdict.findings.total:,} findings in {looked}")
        ctx.exit(1)
    click.echo(f"nothing is wrong: {looked}{' (files not read)' if fast else ''}")


def _follow(checked: Iterator[Checked], total: int) -> Iterable[Checked]:
    console = Console(stderr=True)
    return track(checked, "verify", total, console=console, disable=not console.is_terminal)


def _show(findings: Findings) -> None:
    for kind, examples, num_more in findings:
        click.echo(f"{kind}: {findings.counts[kind]:,}")
        for found in examples:
            click.echo(f"  {found.path}: {found.detail} -> {found.remedy}")
        if num_more:
            click.echo(f"  +{num_more:,} more")
