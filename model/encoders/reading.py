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
from tcae.manifests.pairs import FaceRef
from tcae.manifests.workspace import Workspace, frame_of
from tcae.model.data.faces import FaceFileError, read_face

Face: TypeAlias = NDArray[np.uint8]
"""(S, S, 3) uint8, RGB."""

SUFFIXES = {".jpg", ".jpeg", ".png"}

BATCHES_AHEAD = 2
"""So many full batches are decoded, or wait to be, while the network computes."""

_CLIP_FOLDER = re.compile(r"^(\d+)_folder$")

T = TypeVar("T")


def face_files(folder: Path, *, recursive: bool = False) -> list[Path]:
    """The pictures of a folder, numbers in their names in their order: ``img_0_999`` before ``img_0_1000``.

    Raises:
        ConfigError: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder of faces")
    found = folder.rglob("*") if recursive else folder.iterdir()
    files = [path for path in found if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    if not files:
        raise ConfigError(f"{folder} holds no faces; they are looked for as {', '.join(sorted(SUFFIXES))}")
    return sorted(files, key=_natural)


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    words = re.split(r"(\d+)", path.as_posix())
    return [(not word.isdecimal(), int(word) if word.isdecimal() else 0, word) for word in words]


def face_of(workspace: Workspace, path: Path) -> FaceRef | None:
    """Which face of the workspace a file is; None where it lies elsewhere, or is named in another way."""
    try:
        parts = path.resolve().relative_to((workspace.root / "faces").resolve()).parts
    except ValueError:
        return None
    folder = _CLIP_FOLDER.match(parts[2]) if len(parts) == 4 else None
    frame = frame_of(parts[-1]) if folder else None
    return None if folder is None or frame is None else FaceRef(parts[0], parts[1], int(folder[1]), frame)


def read_ahead(
    batches: Iterable[tuple[T, Sequence[Path]]], side: int, *, batch_size: int, threads: int
) -> Generator[tuple[T, list[Face | FaceFileError]]]:
    """Decode batches of files in threads, in order, while the caller works on the batch before.

    Args:
        batches: Each a tag, which is given back, and its files.
        side: Of the faces, in pixels.
        batch_size: Files of a full batch; some ``BATCHES_AHEAD`` of these wait in memory.
        threads: That decode; OpenCV lets go of Python's lock meanwhile.

    Yields:
        The tag and a face for every file, (side, side, 3) uint8, or why there is none.
    """
    waiting: deque[tuple[T, list[Future[Face | FaceFileError]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for tag, paths in batches:
                waiting.append((tag, [pool.submit(_read, path, side) for path in paths]))
                while sum(len(faces) for _, faces in waiting) > BATCHES_AHEAD * batch_size:
                    yield _done(*waiting.popleft())
            while waiting:
                yield _done(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _read(path: Path, side: int) -> Face | FaceFileError:
    try:
        return read_face(path, side)
    except FaceFileError as error:
        return error


def _done(tag: T, faces: list[Future[Face | FaceFileError]]) -> tuple[T, list[Face | FaceFileError]]:
    return tag, [face.result() for face in faces]
