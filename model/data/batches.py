"""Batches of pairs: decoded, with the crops that the device will make."""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tcae.manifests.errors import ConfigError, TcaeError
from tcae.manifests.pairs import FaceRef, Pair, PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.cache import FaceCache
from tcae.model.data.faces import FaceFileError, decoded_side, read_face
from tcae.model.data.sampler import Crop, PairSampler, Sample, centre_crop
from tcae.model.recipes import Recipe

Faces: TypeAlias = NDArray[np.uint8]

CHUNK = 64
"""Pairs that a worker decodes at a time; a larger batch is several chunks."""
MOST_ATTEMPTS = 1000
"""Pairs that are tried for one sample before the run gives up."""
MOST_BROKEN = 0.01
"""Of the faces that were asked for."""
FEW = 5
"""Broken faces that never stop a run."""


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
    """Counts the faces of a run that could not be read."""

    def __init__(self) -> None:
        self.num_faces = 0
        self.messages: list[str] = []

    def add(self, batch: Batch) -> None:
        """Count a batch.

        Raises:
            TooManyBrokenError: more than 1 % of the faces so far, and more than a handful, are broken.
        """
        self.num_faces += 2 * len(batch.source) + len(batch.broken)
        self.messages += batch.broken
        num = len(self.messages)
        if num > FEW and num > MOST_BROKEN * self.num_faces:
            first = "; ".join(list(dict.fromkeys(self.messages))[:3])
            raise TooManyBrokenError(
                f"{num} of {self.num_faces:,} faces cannot be read, more than {MOST_BROKEN:.0%}: {first}. "
                "See tcae-prep verify; align makes missing faces anew"
            )


class _Chunks(Dataset[Batch]):
    """The chunks of a run, by the number of their first sample and their length."""

    def __init__(self, workspace: Workspace, sampler: PairSampler, cache: FaceCache | None) -> None:
        self.workspace, self.sampler, self.cache = workspace, sampler, cache
        self.side = decoded_side(sampler.recipe.network.size)

    def __getitem__(self, chunk: tuple[int, int]) -> Batch:
        first, num = chunk
        broken: list[str] = []
        made = [self._sample(number, broken) for number in range(first, first + num)]
        return _batch([sample for sample, *_ in made], [faces for _, *faces in made], broken)

    def _sample(self, number: int, broken: list[str]) -> tuple[Sample, Faces, Faces]:
        """A sample with both its faces: the first attempt whose files can be read."""
        for attempt in range(MOST_ATTEMPTS):
            sample = self.sampler.sample(number, attempt)
            try:
                return sample, self._read(sample.pair.source), self._read(sample.pair.target)
            except FaceFileError as error:
                broken.append(str(error))
        raise TooManyBrokenError(f"{MOST_ATTEMPTS:,} pairs in a row cannot be read; the last: {broken[-1]}")

    def _read(self, face: FaceRef) -> Faces:
        path = face.path(self.workspace)
        return self.cache.read(path) if self.cache else read_face(path, self.side)


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
) -> Iterator[Batch]:
    """Yield the batches of steps ``start_step`` to ``stop_step``, half open.

    Step k holds the samples k B to (k + 1) B of the run; process ``rank`` of ``world`` gets its own
    contiguous share of them.

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

    Raises:
        ConfigError: there is no pair, or the batch cannot be shared equally.
    """
    if recipe.batch_size % world:
        raise ConfigError(f"a batch of {recipe.batch_size} pairs cannot be shared by {world} processes equally")
    own = recipe.batch_size // world
    starts = [step * recipe.batch_size + rank * own for step in range(start_step, stop_step)]
    pieces = [(offset, min(CHUNK, own - offset)) for offset in range(0, own, CHUNK)]
    chunks = _Chunks(workspace, PairSampler(index, recipe), _cache(workspace, index, recipe, loader))
    order = [(start + offset, num) for start in starts for offset, num in pieces]
    workers = 0 if chunks.cache else loader.workers
    loaded = iter(
        DataLoader(
            chunks,
            batch_size=None,
            sampler=order,
            num_workers=workers,
            prefetch_factor=loader.prefetch if workers else None,
            multiprocessing_context="spawn" if workers else None,  # a fork of a process that uses CUDA breaks
            worker_init_fn=_start_worker,
            collate_fn=None,
            generator=torch.Generator(),  # else every loader would draw from torch's own, which a checkpoint holds
            pin_memory=pin,
        )
    )
    for _ in starts:
        yield _joined(list(islice(loaded, len(pieces))))


def fixed_batches(workspace: Workspace, pairs: Sequence[Pair], recipe: Recipe, batch_size: int) -> Iterator[Batch]:
    """Yield given pairs in their order, with centre crops; a pair with an unreadable face is left out and told."""
    side, crop = decoded_side(recipe.network.size), centre_crop(recipe.view)
    for first in range(0, len(pairs), batch_size):
        samples, faces, broken = [], [], []
        for pair in pairs[first : first + batch_size]:
            try:
                faces.append([read_face(face.path(workspace), side) for face in pair])
            except FaceFileError as error:
                broken.append(str(error))
            else:
                samples.append(Sample(pair, crop, crop))
        if samples or broken:
            yield _batch(samples, faces, broken, side)


def _batch(samples: Sequence[Sample], faces: Sequence[Sequence[Faces]], broken: list[str], side: int = 0) -> Batch:
    if not samples:
        none = torch.zeros((0, side, side, 3), dtype=torch.uint8)
        return Batch(none, none, torch.zeros((0, 2, 3), dtype=torch.int16), broken)
    source, target = (torch.from_numpy(np.stack(some)) for some in zip(*faces, strict=True))
    crops = [_numbers(sample.source, sample.target) for sample in samples]
    return Batch(source, target, torch.tensor(crops, dtype=torch.int16), broken)


def _numbers(*crops: Crop) -> list[list[int]]:
    return [list(crop) for crop in crops]


def _joined(chunks: list[Batch]) -> Batch:
    if len(chunks) == 1:
        return Batch(*chunks[0])
    source, target, crops = (torch.cat(parts) for parts in zip(*(chunk[:3] for chunk in chunks), strict=True))
    return Batch(source, target, crops, [message for chunk in chunks for message in chunk.broken])


def _cache(workspace: Workspace, index: PairIndex, recipe: Recipe, loader: LoaderConfig) -> FaceCache | None:
    if loader.cache == "none":
        return None
    return FaceCache.filled(workspace, index, decoded_side(recipe.network.size))


def _start_worker(worker: int) -> None:
    """Ctrl-C is the trainer's business; one thread, because each core has a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
