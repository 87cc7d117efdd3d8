"""Check pictures against the rows that name them, and folders against the rows that should name their files."""

import os
import zlib
from collections.abc import Container, Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tcae.manifests.errors import ManifestError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.packs import fault_of, members_of
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, frame_of, shard_of
from tcae.pipeline import pictures
from tcae.pipeline.pictures import PictureError
from tcae.pipeline.status import KEY, shards_of
from tcae.pipeline.templates import CROP_PX
from tcae.pipeline.verify.findings import Findings
from tcae.pipeline.verify.tables import Shard

KINDS = ("frames", "faces")
"""Tables whose rows name pictures; also the folders that hold them."""

UNNAMED = "no row names it"
DAMAGED_PACK = "damaged pack"

Digests = NDArray[np.uint64]
"""(N,) hashes of clip folders."""


def check_pictures(workspace: Workspace, read: Shard, kind: str, findings: Findings, *, fast: bool) -> list[ClipKey]:
    """Check every picture that a shard's rows name, and that their folders hold nothing else.

    Args:
        workspace: Where the pictures lie.
        read: The shard's tables.
        kind: ``frames`` or ``faces``.
        findings: Takes what is wrong.
        fast: Look only whether the file is there and not empty, else read and decode it and compare its checksum; of
            packed faces, whether the tar is as long as its index says and has them.

    Returns:
        The clips whose folders were checked.
    """
    rows = read.parts.get(kind)
    if rows is None:
        return []
    files, packed = FaceFiles(workspace), packed_faces(workspace, read, findings) if kind == "faces" else {}
    rows = rows.filter(pc.is_valid(rows.column("file"))).sort_by([(name, "ascending") for name in [*KEY, "frame"]])
    names: dict[ClipKey, set[str]] = {}
    for key, frame, file, crc32, size in _picture_rows(rows, kind):
        path = workspace.root / file
        if frame is None or frame_of(path.name) != frame or path.parent != workspace.clip_folder(kind, key):
            findings.note("misnamed file", file, f"is not the name of frame {frame} of {key}", read.remedy(kind))
            continue
        names.setdefault(key, set()).add(path.name)
        if packed is None:
            continue  # its tar is damaged, and that is said once
        wrong = _fault_of(path, files, packed.get(path), None if fast else (crc32, size))
        if wrong is not None:
            findings.note(wrong[0], file, wrong[1], read.remedy(kind))
    for key, known in names.items():
        _check_folder(workspace, workspace.clip_folder(kind, key), known, findings)
    for path in sorted(
        (packed or {}).keys() - {workspace.clip_folder(kind, key) / name for key in names for name in names[key]}
    ):
        findings.note("orphan face", workspace.relative(path), f"is in a tar, and {UNNAMED}", "run tcae-prep pack")
    return list(names)


def _picture_rows(rows: pa.Table, kind: str) -> Iterator[tuple[ClipKey, int | None, str, int | None, tuple[int, int]]]:
    columns = {name: rows.column(name).to_pylist() for name in (*KEY, "frame", "file", "crc32")}
    if kind == "frames":
        widths, heights = (rows.column(name).to_pylist() for name in ("width_px", "height_px"))
    else:
        widths = heights = [CROP_PX] * len(rows)
    for *key, frame, file, crc32, width, height in zip(*columns.values(), widths, heights, strict=True):
        yield ClipKey(*key), frame, file, crc32, (width, height)


def _fault_of(
    path: Path, files: FaceFiles, packed: int | None, wanted: tuple[int | None, tuple[int, int]] | None
) -> tuple[str, str] | None:
    """What is wrong with one file as (kind, detail).

    Args:
        path: The file.
        files: Reads it.
        packed: Its length in its tar, if it is there.
        wanted: Its checksum and (width, height); None to look at its length only.
    """
    try:
        if wanted is None:
            return None if packed or path.stat().st_size else ("damaged file", "is empty")
        data = files.read(path)
    except FileNotFoundError:
        return "missing file", "is not there"
    except OSError as error:
        return "unreadable file", f"cannot be read: {error.strerror}"
    except ManifestError as error:
        return DAMAGED_PACK, str(error)
    crc32, (width, height) = wanted
    if zlib.crc32(data) != crc32:
        return "damaged file", f"has the checksum {zlib.crc32(data)}, its row says {crc32}"
    try:
        found_height, found_width = pictures.decode(data, path.name).shape[:2]
    except PictureError as error:
        return "damaged file", str(error)
    if (found_width, found_height) != (width, height):
        return "wrong size", f"is {found_width}x{found_height} and should be {width}x{height}"
    return None


def _check_folder(workspace: Workspace, folder: Path, known: Container[str], findings: Findings) -> None:
    try:
        with os.scandir(folder) as entries:
            strays = sorted(entry.name for entry in entries if entry.name not in known)
    except OSError:
        return  # its files are missing, and that is said of each
    for name in strays:
        findings.note("orphan file", workspace.relative(folder / name), UNNAMED, "delete it")


def packed_faces(workspace: Workspace, read: Shard, findings: Findings) -> dict[Path, int] | None:
    """The faces of a shard's tar with their lengths; None where it is damaged, which is one finding."""
    path, fault = workspace.pack(read.shard), fault_of(workspace, read.shard)
    try:
        members = [] if fault else members_of(workspace, read.shard)
    except ManifestError as error:
        findings.note(DAMAGED_PACK, workspace.relative(path), str(error), read.remedy("faces"))
        return None
    if fault is not None:
        findings.note(DAMAGED_PACK, workspace.relative(path), fault, f"run tcae-prep {read.command('faces')} again")
        return None
    return {workspace.picture("faces", one.key, one.frame): one.num_bytes for one in members}


def check_strays(
    workspace: Workspace, kind: str, checked: Digests, damaged: Container[int], findings: Findings
) -> None:
    """Look for files outside the clip folders that were checked.

    Args:
        workspace: Where to look.
        kind: ``frames`` or ``faces``.
        checked: Sorted digests of the clip folders that rows name.
        damaged: Shards whose table cannot be read; their files are not called orphans.
        findings: Takes what is found.
    """
    packs = {workspace.pack(shard) for shard in shards_of(workspace, kind)} if kind == "faces" else set()
    for path in _below(workspace.root / kind, depth=3):
        if path in packs:
            continue
        name = path.relative_to(workspace.root / kind).as_posix()
        if not path.is_dir():
            findings.note("orphan file", workspace.relative(path), UNNAMED, "delete it")
        elif not _is_in(digest(name), checked) and _shard_named(name) not in damaged:
            for folder, _, files in os.walk(path):
                for file in sorted(files):
                    findings.note("orphan file", workspace.relative(Path(folder, file)), UNNAMED, "delete it")


def _below(folder: Path, depth: int) -> Iterator[Path]:
    """The folders ``depth`` levels down, and whatever above them is no folder."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        paths = sorted((Path(entry.path), entry.is_dir()) for entry in entries)
    for path, is_folder in paths:
        if is_folder and depth > 1:
            yield from _below(path, depth - 1)
        else:
            yield path


def digest(name: str) -> int:
    """A clip folder's name as 64 bits: a million folders are known by eight megabytes."""
    return int.from_bytes(blake2b(name.encode(errors="surrogateescape"), digest_size=8).digest())


def _is_in(value: int, ascending: Digests) -> bool:
    index = int(np.searchsorted(ascending, np.uint64(value)))
    return index < len(ascending) and int(ascending[index]) == value


def _shard_named(name: str) -> int | None:
    identity, video, folder = name.split("/")
    number = folder.removesuffix("_folder")
    return shard_of(ClipKey(identity, video, int(number))) if number.isdecimal() else None
