"""Which parts of the embeddings have to be made: one for each part of ``faces`` that is not up to date."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.provenance import describe
from tcae.manifests.rows import Face
from tcae.manifests.tables import read_table
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.embeddings import KEYS, Origin, provenance_of
from tcae.model.encoders.facts import UNKNOWN

VERSION = 1
"""Raised by hand when the same faces and weights give other embeddings."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Faces whose embeddings make one table."""

    path: Path
    """Of the table."""
    keys: Any
    """Arrow table of the columns that name the faces."""
    files: list[Path]
    """The pictures, row by row."""
    inputs: str
    """Names the rows and the pictures that they stand for."""
    is_made: bool = False
    """Whether the table is there, made from the same rows by the same weights, and lacks no face."""


def parts_of_workspace(
    workspace: Workspace, origin: Origin, shelves: Iterable[Path], *, any_template: bool
) -> Iterator[Part]:
    """The parts of ``faces`` with a face in them; a table that stands for none is deleted.

    Args:
        workspace: Has the faces.
        origin: Where the encoder comes from.
        shelves: The parts of ``faces``.
        any_template: Whether faces may be aligned to another template than the encoder's.

    Raises:
        ConfigError: they are, and may not.
        ManifestError: a part of ``faces`` is damaged.
    """
    for shelf in shelves:
        rows = read_table(shelf, Face, [*KEYS, "file", "crc32", "template"])
        rows = rows.filter(pc.is_valid(rows.column("file")))
        path = origin.folder(workspace) / shelf.name
        if not rows.num_rows:
            path.unlink(missing_ok=True)
            continue
        if not any_template:
            _check_template(rows, origin, shelf)
        files = [workspace.root / name for name in rows.column("file").to_pylist()]
        inputs = _fingerprint(rows)
        is_made = _is_made(path, part_provenance(origin, inputs))
        yield Part(path=path, keys=rows.select(KEYS), files=files, inputs=inputs, is_made=is_made)


def part_provenance(origin: Origin, inputs: str, num_unreadable: int = 0) -> dict[str, str]:
    """What the metadata of a part say."""
    own = {"inputs": inputs, "num_unreadable": str(num_unreadable)}
    return describe("embed", {"version": VERSION}) | origin.provenance() | own


def _check_template(rows: Any, origin: Origin, shelf: Path) -> None:
    """A face whose template is not written down passes: nobody can tell."""
    found = set(pc.unique(rows.column("template")).to_pylist()) - {None, UNKNOWN}
    if origin.template != UNKNOWN and found - {origin.template}:
        raise ConfigError(
            f"the encoder wants faces aligned to {origin.template}, and {shelf} has faces aligned to "
            f"{', '.join(sorted(found))}; align them in another workspace, or take them as they are (crops of "
            "--detector whole can only be so) with --any-template"
        )


def _fingerprint(rows: Any) -> str:
    sha = hashlib.sha256()
    for name in ("file", "crc32", "source_frame", "pts_seconds"):
        sha.update(str(rows.column(name).to_pylist()).encode())
    return sha.hexdigest()[:16]


def _is_made(path: Path, wanted: dict[str, str]) -> bool:
    if not path.is_file():
        return False
    try:
        found = provenance_of(path)
    except ManifestError:
        return False
    return all(found.get(name) == wanted[name] for name in ("config", "weights", "inputs", "num_unreadable"))
