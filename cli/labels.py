"""``tcae-prep labels``."""

from pathlib import Path
from typing import get_args

import click
from rich import box
from rich.console import Console
from rich.table import Table

from tcae.cli import options
from tcae.manifests.labels import ANGLES, au_columns, write_labels
from tcae.manifests.provenance import describe
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.coverage import Coverage, cover
from tcae.pipeline.datasets.reading import Camera, LabelOptions, ReadLabels
from tcae.pipeline.labels import LABEL_SETS, preparation_of, read_label_files, unpack_pictures

WIDTH = 200
"""Columns that the table may take, as in ``tcae-prep split``."""


@click.command("labels")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@options.root
@click.option("--layout", type=click.Choice(LABEL_SETS), required=True, help="Whose labels they are.")
@click.option("--frame-base", type=click.IntRange(0, 1), help="The first frame's number. [default: the set's own]")
@click.option(
    "--camera",
    type=click.Choice(get_args(Camera)),
    default=LabelOptions.camera,
    show_default=True,
    help="DISFA: whose video the labels are put on.",
)
@click.option("--split-file", type=click.Path(path_type=Path), help="GFT: a CSV file of identity,split.")
def command(
    folder: Path, root: Path | None, layout: str, frame_base: int | None, camera: Camera, split_file: Path | None
) -> None:
    """Read a data set's labels from its own files.

    DIR is the set's folder, or the one file that has its labels. Running the command again replaces the labels of that
    set. It may be run before or after the frames and faces are made; then it says how many labelled frames have a face.

    \b
    tcae-prep labels --layout bp4d /data/BP4D --root bp4d
    """  # noqa: D301 - click reads the control character
    workspace = find_workspace(root)
    chosen = LabelOptions(frame_base=frame_base, camera=camera, split_file=split_file)
    labels = read_label_files(layout, folder, chosen)
    num_pictures = unpack_pictures(layout, folder, workspace)
    settings = {"layout": layout, "folder": str(folder.resolve()), "frame_base": frame_base, "camera": camera}
    settings["split_file"] = str(split_file.resolve()) if split_file else None
    path = write_labels(workspace, layout, labels.table, describe("labels", settings))
    Console(highlight=False, width=WIDTH).print(_table(layout, labels))
    for note in labels.notes:
        click.echo(note)
    if num_pictures:
        click.echo(f"{num_pictures:,} pictures unpacked into {workspace.videos / layout}")
    click.echo(f"labels are in {path}")
    coverage = cover(workspace, labels.table)
    if coverage and not coverage.num_with_frame:
        click.echo(
            f"warning: {_first_clip(labels)} and the others are not among the frames of this workspace; name the same "
            "set's --layout to tcae-prep extract, and check --frame-base"
        )
    click.echo(_sentence(coverage) if coverage else f"no frames are here yet; next: {preparation_of(layout)}")


def _first_clip(labels: ReadLabels) -> ClipKey:
    return ClipKey(*(labels.table[name][0].as_py() for name in ("identity", "video", "clip")))


def _table(layout: str, labels: ReadLabels) -> Table:
    table = Table("set", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("identities", "clips", "labelled frames", *_labelled_with(labels)):
        table.add_column(name, justify="right", no_wrap=True)
    rows = labels.table
    clips = rows.group_by(["identity", "video", "clip"]).aggregate([])
    counts = (len(rows["identity"].unique()), len(clips), len(rows), *_labelled_with(labels).values())
    table.add_row(layout, *(f"{count:,}" for count in counts))
    return table


def _labelled_with(labels: ReadLabels) -> dict[str, int]:
    """What frames are labelled with, and how many of it there are."""
    rows = labels.table
    expressions = len(rows["expression"].unique()) if "expression" in rows.column_names else 0
    angles = len(set(ANGLES).intersection(rows.column_names))
    found = {"AUs": len(au_columns(rows)), "expressions": expressions, "angles": angles}
    return {name: count for name, count in found.items() if count} or {"AUs": 0}


def _sentence(coverage: Coverage) -> str:
    parts = [f"{coverage.num_with_face:,} with a face"]
    parts += [f"{count:,} {reason}" for reason, count in coverage.reasons.items()]
    total = f"{coverage.num_labelled:,} labelled frames, {coverage.num_with_frame:,} of them with a frame"
    return f"{total} = {' + '.join(parts)}"
