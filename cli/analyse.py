"""``tcae analyse``."""

from pathlib import Path
from typing import Any

import click

from tcae.cli import options, trained
from tcae.manifests.workspace import find_workspace
from tcae.model.display.maps import length_maps
from tcae.model.display.pictures import write_png
from tcae.model.encoders.analyse import PX_PER_UNIT, AnalyseConfig, Analysis, analyse, write_analysis
from tcae.model.training.runs import run_folder


@click.command("analyse")
@options.root
@trained.run
@trained.checkpoint
@click.option("--pairs", default=AnalyseConfig.pairs, show_default=True, help="At most so many pairs.")
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default=AnalyseConfig.split,
    show_default=True,
    help="Whose identities are measured.",
)
@click.option("--batch-size", default=AnalyseConfig.batch_size, show_default=True, help="Pairs at once.")
@trained.device
def command(root: Path | None, run: str | None, checkpoint: str, device: Any, **settings: Any) -> None:
    """Measure what each branch of a TCAE moves and what its reconstruction is worth, and draw it.

    Mean lengths of both displacements over pairs of test identities (Fig. 5 of the paper), and the reconstruction's
    error beside those of copying the source and of moving every source by the mean displacement of training pairs. The
    figures and the maps lie in analysis/ of the run, as Parquet and PNG.

    \b
    tcae analyse --run small --pairs 1000
    """  # noqa: D301 - click reads the control character
    config = AnalyseConfig(**settings)
    workspace = find_workspace(root)
    network, where = trained.loaded(workspace, run, checkpoint, device)
    found = analyse(workspace, network, config, where, trained.followed("analyse"))
    name = checkpoint if config.split == AnalyseConfig.split else f"{checkpoint}-{config.split}"
    path = run_folder(workspace, network.run).path / "analysis" / name
    table, picture = path.with_name(f"{name}.parquet"), path.with_name(f"{name}.png")
    write_analysis(found, network, config, table)
    write_png(picture, length_maps(found.measured.au_map, found.measured.pose_map))
    _tell(found, config)
    click.echo(f"{table} and {picture.name}: {network.run}, {checkpoint}, step {network.step:,}")


def _tell(analysis: Analysis, config: AnalyseConfig) -> None:
    found = analysis.measured
    fewer = f" (fewer than the {config.pairs:,} asked for)" if found.num_pairs < config.pairs else ""
    click.echo(
        f"{found.num_pairs:,} {config.split} pairs{fewer}, {analysis.num_field_pairs:,} train pairs for the field"
    )
    if found.num_broken:
        click.echo(f"warning: {found.num_broken:,} pairs were left out: a face of each cannot be read", err=True)
    click.echo(
        f"mean displacement, half images: AU {found.au_length:.4f} ({found.au_length * PX_PER_UNIT:.2f} px of 256), "
        f"pose {found.pose_length:.4f} ({found.pose_length * PX_PER_UNIT:.2f} px of 256); pose / AU {found.ratio:.2f}"
    )
    if found.ratio < 1:
        click.echo("warning: the AU displacement is the longer one: the branches may have changed roles", err=True)
    click.echo(
        f"L1: reconstruction {found.reconstruction:.4f}, copying the source {found.copy_l1:.4f}, "
        f"moving it by the mean field {found.field_l1:.4f}"
    )
