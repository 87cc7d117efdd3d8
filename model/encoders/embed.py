"""Embed every face of a workspace, or of a folder; parts that are up to date are kept."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from tcae.manifests.errors import ConfigError
from tcae.manifests.face_files import FaceFiles, Read
from tcae.manifests.workspace import Workspace
from tcae.model.data.faces import FaceFileError, decoded_side
from tcae.model.encoders.embeddings import Origin, Vectors, provenance_of, with_embeddings, write_embeddings
from tcae.model.encoders.facts import UNKNOWN
from tcae.model.encoders.parts import Part, part_provenance, parts_of_workspace
from tcae.model.encoders.reading import Face, face_files, read_ahead

if TYPE_CHECKING:
    from tcae.model.encoders.face_encoder import FaceEncoder

READ_SIZE = 256
"""Faces that are decoded together, where the user says nothing."""

NUM_EXAMPLES = 3
"""So many unreadable faces are named; the others are counted."""

Follow: TypeAlias = Callable[[Iterable[Any], int], Iterable[Any]]
"""Shows how far a loop is; the number is how many turns it has."""


@dataclass(frozen=True, kw_only=True)
class EmbedConfig:
    """How faces are embedded; the embeddings do not depend on it but for their last bits."""

    batch_size: int | None = None
    """Faces that go through the network at once; by default what suits the device, see ``FaceEncoder.embed``."""
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    """That decode pictures."""
    any_template: bool = False
    """Whether faces may be aligned to another template than the encoder's."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {value}")

    @property
    def read_size(self) -> int:
        """Faces that are decoded and handed to the encoder together."""
        return self.batch_size or READ_SIZE


@dataclass(kw_only=True)
class Embedded:
    """What became of the faces: ``num_faces`` = ``num_embedded`` + ``num_unreadable``."""

    path: Path
    """The folder of parts, or the one table."""
    num_faces: int = 0
    num_embedded: int = 0
    num_kept: int = 0
    """Of the embedded ones: those found up to date."""
    num_unreadable: int = 0
    examples: list[str] = field(default_factory=list)
    """Messages of the first unreadable faces."""

    def keep(self, part: Part) -> None:
        """Count a part that is up to date."""
        self.num_faces += len(part.files)
        self.num_embedded += len(part.files)
        self.num_kept += len(part.files)

    def count(self, faces: Iterable[Face | FaceFileError]) -> None:
        """Count a batch as read."""
        for face in faces:
            self.num_faces += 1
            self.num_embedded += not isinstance(face, FaceFileError)
            if isinstance(face, FaceFileError):
                self.num_unreadable += 1
                self.examples += [str(face)] if len(self.examples) < NUM_EXAMPLES else []


def embed_workspace(
    workspace: Workspace,
    encoder: "FaceEncoder",
    origin: Origin,
    config: EmbedConfig,
    *,
    follow: Follow = lambda items, total: items,
    note: Callable[[str], None] = lambda text: None,
) -> Embedded:
    """Embed all faces; each part is written when its faces are embedded, or kept if it is up to date.

    Args:
        workspace: Whose table ``faces`` says which faces there are; rows without a file are none. One caller at a time
            is the caller's promise.
        encoder: Makes the embeddings.
        origin: Where the encoder comes from; names the folder of the parts.
        config: Batch size, threads and what else may differ.
        follow: Is given the parts of ``faces`` to loop over.
        note: Is told what a user should know before the work is done.

    Raises:
        ConfigError: there are no faces, or they are aligned to another template than the encoder's.
        ManifestError: a part of ``faces`` is damaged.
        WorkspaceError: a part cannot be written.
    """
    outcome = Embedded(path=origin.folder(workspace))
    shelves = sorted(workspace.manifest("faces").glob("*.parquet"))
    if not shelves:
        raise ConfigError(f"there are no faces in {workspace.root}; run tcae-prep align first")
    if origin.template == UNKNOWN:
        note("the template that the encoder's faces were aligned to is not known, and embeddings depend on it")
    _delete_all_but(outcome.path, {shelf.name for shelf in shelves})
    parts = parts_of_workspace(workspace, origin, follow(shelves, len(shelves)), any_template=config.any_template)
    read = FaceFiles(workspace).read
    for made in _embeddings(_not_made(parts, outcome), encoder, config, outcome, read):
        _write(made, part_provenance(origin, made.part.inputs, len(made.part.files) - len(made.rows)))
    return outcome


def embed_folder(
    folder: Path,
    path: Path,
    encoder: "FaceEncoder",
    origin: Origin,
    config: EmbedConfig,
    *,
    files: FaceFiles | None = None,
    follow: Follow = lambda items, total: items,
) -> Embedded:
    """Embed the faces of a folder and its folders into one table: ``file``, relative to it, and each embedding.

    Nobody can tell what these faces are aligned to. All embeddings are in memory: 2 KB for each face at TCAE's
    published width. With ``files`` packed faces of a workspace, which would lie in the folder, count too.

    Raises:
        ConfigError: there is no such folder, it holds no face, or ``path`` has the embeddings of another folder.
        WorkspaceError: the table cannot be written.
    """
    whole = str(folder.resolve())
    if path.is_file() and (other := provenance_of(path).get("folder", "something else")) != whole:
        raise ConfigError(f"{path} has the embeddings of {other}; name another file with --to")
    faces = face_files(folder, files, recursive=True)
    names = pa.table({"file": [face.relative_to(folder).as_posix() for face in faces]})
    outcome = Embedded(path=path)
    part = Part(path=path, keys=names, files=faces, inputs=whole)
    for made in _embeddings([part], encoder, config, outcome, files.read if files else Path.read_bytes, follow):
        _write(made, part_provenance(origin, whole, len(faces) - len(made.rows)) | {"folder": whole})
    return outcome


class _Made(NamedTuple):
    part: Part
    rows: list[int]
    """Of the faces that could be read."""
    embeddings: dict[str, Vectors]
    """Of these rows, by name."""


def _embeddings(
    parts: Iterable[Part],
    encoder: "FaceEncoder",
    config: EmbedConfig,
    outcome: Embedded,
    read: Read,
    follow: Follow = lambda items, total: items,
) -> Iterator[_Made]:
    """The embeddings of each part, while the pictures of the next are decoded."""
    done: list[tuple[list[int], dict[str, Vectors]]] = []
    batches = _batches(parts, config.read_size, follow)
    side = decoded_side(encoder.network.size)
    size, threads = config.read_size, config.threads
    for (part, start), faces in read_ahead(batches, side, batch_size=size, threads=threads, read=read):
        outcome.count(faces)
        done.append(_embed(encoder, start, faces, config))
        if start + len(faces) == len(part.files):
            rows, batches_of = zip(*done, strict=True)
            whole = {name: np.concatenate([some[name] for some in batches_of]) for name in encoder.widths}
            yield _Made(part, [row for some in rows for row in some], whole)
            done = []


def _batches(parts: Iterable[Part], size: int, follow: Follow) -> Iterator[tuple[tuple[Part, int], list[Path]]]:
    """A batch never crosses a part, so that embeddings are the same whatever else is made."""
    for part in parts:
        starts = range(0, len(part.files), size)
        for start in follow(starts, len(starts)):
            yield (part, start), part.files[start : start + size]


def _embed(
    encoder: "FaceEncoder", start: int, faces: list[Face | FaceFileError], config: EmbedConfig
) -> tuple[list[int], dict[str, Vectors]]:
    """The rows of the readable faces of a batch that begins at row ``start``, and their embeddings by name."""
    readable = {start + row: face for row, face in enumerate(faces) if not isinstance(face, FaceFileError)}
    if not readable:
        return [], {name: np.zeros((0, width), np.float32) for name, width in encoder.widths.items()}
    embeddings = encoder.embed(np.stack(list(readable.values())), batch_size=config.batch_size)
    return list(readable), dict(embeddings.items())


def _not_made(parts: Iterable[Part], outcome: Embedded) -> Iterator[Part]:
    for part in parts:
        if part.is_made:
            outcome.keep(part)
        else:
            yield part


def _write(made: _Made, provenance: dict[str, str]) -> None:
    keys = made.part.keys.take(pa.array(made.rows, pa.int64()))
    write_embeddings(with_embeddings(keys, made.embeddings), made.part.path, provenance)


def _delete_all_but(folder: Path, names: set[str]) -> None:
    """The parts whose faces are gone."""
    for path in folder.glob("*.parquet"):
        if path.name not in names:
            path.unlink()
