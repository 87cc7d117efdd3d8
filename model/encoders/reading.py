"""Face files: which there are, which face of the workspace one is, and decoding ahead of who needs them."""

import re
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.face_files import FaceFiles, Read, face_at
from tcae.manifests.pairs import FaceRef
from tcae.manifests.workspace import Workspace
from tcae.model.data.faces import FaceFileError, read_face

Face: TypeAlias = NDArray[np.uint8]
"""(S, S, 3) uint8, RGB."""

SUFFIXES = {".jpg", ".jpeg", ".png"}

BATCHES_AHEAD = 2
"""So many full batches are decoded, or wait to be, while the network computes."""

T = TypeVar("T")


def face_files(folder: Path, files: FaceFiles | None = None, *, recursive: bool = False) -> list[Path]:
    """The pictures of a folder, numbers in their names in their order: ``img_0_999`` before ``img_0_1000``.

    Args:
        folder: Where they lie, or would lie if they were not packed.
        files: Of the workspace whose packed faces count too.
        recursive: Whether those of folders in it count.

    Raises:
        ConfigError: there is no such folder, or no picture in it.
    """
    packed = files.below(folder) if files else []
    if not folder.is_dir() and not packed:
        raise ConfigError(f"{folder} is not a folder of faces")
    found = {*packed, *(folder.rglob("*") if folder.is_dir() else ())}
    pictures = [path for path in found if path.suffix.lower() in SUFFIXES and not _is_hidden(path, folder)]
    some = pictures if recursive else [path for path in pictures if path.parent == folder]
    if not some:
        raise ConfigError(f"{folder} holds no faces; they are looked for as {', '.join(sorted(SUFFIXES))}")
    return sorted(some, key=_natural)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    words = re.split(r"(\d+)", path.as_posix())
    return [(not word.isdecimal(), int(word) if word.isdecimal() else 0, word) for word in words]


def face_of(workspace: Workspace, path: Path) -> FaceRef | None:
    """Which face of the workspace a file is; None where it lies elsewhere, or is named in another way."""
    try:
        name = path.resolve().relative_to((workspace.root / "faces").resolve()).as_posix()
    except ValueError:
        return None
    face = face_at(name)
    return None if face is None else FaceRef(*face[0], face[1])


def read_ahead(
    batches: Iterable[tuple[T, Sequence[Path]]],
    side: int,
    *,
    batch_size: int,
    threads: int,
    read: Read = Path.read_bytes,
) -> Generator[tuple[T, list[Face | FaceFileError]]]:
    """Decode batches of files in threads, in order, while the caller works on the batch before.

    Args:
        batches: Each a tag, which is given back, and its files.
        side: Of the faces, in pixels.
        batch_size: Files of a full batch; some ``BATCHES_AHEAD`` of these wait in memory.
        threads: That decode; OpenCV lets go of Python's lock meanwhile.
        read: Gives a file's bytes; ``FaceFiles.read`` where it may be packed.

    Yields:
        The tag and a face for every file, (side, side, 3) uint8, or why there is none.
    """
    waiting: deque[tuple[T, list[Future[Face | FaceFileError]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for tag, paths in batches:
                waiting.append((tag, [pool.submit(_read, path, side, read) for path in paths]))
                while sum(len(faces) for _, faces in waiting) > BATCHES_AHEAD * batch_size:
                    yield _done(*waiting.popleft())
            while waiting:
                yield _done(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _read(path: Path, side: int, read: Read) -> Face | FaceFileError:
    try:
        return read_face(path, side, read)
    except FaceFileError as error:
        return error


def _done(tag: T, faces: list[Future[Face | FaceFileError]]) -> tuple[T, list[Face | FaceFileError]]:
    return tag, [face.result() for face in faces]
