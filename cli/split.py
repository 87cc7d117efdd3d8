"""``tcae-prep split``."""

from dataclasses import astuple
from pathlib import Path
from typing import get_args

import click
from rich import box
from rich.console import Console
from rich.table import Table

from tcae.cli import options
from tcae.manifests.mirrors import mirrored
from tcae.manifests.pair_tables import Within
from tcae.manifests.places import Place
from tcae.manifests.splits import OfficialTest, SplitConfig, parse_ratios
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.pairs import PairConfig, SplitCounts, split

RATIOS = "/".join(str(ratio) for ratio in SplitConfig.ratios)
WIDTH = 200
"""Columns that the tally may take: a number must not be cut where the terminal is narrow or absent."""


@click.command("split")
@options.stored_root
@click.option("--ratios", default=RATIOS, show_default=True, help="Shares of identities for train/val/test.")
@click.option("--seed", default=SplitConfig.seed, show_default=True, help="Another seed is another choice.")
@click.option("--keep", type=click.Path(path_type=Path), help="Hold the assignments of this identities table or CSV.")
@click.option(
    "--official-test",
    type=click.Choice(get_args(OfficialTest)),
    default=SplitConfig.official_test,
    show_default=True,
    help="Whether identities that the data set itself tests on take part.",
)
@click.option(
    "--within",
    type=click.Choice(get_args(Within)),
    default=PairConfig.within,
    show_default=True,
    help="What a pair never leaves.",
)
@click.option(
    "--pairs-per-identity",
    default=PairConfig.pairs_per_identity,
    show_default=True,
    help="Length of the fixed lists of val and test.",
)
def command(
    root: Place | None,
    ratios: str,
    seed: int,
    keep: Path | None,
    official_test: OfficialTest,
    within: Within,
    pairs_per_identity: int,
) -> None:
    """Assign identities to train, val and test, and index their pairs.

    A pair is two different faces of one track, in either order; an identity without a pair is in no split. Running the
    command again replaces the whole set; with --keep nobody moves when identities were added.

    \b
    tcae-prep split --ratios 75/15/10 --seed 0
    tcae-prep split --keep workspace/manifests/identities
    """  # noqa: D301 - click reads the control character
    shares = SplitConfig(ratios=parse_ratios(ratios), seed=seed, official_test=official_test)
    config = PairConfig(split=shares, within=within, pairs_per_identity=pairs_per_identity, keep=keep)
    workspace = find_workspace(root, may_be_stored=True)
    with mirrored(workspace, ["clips", "faces"], ["pairs", "identities"]):
        tally = split(workspace, config)
    Console(highlight=False, width=WIDTH).print(_table(tally))
    counts = {name: each.identities for name, each in tally.items()}
    parts = " + ".join(f"{count:,} {name}" for name, count in counts.items())
    click.echo(f"{sum(counts.values()):,} identities = {parts}")


def _table(tally: dict[str, SplitCounts]) -> Table:
    table = Table("split", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("identities", "videos", "tracks", "one-face\ntracks", "faces", "pairs"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, counts in tally.items():
        table.add_row(name, *(f"{count:,}" for count in astuple(counts)))
    return table
