"""Batches of samples: decoded, with the crops that the device will make."""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tcae.manifests.errors import ConfigError, TcaeError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.interrupts import signals_held_back
from tcae.manifests.pairs import FaceRef, PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.cache import FaceCache, does_fit
from tcae.model.data.faces import FaceFileError, decoded_side, read_face
from tcae.model.data.labels import face_labels
from tcae.model.data.sampler import Sample, Sampler
from tcae.model.data.workers import HELD_BACK, start_worker, worker_context
from tcae.model.recipe import Recipe

_LOG = logging.getLogger(__name__)

Faces: TypeAlias = NDArray[np.uint8]

CHUNK = 32
"""Faces that a worker decodes at a time, 6 MB at most: containers often give processes only 64 MB to share."""
AHEAD = 2
"""Batches that a thread joins while the device computes."""
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


@dataclass(frozen=True, kw_only=True)
class LoaderConfig:
    """How faces are read; batches do not depend on it."""

    workers: int = 2
    """Processes that decode; 0 decodes in this one."""
    cache: Literal["none", "ram"] = "none"
    """ram: keep every face of train decoded in memory, where it fits."""
    prefetch: int = 4
    """Chunks that each worker decodes ahead."""

    def __post_init__(self) -> None:
        if self.workers < 0 or self.prefetch < 1 or self.cache not in ("none", "ram"):
            raise ConfigError(f"loader: workers >= 0, prefetch >= 1 and cache none or ram, not {self}")


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
                f"{MOST_BROKEN:.0%}: {_first(self.messages)}. See tcae-prep verify; align makes missing faces anew"
            )
        return new


class _Chunk(NamedTuple):
    """Samples as a worker sends them: one tensor, because each is a file and a handshake."""

    faces: Tensor
    """(K, N, P, P, 3) uint8."""
    crops: NDArray[np.int16]
    """(N, K, 4)."""
    labels: NDArray[np.float32]
    """(N, L)."""
    broken: list[str]


class _Chunks(Dataset[_Chunk]):
    """The chunks of a run, by the number of their first sample and their length."""

    def __init__(self, workspace: Workspace, sampler: Sampler, cache: FaceCache | None) -> None:
        self.workspace, self.sampler, self.cache = workspace, sampler, cache
        self.side = decoded_side(sampler.recipe.network.size)
        self.files = FaceFiles(workspace)

    def __getitem__(self, chunk: tuple[int, int]) -> _Chunk:
        """A chunk; a shorter one where no attempt at a sample has led to readable faces."""
        first, num = chunk
        samples: list[Sample] = []
        faces: list[list[Faces]] = []
        broken: list[str] = []
        for number in range(first, first + num):
            for attempt in range(MOST_ATTEMPTS):
                sample = self.sampler.sample(number, attempt)
                try:
                    faces.append([self._read(face) for face in sample.faces])
                except FaceFileError as error:
                    broken.append(str(error))
                else:
                    samples.append(sample)
                    break
        return _chunk(samples, faces, broken, (self.sampler.recipe.draw.num_faces, self.side))

    def _read(self, face: FaceRef) -> Faces:
        path = face.path(self.workspace)
        return self.cache.read(path) if self.cache else read_face(path, self.side, self.files.read)


def train_batches(
    workspace: Workspace,
    index: PairIndex,
    recipe: Recipe,
    loader: LoaderConfig,
    *,
    start_step: int,
    stop_step: int,
    rank: int = 0,
    world: int = 1,
    pin: bool = False,
    tell: Callable[[str], None] = _LOG.warning,
) -> Generator[Batch, None, None]:
    """Open the batches of steps ``start_step`` to ``stop_step``, half open; once for a run, and to be closed.

    Step k holds the samples k B to (k + 1) B of the run; process ``rank`` of ``world`` gets its own
    contiguous share of them. Workers start, and the cache is filled, before this returns.

    Args:
        workspace: Where the faces are.
        index: Of train.
        recipe: Batch size, network size, view and seed.
        loader: How.
        start_step: First step.
        stop_step: One after the last.
        rank: Of this process.
        world: Number of processes.
        pin: Put batches where a GPU can fetch them by itself.
        tell: Takes one line on what ``--cache ram`` takes.

    Raises:
        ConfigError: there is no sample or none of its labels, or the batch cannot be shared equally.
        TooManyBrokenError: while batches are taken: all that was tried for a sample is broken.
    """
    if recipe.batch_size % world:
        raise ConfigError(f"a batch of {recipe.batch_size} samples cannot be shared by {world} processes equally")
    own = recipe.batch_size // world
    sampler = Sampler(index, recipe, face_labels(workspace, index, recipe.labels, recipe.seed))
    cache = _cache(workspace, index, recipe, world, tell) if loader.cache == "ram" else None
    num = max(1, CHUNK // recipe.draw.num_faces)
    pieces = [(offset, min(num, own - offset)) for offset in range(0, own, num)]
    starts = (step * recipe.batch_size + rank * own for step in range(start_step, stop_step))
    order = ((start + offset, num) for start in starts for offset, num in pieces)
    loaded = _loaded(_Chunks(workspace, sampler, cache), order, loader)
    joined = (_joined(list(islice(loaded, len(pieces))), own, pin) for _ in range(start_step, stop_step))
    return _ahead(joined) if loader.workers else joined


def _loaded(chunks: _Chunks, order: Iterator[tuple[int, int]], loader: LoaderConfig) -> Iterator[_Chunk]:
    """Chunks in their order; decoded in worker processes unless there are none, or they lie in memory."""
    if chunks.cache or not loader.workers:
        return map(chunks.__getitem__, order)
    with signals_held_back(*HELD_BACK):
        return iter(
            DataLoader(
                chunks,
                batch_size=None,
                sampler=order,
                num_workers=loader.workers,
                prefetch_factor=loader.prefetch,
                multiprocessing_context=worker_context(),
                worker_init_fn=start_worker,
                collate_fn=_as_it_is,
                generator=torch.Generator(),  # else a loader would draw from torch's own, which a checkpoint holds
            )
        )


def _ahead(batches: Iterator[Batch]) -> Generator[Batch, None, None]:
    """The same batches, taken by a thread before they are asked for."""
    thread = ThreadPoolExecutor(1)
    try:
        upcoming = deque(thread.submit(next, batches, None) for _ in range(AHEAD))
        while (batch := upcoming.popleft().result()) is not None:
            upcoming.append(thread.submit(next, batches, None))
            yield batch
    finally:
        thread.shutdown(cancel_futures=True)


def fixed_batches(workspace: Workspace, samples: Sequence[Sample], recipe: Recipe, batch_size: int) -> Iterator[Batch]:
    """Yield given samples in their order, read by threads.

    A sample with an unreadable face is left out and told; so batches may have fewer than ``batch_size``, or none.
    """
    side = decoded_side(recipe.network.size)
    files = FaceFiles(workspace)
    with ThreadPoolExecutor() as threads:
        for first in range(0, len(samples), batch_size):
            some = samples[first : first + batch_size]
            tried = list(zip(some, threads.map(partial(_read_sample, files, side), some), strict=True))
            read = [(sample, faces) for sample, faces in tried if not isinstance(faces, str)]
            broken = [faces for _, faces in tried if isinstance(faces, str)]
            shape = (recipe.draw.num_faces, side)
            chunk = _chunk([sample for sample, _ in read], [faces for _, faces in read], broken, shape)
            yield _joined([chunk], len(read))


def _read_sample(files: FaceFiles, side: int, sample: Sample) -> list[Faces] | str:
    """All faces, or what is wrong with one."""
    try:
        return [read_face(face.path(files.workspace), side, files.read) for face in sample.faces]
    except FaceFileError as error:
        return str(error)


def _chunk(
    samples: Sequence[Sample], faces: Sequence[Sequence[Faces]], broken: list[str], shape: tuple[int, int]
) -> _Chunk:
    """Samples of ``shape``: so many faces, of that side."""
    (num_faces, side), num = shape, len(samples)
    pixels = np.empty((num_faces, num, side, side, 3), np.uint8)
    for number, some in enumerate(faces):
        for place, face in enumerate(some):
            pixels[place, number] = face
    crops = np.array([sample.crops for sample in samples], np.int16).reshape(num, num_faces, 4)
    labels = np.array([sample.labels for sample in samples], np.float32).reshape(num, -1 if num else 0)
    return _Chunk(torch.from_numpy(pixels), crops, labels, broken)


def _joined(chunks: Sequence[_Chunk], num: int, pin: bool = False) -> Batch:
    """The batch of ``num`` samples that is made of these chunks.

    Raises:
        TooManyBrokenError: they have fewer.
    """
    broken = [message for chunk in chunks for message in chunk.broken]
    if sum(len(chunk.crops) for chunk in chunks) < num:
        raise TooManyBrokenError(f"{MOST_ATTEMPTS} draws in a row cannot be read: {_first(dict.fromkeys(broken))}")
    faces = _concatenated([chunk.faces for chunk in chunks], pin, dim=1)
    crops, labels = (_concatenated([torch.from_numpy(chunk[column]) for chunk in chunks], pin) for column in (1, 2))
    return Batch(faces, crops, labels, broken)


def _concatenated(parts: Sequence[Tensor], pin: bool, dim: int = 0) -> Tensor:
    shape = list(parts[0].shape)
    shape[dim] = sum(part.shape[dim] for part in parts)
    return torch.cat(list(parts), dim, out=torch.empty(shape, dtype=parts[0].dtype, pin_memory=pin))


def _as_it_is(chunk: Any) -> Any:
    return chunk


def _first(messages: Iterable[str]) -> str:
    return "; ".join(islice(messages, 3))


def _cache(
    workspace: Workspace, index: PairIndex, recipe: Recipe, world: int, tell: Callable[[str], None]
) -> FaceCache | None:
    """The faces in memory, unless they are too many for it."""
    side = decoded_side(recipe.network.size)
    fits, size = does_fit(index.num_faces, side, world)
    if not fits:
        tell(f"--cache ram: {size}; faces are read from their files instead")
        return None
    tell(f"--cache ram: {size}")
    return FaceCache.filled(workspace, index, side)
