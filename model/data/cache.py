"""Every face of train in memory, as it was decoded."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from tcae.manifests.face_files import FaceFiles, Read
from tcae.manifests.pairs import FaceRef, PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.faces import FaceFileError, read_face

MOST = 0.5
"""Of the memory that is free, for all processes together."""

_RANGE = 64
"""Faces that a thread decodes at a time."""


def does_fit(num_faces: int, side: int, processes: int = 1) -> tuple[bool, str]:
    """Whether as many processes may keep that many faces each, and a phrase that says how large they are."""
    need, free = processes * num_faces * side * side * 3, psutil.virtual_memory().available
    each = f" for each of {processes} processes" if processes > 1 else ""
    size = f"{num_faces:,} faces of {side} px{each} take {need / 1e9:.2f} GB"
    if need > MOST * free:
        return False, f"{size}, more than half of the free {free / 1e9:.2f} GB"
    return True, f"{size} of the free {free / 1e9:.2f} GB"


class FaceCache:
    """Faces by their path; what could not be read is not in it and is read, in vain, from its file again."""

    def __init__(self, rows: dict[Path, int], faces: NDArray[np.uint8], read: Read) -> None:
        self.rows, self.faces, self._read = rows, faces, read

    @classmethod
    def filled(cls, workspace: Workspace, index: PairIndex, side: int) -> "FaceCache":
        """Decode every face of an index, in threads; ask ``does_fit`` first."""
        faces = np.empty((index.num_faces, side, side, 3), np.uint8)
        paths = [face.path(workspace) for face in faces_of(index)]
        read = FaceFiles(workspace).read

        def fill(first: int) -> list[Path]:
            some = enumerate(paths[first : first + _RANGE], first)
            return [path for row, path in some if _fill(faces[row], path, read)]

        threads = ThreadPoolExecutor()
        try:
            filled = {path for some in threads.map(fill, range(0, len(paths), _RANGE)) for path in some}
        finally:
            threads.shutdown(cancel_futures=True)  # Ctrl-C does not wait for the other faces
        return cls({path: row for row, path in enumerate(paths) if path in filled}, faces, read)

    def read(self, path: Path) -> NDArray[np.uint8]:
        """One face, (side, side, 3).

        Raises:
            FaceFileError: it could not be read.
        """
        row = self.rows.get(path)
        return read_face(path, self.faces.shape[1], self._read) if row is None else self.faces[row]


def faces_of(index: PairIndex) -> Iterator[FaceRef]:
    """Every face of an index, in its order."""
    for identity, (first, last) in enumerate(pairwise(index.group_start[index.video_start].tolist())):
        tracks = _tracks_of(index, int(index.face_start[first]), int(index.face_start[last]))
        for track in tracks:
            video = index.video_names[int(index.track_video[track])].as_py()
            clip = int(index.track_clip[track])
            for frame in index.frame[index.track_start[track] : index.track_start[track + 1]].tolist():
                yield FaceRef(index.identity_names[identity], video, clip, frame)


def _tracks_of(index: PairIndex, first_face: int, last_face: int) -> range:
    """The tracks whose faces are those, half open."""
    first, last = np.searchsorted(index.track_start, [first_face, last_face])
    return range(int(first), int(last))


def _fill(row: NDArray[np.uint8], path: Path, read: Read) -> bool:
    try:
        row[:] = read_face(path, len(row), read)
    except FaceFileError:
        return False
    return True
