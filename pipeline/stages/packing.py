"""Bring a shard's faces to rest in its tar, or take them out of it again.

While clips of a packed shard are made, their faces lie as files below ``faces/.<shard>/``, where no other shard's do.
When the shard's rows are about to be written, one new tar is made of these, of files that were never packed, and of the
old tar; for each face the one is taken that has the checksum of its row. So a command may be killed at any moment: what
lies where it should not is looked at again, or overwritten, by the next one.
"""

import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

from tcae.manifests.errors import WorkspaceError
from tcae.manifests.packs import Member, Packed, is_packed, remove_pack, scan, write_pack
from tcae.manifests.rows import ClipKey, Face
from tcae.manifests.workspace import Workspace, picture_name, shard_of
from tcae.pipeline import pictures
from tcae.pipeline.stages.base import Rows, by_clip


def folder_for(workspace: Workspace, key: ClipKey, *, pack: bool) -> Path:
    """Where to write the faces of a clip; a shard that is packed stays so."""
    shard = shard_of(key)
    if pack or is_packed(workspace, shard):
        return workspace.unpacked(shard) / str(key)
    return workspace.clip_folder("faces", key)


def settle_faces(workspace: Workspace, shard: int, found: dict[ClipKey, Rows], *, pack: bool) -> None:
    """Pack a shard's faces if it is packed, or to be; clips whose faces are lost are taken out of ``found``.

    Raises:
        WorkspaceError: the disk is full, or the workspace cannot be written.
    """
    if pack or is_packed(workspace, shard):
        rows = [row for of_clip in found.values() for row in of_clip.get("faces", [])]
        for key in pack_faces(workspace, shard, rows):
            del found[key]
    _remove_tree(workspace.unpacked(shard))


def pack_faces(workspace: Workspace, shard: int, rows: Iterable[Face]) -> set[ClipKey]:
    """Write a shard's tar anew, of all faces that its rows name, and remove the files that are in it then.

    Args:
        workspace: Where.
        shard: Whose rows these are.
        rows: All of the shard's rows of ``faces``.

    Returns:
        The clips of which a face is nowhere, or has another checksum than its row; none of their faces is packed.

    Raises:
        WorkspaceError: the disk is full, or the workspace cannot be written.
    """
    clips, lost = _with_files(rows), set[ClipKey]()
    write_pack(workspace, shard, _faces(workspace, shard, clips, lost))
    _remove_files(workspace, {key: rows for key, rows in clips.items() if key not in lost})
    return lost


def unpack_faces(workspace: Workspace, shard: int, rows: Iterable[Face]) -> set[ClipKey]:
    """Write the faces that a shard's rows name as files again; the tar goes unless something is lost.

    Args and what is returned and raised are those of ``pack_faces``.
    """
    lost: set[ClipKey] = set()
    for key, frame, data in _faces(workspace, shard, _with_files(rows), lost):
        pictures.write(workspace.picture("faces", key, frame), data)
    if not lost:
        remove_pack(workspace, shard)
        _remove_tree(workspace.unpacked(shard))
    return lost


def _with_files(rows: Iterable[Face]) -> dict[ClipKey, list[Face]]:
    """The rows that name a file, by clip and frame."""
    return by_clip(sorted((row for row in rows if row.file is not None), key=lambda row: (row.key, row.frame or 0)))


def _faces(
    workspace: Workspace, shard: int, clips: Mapping[ClipKey, Sequence[Face]], lost: set[ClipKey]
) -> Iterator[Packed]:
    """The faces of clips, each from where it has the checksum of its row; clips that lack one go to ``lost``."""
    path = workspace.pack(shard)
    members = {(one.key, one.frame): one for one in (scan(path)[0] if path.exists() else [])}
    with path.open("rb") if members else nullcontext() as tar:
        for key, rows in clips.items():
            places = (workspace.unpacked(shard) / str(key), workspace.clip_folder("faces", key))
            found = [
                next((data for data in _copies(places, row, tar, members) if _fits(data, row)), None) for row in rows
            ]
            if None in found:
                lost.add(key)
            else:
                yield from (Packed(key, row.frame or 0, data or b"") for row, data in zip(rows, found, strict=True))


def _copies(
    folders: Iterable[Path], row: Face, tar: IO[bytes] | None, members: Mapping[tuple[ClipKey, int], Member]
) -> Iterator[bytes]:
    """What there is of a face: files first, which are newer than the tar."""
    frame = row.frame or 0
    for folder in folders:
        with suppress(OSError):
            yield (folder / picture_name(row.clip, frame)).read_bytes()
    member = members.get((row.key, frame))
    if tar is not None and member is not None:
        tar.seek(member.offset)
        yield tar.read(member.num_bytes)


def _fits(data: bytes, row: Face) -> bool:
    return row.crc32 is None or zlib.crc32(data) == row.crc32


def _remove_files(workspace: Workspace, clips: Mapping[ClipKey, Sequence[Face]]) -> None:
    """Remove the faces that were files until now, and their clips' folders where nothing else is in them."""
    for key, rows in clips.items():
        folder = workspace.clip_folder("faces", key)
        if folder.is_dir():
            with _told(folder):
                for row in rows:
                    (folder / picture_name(row.clip, row.frame or 0)).unlink(missing_ok=True)
                if not any(folder.iterdir()):
                    folder.rmdir()


def _remove_tree(folder: Path) -> None:
    if folder.exists():
        with _told(folder):
            shutil.rmtree(folder)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkspaceError(f"cannot remove what is left in {folder}: {error.strerror}") from error
