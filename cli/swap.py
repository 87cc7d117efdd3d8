"""``tcae swap``."""

from itertools import chain
from pathlib import Path
from typing import Any

import click

from tcae.cli import options, trained
from tcae.manifests.errors import ConfigError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.workspace import find_workspace
from tcae.model.data.faces import decoded_side, read_face
from tcae.model.display.pictures import picture_of, write_png
from tcae.model.display.sheets import sample_sheet
from tcae.model.encoders.swap import Film, is_clip, swap
from tcae.model.encoders.twin_cycles import tcae_of
from tcae.model.training.runs import run_folder
from tcae.pipeline.encode import encode_mp4
from tcae.pipeline.pictures import write

PICTURES = {"au.png": "au_image", "pose.png": "pose_image", "both.png": "output"}
"""The pictures beside the sheet: their names and the fields of ``Swap``."""


@click.command("swap")
@options.root
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@trained.run
@trained.checkpoint
@click.option("--to", type=click.Path(path_type=Path), help="A folder. [default: swaps/SOURCE-to-TARGET of the run]")
@click.option("--fps", default=10, show_default=True, help="Faces per second of the video, whenever they were seen.")
@trained.device
def command(
    root: Path | None,
    source: Path,
    target: Path,
    run: str | None,
    checkpoint: str,
    to: Path | None,
    fps: int,
    device: Any,
) -> None:
    """Give SOURCE the facial actions of TARGET, its pose, and both.

    Two aligned faces make au.png, pose.png, both.png and sheet.png. If one or both are folders with the aligned faces
    of a clip, they make swap.mp4, all of it side by side; the longer clip is cut.

    \b
    tcae swap neutral.jpg smile.jpg --to swapped/
    tcae swap neutral.jpg faces/id00017/OLguY5ofUrY/0_folder --to swapped/
    """  # noqa: D301 - click reads the control character
    if fps < 1:
        raise ConfigError(f"--fps must be at least 1, not {fps}")
    workspace = find_workspace(root)
    source, target = (trained.located(workspace, path) for path in (source, target))
    network, where = trained.loaded(workspace, run, checkpoint, device)
    model = tcae_of(network)
    name = f"{trained.label(workspace, source)}-to-{trained.label(workspace, target)}"
    folder = to or run_folder(workspace, network.run).path / "swaps" / name
    files = FaceFiles(workspace)
    if is_clip(source, files) or is_clip(target, files):
        film = Film.of(network, source, target, where, files)
        _write_film(film, folder / "swap.mp4", fps)
        return
    side = decoded_side(network.recipe.network.size)
    faces = [read_face(path, side, files.read)[None] for path in (source, target)]
    made = swap(model, network.recipe, faces[0], faces[1], where)
    for picture, field in PICTURES.items():
        write_png(folder / picture, picture_of(getattr(made[0], field)))
    write_png(folder / "sheet.png", sample_sheet(made, f"{network.run}, step {network.step:,}: {name}"))
    click.echo(f"{folder}: {', '.join(PICTURES)} and sheet.png")


def _write_film(film: Film, path: Path, fps: int) -> None:
    """Encode the pictures as they are made; tell which faces were left out."""
    pictures = iter(film)
    first = next(pictures, None)
    if first is None:
        raise ConfigError(f"no pair of faces can be read: {film.unreadable[0]}")
    height, width = first.shape[:2]
    write(path, encode_mp4(chain([first], pictures), (width, height), fps))
    for message in film.unreadable:
        click.echo(f"warning: left out: {message}", err=True)
    made = f"{film.num_made:,} of {len(film.pairs):,} pairs of faces"
    cut = f"; the longer clip is cut by {film.num_cut:,}" if film.num_cut else ""
    click.echo(f"{path}: {made}, {fps} per second{cut}")
