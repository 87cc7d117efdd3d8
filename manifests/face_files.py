"""The only way to a face's bytes, wherever they lie: in a file of their own, or in the tar of their shard."""

import os
import re
import resource
from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tcae.manifests.errors import ManifestError
from tcae.manifests.packs import Index, fault_of, is_packed, members_of, read_index, shards_packed
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import NUM_SHARDS, Workspace, digest_of, frame_of, picture_name, shard_of

Read: TypeAlias = Callable[[Path], bytes]
"""Gives a file's bytes; raises OSError, or ManifestError where a pack is damaged."""

FEWEST_OPEN = 16
"""Tars that are kept open at least, however few files a process may open."""

SHARE = 4
"""One in so many of a process's open files may be a tar."""

_FOLDER = re.compile(r"^(\d+)_folder$")


class FaceFiles:
    """Reads faces by the paths that they have, or would have, as files of a workspace; other paths as they are.

    Threads may share one. It can be pickled and forked: a process opens its own tars. Indexes are read when their
    shard is first asked for, and stay; so many tars stay open as a quarter of the process's limit of open files, which
    the first packed face raises to what the system lets a process have, where all tars need it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._prefix = f"{workspace.root / 'faces'}{os.sep}"
        self._known: dict[int, _Known] = {}
        self._loose: set[int] = set()  # shards without a pack

    @cached_property
    def _opened(self) -> Callable[[int], "_Tar"]:
        return lru_cache(_most_open())(partial(_open, self.workspace, self._known))

    def __reduce__(self) -> tuple[type["FaceFiles"], tuple[Workspace]]:
        return FaceFiles, (self.workspace,)

    def read(self, path: Path) -> bytes:
        """The bytes of a face's file.

        Raises:
            OSError: there is no such face, or it cannot be read.
            ManifestError: the tar of its shard is damaged; the message names it.
        """
        name = self._name(path)
        if name is None:
            return path.read_bytes()
        try:
            return _read(path, self._tar(name[0] % NUM_SHARDS), *name)
        except FileNotFoundError:  # or it was packed, or unpacked, since
            return _read(path, self._tar_anew(name[0] % NUM_SHARDS), *name)

    def below(self, folder: Path) -> list[Path]:
        """The packed faces that would lie in a folder, or in folders of it, by clip and frame.

        The index of every shard is read, unless it is a clip's folder.

        Raises:
            ManifestError: an index is damaged.
        """
        faces = self.workspace.root / "faces"
        if folder != faces and not str(folder).startswith(self._prefix):
            return []
        depth = len(folder.relative_to(faces).parts)
        clip = face_at(f"{folder.relative_to(faces).as_posix()}/{picture_name(0, 0)}")
        shards = [shard_of(clip[0])] if clip else shards_packed(self.workspace) if depth < 3 else []
        found = [(one.key, one.frame) for shard in shards for one in members_of(self.workspace, shard)]
        paths = [self.workspace.picture("faces", *face) for face in sorted(found)]
        return [path for path in paths if path.is_relative_to(folder)]

    def _tar(self, shard: int) -> "_Tar | None":
        if shard in self._loose:
            return None
        if shard in self._known or is_packed(self.workspace, shard):
            return self._opened(shard)
        self._loose.add(shard)
        return None

    def _tar_anew(self, shard: int) -> "_Tar | None":
        """Look at the disk again, whatever is known of the shard."""
        self._loose.discard(shard)
        self._known.pop(shard, None)
        return _open(self.workspace, self._known, shard) if is_packed(self.workspace, shard) else None

    def _name(self, path: Path) -> tuple[int, int] | None:
        """The digest of the clip and the number of the frame that a path is of; None for paths of no face."""
        text = str(path)
        if not text.startswith(self._prefix):
            return None
        clip, _, name = text[len(self._prefix) :].rpartition("/")
        frame = frame_of(name)
        return None if frame is None else (digest_of(clip), frame)


def face_at(name: str) -> tuple[ClipKey, int] | None:
    """The clip and the frame that a name below ``faces/`` is of; None for another name.

    >>> face_at("id1/v1/0_folder/img_0_003.jpg")
    (ClipKey(identity='id1', video='v1', clip=0), 2)
    """
    parts = name.split("/")
    folder = _FOLDER.match(parts[2]) if len(parts) == 4 else None
    frame = frame_of(parts[3]) if folder else None
    return None if folder is None or frame is None else (ClipKey(parts[0], parts[1], int(folder[1])), frame)


class _Known(NamedTuple):
    """What stays known of a tar that was opened once."""

    path: str
    stamp: tuple[int, int, int]
    """Its inode, size and time: which tar it was."""
    faces: Index


class _Tar:
    """An open tar with its index; closed when nobody has it any more."""

    index: Index

    def __init__(self, path: str) -> None:
        self.path, self._descriptor = path, -1
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def stamp(self) -> tuple[int, int, int]:
        found = os.fstat(self._descriptor)
        return found.st_ino, found.st_size, found.st_mtime_ns

    def read(self, offset: int, size: int) -> bytes:
        data = os.pread(self._descriptor, size, offset)
        if len(data) < size:
            raise ManifestError(
                f"{self.path} ends before byte {offset + size:,}, where a face should: it was cut short"
            )
        return data


def _open(workspace: Workspace, opened: dict[int, _Known], shard: int) -> _Tar:
    """Open a shard's tar; its index is read unless it is known.

    Raises:
        FileNotFoundError: the shard is packed no more.
        ManifestError: the tar is gone, or damaged, or its index is.
    """
    known = opened.get(shard)
    try:
        tar = _Tar(known.path if known else str(workspace.pack(shard)))
    except FileNotFoundError as error:
        fault = fault_of(workspace, shard)
        if fault is None:
            raise
        raise ManifestError(f"{workspace.pack(shard)} {fault}") from error
    stamp = tar.stamp()
    if known is None or known.stamp != stamp:
        known = opened[shard] = _Known(tar.path, stamp, read_index(workspace, shard, stamp[1]))
    tar.index = known.faces
    return tar


def _read(path: Path, tar: _Tar | None, digest: int, frame: int) -> bytes:
    place = tar.index.find(digest, frame) if tar else None
    return path.read_bytes() if tar is None or place is None else tar.read(*place)


def _most_open() -> int:
    """A quarter of the files that this process may open, whose limit is raised as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SHARE * NUM_SHARDS
    limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if resource.RLIM_INFINITY != soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return max(FEWEST_OPEN, limit // SHARE)
