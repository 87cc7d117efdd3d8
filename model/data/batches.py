"""Batches of pairs: decoded, with the crops that the device will make."""

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
from tcae.manifests.pairs import FaceRef, Pair, PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.cache import FaceCache, does_fit
from tcae.model.data.faces import FaceFileError, decoded_side, read_face
from tcae.model.data.sampler import PairSampler, Sample, centre_crop
from tcae.model.data.workers import HELD_BACK, start_worker, worker_context
from tcae.model.recipe import Recipe

_LOG = logging.getLogger(__name__)

Faces: TypeAlias = NDArray[np.uint8]

CHUNK = 16
"""Pairs that a worker decodes at a time, 6 MB at most: containers often give processes only 64 MB to share."""
AHEAD = 2
"""Batches that a thread joins while the device computes."""
MOST_ATTEMPTS = 64
"""Pairs that are tried for one sample before the run gives up."""
MOST_BROKEN = 0.01
"""Different broken files, of the faces that were asked for."""
FEW = 5
"""Broken files that never stop a run."""


class TooManyBrokenError(TcaeError):
    """More than one face in a hundred cannot be read."""


class Batch(NamedTuple):
    """N pairs as the device takes them."""

    source: Tensor
    """(N, P, P, 3) uint8."""
    target: Tensor
    """The same."""
    crops: Tensor
    """(N, 2, 3) int16: x, y and side of the source's and of the target's crop; see ``views.py``."""
    broken: list[str]
    """What was wrong with the faces that could not be read; others stand in their place."""


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
        self.num_faces += 2 * len(batch.source) + len(batch.broken)
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
    """Pairs as a worker sends them: one tensor, because each is a file and a handshake."""

    faces: Tensor
    """(2, N, P, P, 3) uint8; sources, then targets."""
    crops: NDArray[np.int16]
    """(N, 2, 3)."""
    broken: list[str]


class _Chunks(Dataset[_Chunk]):
    """The chunks of a run, by the number of their first sample and their length."""

    def __init__(self, workspace: Workspace, sampler: PairSampler, cache: FaceCache | None) -> None:
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
                    faces.append([self._read(face) for face in sample.pair])
                except FaceFileError as error:
                    broken.append(str(error))
                else:
                    samples.append(sample)
                    break
        return _chunk(samples, faces, broken, self.side)

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
        ConfigError: there is no pair, or the batch cannot be shared equally.
        TooManyBrokenError: while batches are taken: all that was tried for a sample is broken.
    """
    if recipe.batch_size % world:
        raise ConfigError(f"a batch of {recipe.batch_size} pairs cannot be shared by {world} processes equally")
    own = recipe.batch_size // world
    sampler = PairSampler(index, recipe)
    cache = _cache(workspace, index, recipe, world, tell) if loader.cache == "ram" else None
    pieces = [(offset, min(CHUNK, own - offset)) for offset in range(0, own, CHUNK)]
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


def fixed_batches(workspace: Workspace, pairs: Sequence[Pair], recipe: Recipe, batch_size: int) -> Iterator[Batch]:
    """Yield given pairs in their order, with centre crops, read by threads.

    A pair with an unreadable face is left out and told; so batches may have fewer pairs than ``batch_size``, or none.
    """
    side, crop = decoded_side(recipe.network.size), centre_crop(recipe.view)
    files = FaceFiles(workspace)
    with ThreadPoolExecutor() as threads:
        for first in range(0, len(pairs), batch_size):
            some = pairs[first : first + batch_size]
            tried = list(zip(some, threads.map(partial(_read_pair, files, side), some), strict=True))
            read = [(Sample(pair, crop, crop), faces) for pair, faces in tried if not isinstance(faces, str)]
            broken = [faces for _, faces in tried if isinstance(faces, str)]
            chunk = _chunk([sample for sample, _ in read], [faces for _, faces in read], broken, side)
            yield _joined([chunk], len(read))


def _read_pair(files: FaceFiles, side: int, pair: Pair) -> list[Faces] | str:
    """Source and target, or what is wrong with one."""
    try:
        return [read_face(face.path(files.workspace), side, files.read) for face in pair]
    except FaceFileError as error:
        return str(error)


def _chunk(samples: Sequence[Sample], faces: Sequence[Sequence[Faces]], broken: list[str], side: int) -> _Chunk:
    pixels = np.empty((2, len(samples), side, side, 3), np.uint8)
    for number, (source, target) in enumerate(faces):
        pixels[0, number], pixels[1, number] = source, target
    crops = np.array([(sample.source, sample.target) for sample in samples], np.int16).reshape(-1, 2, 3)
    return _Chunk(torch.from_numpy(pixels), crops, broken)


def _joined(chunks: Sequence[_Chunk], num: int, pin: bool = False) -> Batch:
    """The batch of ``num`` pairs that is made of these chunks.

    Raises:
        TooManyBrokenError: they have fewer.
    """
    broken = [message for chunk in chunks for message in chunk.broken]
    if sum(len(chunk.crops) for chunk in chunks) < num:
        raise TooManyBrokenError(f"{MOST_ATTEMPTS} pairs in a row cannot be read: {_first(dict.fromkeys(broken))}")
    crops = [torch.from_numpy(chunk.crops) for chunk in chunks]
    source, target = ([chunk.faces[which] for chunk in chunks] for which in (0, 1))
    return Batch(_concatenated(source, pin), _concatenated(target, pin), _concatenated(crops, pin), broken)


def _concatenated(parts: Sequence[Tensor], pin: bool) -> Tensor:
    shape = (sum(len(part) for part in parts), *parts[0].shape[1:])
    return torch.cat(list(parts), out=torch.empty(shape, dtype=parts[0].dtype, pin_memory=pin))


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
