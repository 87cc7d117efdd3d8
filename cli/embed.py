"""``tcae embed``."""

from pathlib import Path
from typing import Any

import click

from tcae.cli import options, trained
from tcae.manifests.errors import ConfigError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.workspace import Workspace, find_workspace
from tcae.model.encoders.embed import EmbedConfig, Embedded, embed_folder, embed_workspace
from tcae.model.encoders.embeddings import Origin
from tcae.model.encoders.export import read_export
from tcae.model.encoders.face_encoder import FaceEncoder, load_encoder
from tcae.model.training.devices import device_of


@click.command("embed")
@options.root
@trained.run
@trained.checkpoint
@click.option("--encoder", type=click.Path(path_type=Path), help="What tcae export wrote, instead of a run.")
@click.option("--faces", type=click.Path(path_type=Path), help="A folder of aligned faces, instead of the workspace's.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The table of --faces. [default: folders/NAME.parquet where the workspace's embeddings lie]",
)
@click.option("--batch-size", type=int, help="Faces at once. [default: what suits the device]")
@click.option("--threads", default=EmbedConfig().threads, show_default="the machine's cores", help="That decode.")
@click.option("--any-template", is_flag=True, help="Take faces that are aligned to another template.")
@trained.device
def command(
    root: Path | None,
    run: str | None,
    checkpoint: str,
    encoder: Path | None,
    faces: Path | None,
    to: Path | None,
    device: Any,
    **settings: Any,
) -> None:
    """Embed every face of the workspace, or of a folder: as au and pose, or what else the encoder's method has.

    Writes Parquet tables to manifests/embeddings/RUN/CHECKPOINT/; running it again embeds only what is new or changed.

    \b
    tcae embed --run small
    tcae embed --encoder exports/small --faces crops/ --to crops.parquet
    """  # noqa: D301 - click reads the control character
    config = EmbedConfig(**settings)
    if run and encoder:
        raise ConfigError(f"--run {run} and --encoder {encoder} exclude each other")
    if to and not faces:
        raise ConfigError("--to names the table of --faces; the workspace's embeddings have their place")
    workspace = find_workspace(root)
    network, origin = _encoder(workspace, encoder, run, checkpoint, device)
    place = origin.folder(workspace)
    follow = trained.followed("embed")
    with origin.held(workspace):
        if faces:
            path = to or place / "folders" / f"{faces.resolve().name}.parquet"
            folder, files = trained.located(workspace, faces), FaceFiles(workspace)
            outcome = embed_folder(folder, path, network, origin, config, files=files, follow=follow)
        else:
            outcome = embed_workspace(workspace, network, origin, config, follow=follow, note=_warn)
    _tell(outcome, origin)


def _encoder(
    workspace: Workspace, export: Path | None, run: str | None, checkpoint: str, device: Any
) -> tuple[FaceEncoder, Origin]:
    if export is None:
        network, where = trained.loaded(workspace, run, checkpoint, device)
        return FaceEncoder.of(network, where), Origin.of(network)
    return load_encoder(export, device_of(device)), Origin.of_export(*read_export(export))


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


def _tell(outcome: Embedded, origin: Origin) -> None:
    for message in outcome.examples:
        _warn(message)
    if outcome.num_unreadable > len(outcome.examples):
        _warn(f"{outcome.num_unreadable - len(outcome.examples):,} more faces could not be read")
    click.echo(f"{outcome.path}: by {origin.run}, {origin.checkpoint}, step {origin.step:,}")
    click.echo(
        f"{outcome.num_faces:,} faces in = {outcome.num_embedded:,} embedded ({outcome.num_kept:,} of them before) "
        f"+ {outcome.num_unreadable:,} unreadable"
    )
