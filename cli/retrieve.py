"""``tcae retrieve``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from tcae.cli import options, trained
from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.workspace import Workspace, find_workspace
from tcae.model.data.faces import FaceFileError, decoded_side, read_face
from tcae.model.display.contact import contact_sheet
from tcae.model.display.pictures import RGB, write_png
from tcae.model.encoders.embeddings import Origin, parts_of, provenance_of
from tcae.model.encoders.face_encoder import FaceEncoder
from tcae.model.encoders.reading import face_of
from tcae.model.encoders.retrieve import Found, RetrieveConfig, retrieve
from tcae.model.training.runs import run_folder

SHOWN_PX = 128
"""Side of a face on the contact sheet."""

WIDTH = 200
"""Columns that the table may take: a name must not be cut where the terminal is narrow or absent."""


@click.command("retrieve")
@options.root
@click.argument("query", type=click.Path(path_type=Path))
@trained.run
@trained.checkpoint
@click.option("--embedding", metavar="NAME", help="What should be alike: au, pose, ... [default: the encoder's first]")
@click.option("--top", default=RetrieveConfig.top, show_default=True, help="So many faces.")
@click.option("--other-identities", is_flag=True, help="Rank all faces of others before those of the query's identity.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The contact sheet. [default: retrieved/NAME-EMBEDDING.png of the run]",
)
@trained.device
def command(
    root: Path | None,
    query: Path,
    run: str | None,
    checkpoint: str,
    embedding: str | None,
    to: Path | None,
    device: Any,
    **settings: Any,
) -> None:
    """Find the faces whose facial actions, pose or other embeddings are nearest to those of QUERY.

    QUERY is a face of the workspace or any other aligned face. Similarity is the cosine of embeddings from which the
    mean of all embeddings was taken off. The faces must have been embedded by the same checkpoint: tcae embed.

    \b
    tcae retrieve faces/id00017/OLguY5ofUrY/0_folder/img_0_003.jpg --other-identities
    """  # noqa: D301 - click reads the control character
    RetrieveConfig(**settings)  # refuses nonsense before a network is loaded
    workspace = find_workspace(root)
    path = trained.located(workspace, query)
    network, where = trained.loaded(workspace, run, checkpoint, device)
    encoder = FaceEncoder.of(network, where)
    config = RetrieveConfig(embedding=encoder.named(embedding), **settings)
    parts = _parts(workspace, Origin.of(network))
    files = FaceFiles(workspace)
    face = read_face(path, decoded_side(network.recipe.network.size), files.read)
    query_embedding = encoder.embed(face[None])[config.embedding][0]
    found = retrieve(parts, query_embedding, config, face_of(workspace, path))
    _show(workspace, found)
    sheet = (
        to
        or run_folder(workspace, network.run).path
        / "retrieved"
        / f"{trained.label(workspace, path)}-{config.embedding}.png"
    )
    write_png(sheet, contact_sheet(read_face(path, SHOWN_PX, files.read), _pictures(files, found)))
    click.echo(f"{sheet}: the nearest {len(found)} by {config.embedding} embedding")


def _parts(workspace: Workspace, origin: Origin) -> list[Path]:
    """The stored embeddings, if this very network made them."""
    folder = origin.folder(workspace)
    again = f"run tcae embed --run {origin.run} --checkpoint {origin.checkpoint}"
    if not any(folder.glob("*.parquet")):
        raise ConfigError(f"{folder} holds no embeddings to compare with; {again} first")
    parts = parts_of(folder)
    weights = provenance_of(parts[0]).get("weights")
    if weights != origin.weights:
        raise ManifestError(
            f"the embeddings in {folder} were made by other weights ({weights}) than the checkpoint has now "
            f"({origin.weights}, step {origin.step:,}); {again} again"
        )
    return parts


def _show(workspace: Workspace, found: Sequence[Found]) -> None:
    table = Table(
        "rank", "similarity", "identity", "video", "clip", "frame", "file", box=box.SIMPLE_HEAD, show_edge=False
    )
    for rank, (similarity, face) in enumerate(found, 1):
        table.add_row(f"{rank}", f"{similarity:.4f}", *map(str, face), workspace.relative(face.path(workspace)))
    Console(highlight=False, width=WIDTH).print(table, markup=False)


def _pictures(files: FaceFiles, found: Sequence[Found]) -> list[tuple[RGB, str]]:
    """What the sheet shows of each face; a face that cannot be read is grey."""
    pictures = []
    for similarity, face in found:
        try:
            picture = read_face(face.path(files.workspace), SHOWN_PX, files.read)
            pictures.append((picture, f"{similarity:.3f} {face.identity}"))
        except FaceFileError:
            pictures.append((np.full((SHOWN_PX, SHOWN_PX, 3), 128, np.uint8), f"{similarity:.3f} unreadable"))
    return pictures
