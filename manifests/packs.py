"""The faces of a shard in one tar, and the index that says where in it each face lies.

``faces/<shard>.tar`` is an ordinary uncompressed tar. Its members are named as the files would be below ``faces/``, so
that ``tar xf`` there gives back the tree, and a member's bytes are the file's. ``manifests/packs/<shard>.parquet`` is
the index: a short cut, because all that it says stands in the tar. It is removed before its tar is replaced and written
after, so that an index that is there belongs to the tar beside it, whenever a writer was killed.
"""

import os
import re
import tarfile
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tcae.manifests.errors import ManifestError, WorkspaceError
from tcae.manifests.rows import ClipKey, Keyed
from tcae.manifests.tables import read_table, rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace, digest_of, frame_of, picture_name, written_whole

TABLE = "packs"
"""The manifest that indexes are parts of."""

_BLOCK = 512
"""A tar is made of such; a member's data begin at a whole one."""
_END = bytes(2 * _BLOCK)
"""How a tar ends."""
_CLIP = re.compile(r"^(?P<identity>[^/]+)/(?P<video>[^/]+)/(?P<clip>\d+)_folder/(?P<name>[^/]+)$")
_SIZE = "tar_bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Keyed):
    """Table ``packs``: one row for each face of a shard's tar, in the tar's order."""

    frame: int
    """k, from 0, as in ``faces``."""
    offset: int
    """Of the face's first byte in the tar."""
    num_bytes: int
    """Of the face."""


class Packed(NamedTuple):
    """A face to be packed: whose it is, and the bytes of its file."""

    key: ClipKey
    frame: int
    data: bytes


class Index:
    """Where the faces of one tar lie; 12 bytes of memory for a face and 16 for a clip.

    Arrays of Python's own, because bisecting them takes a tenth of the time that numpy's take for one number.
    """

    def __init__(self, table: Any) -> None:
        """Take in rows of ``Member``; those of a clip stand together."""
        names = [table.column(name).combine_chunks().dictionary_encode().indices for name in ("identity", "video")]
        codes = np.array([*(name.to_numpy() for name in names), table.column("clip").to_numpy()])  # (3, N)
        first = np.flatnonzero(np.any(np.diff(codes, prepend=-1, append=-1), axis=0))  # (C + 1,): the last is N
        keys = table.select(ClipKey._fields).take(pa.array(first[:-1])).to_pylist()
        digests = np.array([digest_of(ClipKey(**key)) for key in keys], np.uint64)
        order = np.argsort(digests)
        self._clips = array("Q", digests[order].tobytes())
        self._first, self._last = (_numbers(rows[order]) for rows in (first[:-1], first[1:]))
        self._frame, self._size = (_numbers(table.column(name).to_numpy()) for name in ("frame", "num_bytes"))
        self._block = _numbers(table.column("offset").to_numpy() // _BLOCK)

    def __len__(self) -> int:
        """Faces in the tar."""
        return len(self._frame)

    def find(self, digest: int, frame: int) -> tuple[int, int] | None:
        """The offset and the number of bytes of a clip's face; None where there is none."""
        clip = bisect_left(self._clips, digest)
        if clip == len(self._clips) or self._clips[clip] != digest:
            return None
        last = self._last[clip]
        row = bisect_left(self._frame, frame, self._first[clip], last)
        if row == last or self._frame[row] != frame:
            return None
        return self._block[row] * _BLOCK, self._size[row]


def _numbers(values: NDArray[np.int64]) -> "array[int]":
    """Numbers of 32 bits; a tar may have 2 TB."""
    return array("I", values.astype(np.uint32).tobytes())


def is_packed(workspace: Workspace, shard: int) -> bool:
    """Whether the faces of a shard are in a tar, or were and the tar is gone."""
    return workspace.pack(shard).exists() or workspace.part(TABLE, shard).exists()


def shards_packed(workspace: Workspace) -> list[int]:
    """The shards that have a tar, or an index."""
    tars, indexes = (workspace.root / "faces").glob("*.tar"), workspace.manifest(TABLE).glob("*.parquet")
    return sorted({int(path.stem) for path in (*tars, *indexes) if path.stem.isdecimal()})


def fault_of(workspace: Workspace, shard: int) -> str | None:
    """What is wrong with a shard's tar, as its index tells without reading it; None where nothing is.

    A shard without an index has nothing to be told by.
    """
    path, index = workspace.pack(shard), workspace.part(TABLE, shard)
    if not index.exists():
        return None
    try:
        known, size = _tar_size(read_table(index, Member, ["clip"])), path.stat().st_size
    except ManifestError as error:
        return f"has a damaged index: {error}"
    except OSError as error:
        return f"cannot be read, and its index is there: {error.strerror}"
    return None if known == size else _misfit(size, known)


def _tar_size(index: Any) -> int:
    known: bytes = (index.schema.metadata or {}).get(f"tcae.{_SIZE}".encode(), b"")
    return int(known) if known.isdigit() else 0


def _misfit(size: int, known: int) -> str:
    return f"has {size:,} bytes, and its index is of a tar of {known:,}: it was cut short or replaced"


def write_pack(workspace: Workspace, shard: int, faces: Iterable[Packed]) -> None:
    """Write a shard's tar, then its index; without any face, remove both.

    Args:
        workspace: Where.
        shard: Whose faces these are.
        faces: Ordered by clip and frame; taken one by one.

    Raises:
        WorkspaceError: the disk is full, or the folder cannot be written; the old tar is as it was.
    """
    path, index = workspace.pack(shard), workspace.part(TABLE, shard)
    members: list[Member] = []
    with written_whole(path) as partial:
        with partial.open("wb") as sink:
            for key, frame, data in faces:
                sink.write(_header(key, frame, len(data)))
                members.append(Member(**key._asdict(), frame=frame, offset=sink.tell(), num_bytes=len(data)))
                sink.write(data + bytes(-len(data) % _BLOCK))
            sink.write(_END)
            size = sink.tell()
            sink.flush()
            os.fsync(sink.fileno())
        index.unlink(missing_ok=True)
    if members:
        write_table(table_of(members, Member), index, {_SIZE: str(size)})
    else:
        remove_pack(workspace, shard)


def remove_pack(workspace: Workspace, shard: int) -> None:
    """Remove a shard's index and its tar, if they are there.

    Raises:
        WorkspaceError: they cannot be removed.
    """
    for path in (workspace.part(TABLE, shard), workspace.pack(shard)):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise WorkspaceError(f"cannot remove {path}: {error.strerror}") from error


def _header(key: ClipKey, frame: int, size: int) -> bytes:
    """Always the same for the same face: no time and no owner."""
    member = tarfile.TarInfo(f"{key}/{picture_name(key.clip, frame)}")
    member.size, member.mode = size, 0o644
    return member.tobuf(tarfile.PAX_FORMAT)


def read_index(workspace: Workspace, shard: int, size: int) -> Index:
    """The index of a shard's tar; made from the tar itself where there is none.

    Args:
        workspace: Where.
        shard: Which.
        size: Of the tar that was opened, in bytes.

    Raises:
        ManifestError: the index is damaged, or of another tar; or there is none, and the tar is damaged.
    """
    path = workspace.part(TABLE, shard)
    if not path.exists():
        return Index(table_of(members_of(workspace, shard), Member))
    table = read_table(path, Member)
    if _tar_size(table) != size:
        raise ManifestError(f"{workspace.pack(shard)} {_misfit(size, _tar_size(table))}")
    begin, length = (table.column(name).to_numpy() for name in ("offset", "num_bytes"))
    if np.any((begin < 0) | (begin % _BLOCK > 0) | (length < 0) | (length > size) | (begin > size - length)):
        raise ManifestError(f"{path} names faces that lie outside {workspace.pack(shard)}")
    return Index(table)


def members_of(workspace: Workspace, shard: int) -> list[Member]:
    """The faces of a shard's tar in its order; none where it has no tar.

    Raises:
        ManifestError: the index is damaged; or there is none, and the tar is damaged.
    """
    path = workspace.part(TABLE, shard)
    if path.exists():
        return rows_of(read_table(path, Member), Member)
    members, fault = scan(workspace.pack(shard)) if workspace.pack(shard).exists() else ([], None)
    if fault is not None:
        raise ManifestError(f"{workspace.pack(shard)} {fault}")
    return members


def scan(path: Path) -> tuple[list[Member], str | None]:
    """The faces that a tar's own headers name, as far as it can be read, and what is wrong with it.

    A member that is not named as a face is passed over.

    Returns:
        The faces by clip and frame; None where nothing is wrong.
    """
    members: list[Member] = []
    fault = None
    try:
        with path.open("rb") as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(max(0, size - len(_END)))
            fault = None if source.read() == _END else "is cut short"
        with tarfile.open(path, "r:") as tar:
            named = (_member(found) for found in tar)
            members.extend(one for one in named if one is not None and one.offset + one.num_bytes <= size)
    except (tarfile.TarError, ValueError, RecursionError) as error:  # the last: headers of headers of headers
        fault = f"is damaged: {error}"
    except OSError as error:
        fault = f"cannot be read: {error.strerror}"
    return sorted(members, key=lambda one: (one.key, one.frame)), fault


def _member(found: tarfile.TarInfo) -> Member | None:
    match = _CLIP.match(found.name)
    frame = frame_of(match["name"]) if match else None
    if match is None or frame is None or not found.isreg():
        return None
    key = ClipKey(match["identity"], match["video"], int(match["clip"]))
    return Member(**key._asdict(), frame=frame, offset=found.offset_data, num_bytes=found.size)
