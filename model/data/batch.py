"""Samples as the device takes them, and how they are put together of decoded faces."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tcae.manifests.errors import TcaeError
from tcae.model.data.sampler import Sample

Faces: TypeAlias = NDArray[np.uint8]

MOST_ATTEMPTS = 64
"""Draws that are tried for one sample before the run gives up."""
MOST_BROKEN = 0.01
"""Different broken files, of the faces that were asked for."""
FEW = 5
"""Broken files that never stop a run."""


class TooManyBrokenError(TcaeError):
    """More than one face in a hundred cannot be read."""


class Batch(NamedTuple):
    """N samples of K faces as the device takes them."""

    faces: Tensor
    """(K, N, P, P, 3) uint8."""
    crops: Tensor
    """(N, K, 4) int16: x, y and side of each face's crop, and whether it is mirrored; see ``views.py``."""
    labels: Tensor
    """(N, L) float32: 1, 0 or NaN; see ``LabelsConfig``."""
    broken: list[str]
    """What was wrong with the faces that could not be read; others stand in their place."""

    @property
    def num(self) -> int:
        """N, its samples."""
        return len(self.crops)


class BrokenCount:
    """Counts the faces that a run asked for and could not read."""

    def __init__(self) -> None:
        self.num_faces = 0
        self.num_broken = 0
        self.messages: dict[str, None] = {}

    def add(self, batch: Batch) -> list[str]:
        """Count a batch.

        Returns:
            What is wrong with files that no batch before has named.

        Raises:
            TooManyBrokenError: more than 1 % of the faces so far, and more than a handful, could not be read.
        """
        self.num_faces += batch.faces.shape[0] * batch.num + len(batch.broken)
        self.num_broken += len(batch.broken)
        new = [message for message in dict.fromkeys(batch.broken) if message not in self.messages]
        self.messages |= dict.fromkeys(new)
        if self.num_broken > FEW and self.num_broken > MOST_BROKEN * self.num_faces:
            raise TooManyBrokenError(
                f"{self.num_broken:,} of the {self.num_faces:,} faces asked for cannot be read, more than "
                f"{MOST_BROKEN:.0%}: {first_of(self.messages)}. See tcae-prep verify; align makes missing faces anew"
            )
        return new


class Chunk(NamedTuple):
    """Samples as a worker sends them: one tensor, because each is a file and a handshake."""

    faces: Tensor
    """(K, N, P, P, 3) uint8."""
    crops: NDArray[np.int16]
    """(N, K, 4)."""
    labels: NDArray[np.float32]
    """(N, L)."""
    broken: list[str]


def chunk_of(
    samples: Sequence[Sample], faces: Sequence[Sequence[Faces]], broken: list[str], shape: tuple[int, int]
) -> Chunk:
    """Samples of ``shape``: so many faces, of that side."""
    (num_faces, side), num = shape, len(samples)
    pixels = np.empty((num_faces, num, side, side, 3), np.uint8)
    for number, some in enumerate(faces):
        for place, face in enumerate(some):
            pixels[place, number] = face
    crops = np.array([sample.crops for sample in samples], np.int16).reshape(num, num_faces, 4)
    labels = np.array([sample.labels for sample in samples], np.float32).reshape(num, -1 if num else 0)
    return Chunk(torch.from_numpy(pixels), crops, labels, broken)


def joined(chunks: Sequence[Chunk], num: int, pin: bool = False) -> Batch:
    """The batch of ``num`` samples that is made of these chunks.

    Raises:
        TooManyBrokenError: they have fewer.
    """
    broken = [message for chunk in chunks for message in chunk.broken]
    if sum(len(chunk.crops) for chunk in chunks) < num:
        raise TooManyBrokenError(f"{MOST_ATTEMPTS} draws in a row cannot be read: {first_of(dict.fromkeys(broken))}")
    faces = _concatenated([chunk.faces for chunk in chunks], pin, dim=1)
    crops, labels = (_concatenated([torch.from_numpy(chunk[column]) for chunk in chunks], pin) for column in (1, 2))
    return Batch(faces, crops, labels, broken)


def _concatenated(parts: Sequence[Tensor], pin: bool, dim: int = 0) -> Tensor:
    shape = list(parts[0].shape)
    shape[dim] = sum(part.shape[dim] for part in parts)
    return torch.cat(list(parts), dim, out=torch.empty(shape, dtype=parts[0].dtype, pin_memory=pin))


def first_of(messages: Iterable[str]) -> str:
    """The first few of some messages, in a row."""
    return "; ".join(islice(messages, 3))
