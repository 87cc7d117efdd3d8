"""Batches of samples: decoded, with the crops that the device will make."""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, Dataset

from tcae.manifests.errors import ConfigError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.interrupts import signals_held_back
from tcae.manifests.pairs import FaceRef, PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.batch import MOST_ATTEMPTS, Batch, Chunk, Faces, chunk_of, joined
from tcae.model.data.cache import FaceCache, does_fit
from tcae.model.data.faces import FaceFileError, decoded_side, read_face
from tcae.model.data.labels import face_labels
from tcae.model.data.sampler import Sample, Sampler
from tcae.model.data.workers import HELD_BACK, start_worker, worker_context
from tcae.model.recipe import Recipe

_LOG = logging.getLogger(__name__)

CHUNK = 32
"""Faces that a worker decodes at a time, 6 MB at most: containers often give processes only 64 MB to share."""
AHEAD = 2
"""Batches that a thread joins while the device computes."""


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


class _Chunks(Dataset[Chunk]):
    """The chunks of a run, by the number of their first sample and their length."""

    def __init__(self, workspace: Workspace, sampler: Sampler, cache: FaceCache | None) -> None:
        self.workspace, self.sampler, self.cache = workspace, sampler, cache
        self.side = decoded_side(sampler.recipe.network.size)
        self.files = FaceFiles(workspace)

    def __getitem__(self, chunk: tuple[int, int]) -> Chunk:
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
        return chunk_of(samples, faces, broken, (self.sampler.recipe.draw.num_faces, self.side))

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
    whole = (joined(list(islice(loaded, len(pieces))), own, pin) for _ in range(start_step, stop_step))
    return _ahead(whole) if loader.workers else whole


def _loaded(chunks: _Chunks, order: Iterator[tuple[int, int]], loader: LoaderConfig) -> Iterator[Chunk]:
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
            chunk = chunk_of([sample for sample, _ in read], [faces for _, faces in read], broken, shape)
            yield joined([chunk], len(read))


def _read_sample(files: FaceFiles, side: int, sample: Sample) -> list[Faces] | str:
    """All faces, or what is wrong with one."""
    try:
        return [read_face(face.path(files.workspace), side, files.read) for face in sample.faces]
    except FaceFileError as error:
        return str(error)


def _as_it_is(chunk: Any) -> Any:
    return chunk


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
