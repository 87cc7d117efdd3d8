"""Face files to pixels, at no more cost than the network needs."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ItemError, ManifestError
from tcae.manifests.face_files import Read
from tcae.manifests.picture_headers import LARGEST_PX, picture_size
from tcae.model.recipe import FACE_PX

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""JPEG's own way to decode at a fraction of the size, which costs a fraction of the time."""
_JPEG = b"\xff\xd8"
"""How such a file begins; of others OpenCV would decode all, and then leave out pixels."""


class FaceFileError(ItemError):
    """A face's file is missing, unreadable, no picture, or not square."""

    reason = "face_file"


def decoded_side(size: int) -> int:
    """The side at which faces are decoded for a network that sees ``size``: twice it, but at most 256."""
    return min(FACE_PX, 2 * size)


def read_face(path: Path, side: int, read: Read = Path.read_bytes) -> NDArray[np.uint8]:
    """Read one face as (side, side, 3) RGB.

    Args:
        path: A JPEG or PNG of any square size; of a 256 px JPEG only as many pixels are decoded as ``side`` needs.
        side: In pixels.
        read: Gives the file's bytes; ``FaceFiles.read`` where it may be packed.

    Raises:
        FaceFileError: there is no such picture; the message names the path.
    """
    try:
        content = read(path)
    except OSError as error:
        raise FaceFileError(f"{path} cannot be read: {error.strerror}") from error
    except ManifestError as error:
        raise FaceFileError(f"{path} cannot be read: {error}") from error
    _check_size(path, content)
    data = np.frombuffer(content, np.uint8)
    reduced = _REDUCED.get(FACE_PX // side, cv2.IMREAD_COLOR) if data[:2].tobytes() == _JPEG else cv2.IMREAD_COLOR
    face = _decoded(data, reduced)
    if len(face) < side or face.shape[0] != face.shape[1]:  # the file is smaller than 256 px, or will be complained of
        face = _decoded(data, cv2.IMREAD_COLOR)
    if not face.size:
        raise FaceFileError(f"{path} is not a picture that OpenCV can decode ({len(data)} bytes)")
    if face.shape[0] != face.shape[1]:
        raise FaceFileError(f"{path} is {face.shape[1]}x{face.shape[0]} px; a face is square")
    if len(face) != side:
        face = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA if len(face) > side else cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(face, cv2.COLOR_BGR2RGB), np.uint8)


def _check_size(path: Path, data: bytes) -> None:
    """Refuse what is no picture, or a large one, before memory is taken for it."""
    size = picture_size(data)
    if size is None:
        raise FaceFileError(f"{path} is not a picture that OpenCV can decode ({len(data)} bytes)")
    if size[0] * size[1] > LARGEST_PX:
        raise FaceFileError(f"{path} has {size[0]}x{size[1]} pixels; {LARGEST_PX:,} are the most")


def _decoded(data: NDArray[np.uint8], flags: int) -> NDArray[Any]:
    """(H, W, 3) BGR; empty where the bytes are no picture, or one that OpenCV refuses for its size."""
    try:
        face = cv2.imdecode(data, flags) if len(data) else None
    except cv2.error:
        face = None
    return np.empty((0, 0, 3), np.uint8) if face is None else face
