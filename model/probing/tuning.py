"""Fine-tuning: a copy of an encoder with a new layer, both trained on the labelled faces of a fold."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tcae.manifests.errors import ConfigError
from tcae.manifests.face_files import Read
from tcae.model.data.faces import FaceFileError, decoded_side
from tcae.model.data.sampler import Crop, centre_crop, jittered
from tcae.model.data.views import view
from tcae.model.encoders.reading import read_ahead
from tcae.model.losses import presence
from tcae.model.method import FaceNetwork
from tcae.model.networks.encoder import at_least_float32
from tcae.model.probing.linear import Floats, Labels
from tcae.model.recipe import ViewConfig

SCORED_BATCH = 128
"""Faces that are scored at a time."""


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """How a fold is trained; the new layer, the loss and that all weights learn are FG 2020's."""

    steps: int = 1000
    batch_size: int = 32
    lr: float = 1e-4
    """Of Adam; an older version of the released code has it, the last one 0.005 for both trainings."""
    weight_decay: float = 0.0
    drop: float = 0.5
    """Part of the embedding that is left out in training (released code)."""
    mirrored: float = 0.5
    """Probability that a face is mirrored (released code)."""
    threads: int = 2
    """That decode faces."""
    seed: int = 0
    """Of the new layer, the order of faces and their crops."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch_size, self.threads) < 1 or self.lr <= 0 or min(self.weight_decay, self.seed) < 0:
            raise ConfigError(
                f"steps, batch_size and threads are at least 1, lr is positive, the others not negative: {self}"
            )
        if not (0 <= self.drop < 1 and 0 <= self.mirrored <= 1):
            raise ConfigError(f"drop is in [0, 1) and mirrored in [0, 1]: {self}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """The encoder that every fold begins with."""

    encoder: FaceNetwork
    """Not changed."""
    embedding: str
    """The one that the new layer sees."""
    width: int
    size: int
    view: ViewConfig
    """Of faces in training; when they are scored, their centres are seen."""
    device: torch.device


class Tuned(nn.Module):
    """An encoder, dropout, and a logit for each AU."""

    def __init__(self, start: Start, num_aus: int, drop: float) -> None:
        super().__init__()
        self.encoder, self.embedding = deepcopy(start.encoder).requires_grad_(True), start.embedding
        self.drop, self.classifier = nn.Dropout(drop), nn.Linear(start.width, num_aus)

    def forward(self, faces: Tensor) -> Tensor:
        """Log odds (N, A) of faces (N, 3, size, size) in 0-1."""
        return at_least_float32(self.classifier(self.drop(self.encoder.embed(faces)[self.embedding])))


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """The faces of a trial as files, decoded when they are asked for."""

    paths: Sequence[Path]
    read: Read

    def batches(
        self, rows: Sequence[NDArray[np.int64]], side: int, threads: int
    ) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """The faces of each of some lists of rows, (N, side, side, 3) uint8, without those that cannot be read."""
        wanted = ((some, [self.paths[row] for row in some]) for some in rows)
        size = max(map(len, rows), default=1)
        for some, faces in read_ahead(wanted, side, batch_size=size, threads=threads, read=self.read):
            found = [place for place, face in enumerate(faces) if not isinstance(face, FaceFileError)]
            if found:
                yield some[found], torch.from_numpy(np.stack([np.asarray(faces[place]) for place in found]))


def tuned(
    start: Start, pictures: Pictures, labels: Labels, fitted: NDArray[np.bool_], config: TuneConfig, fold: int = 0
) -> Tuned:
    """Train all weights on the fitted faces; the caller's own generators are left as they were.

    Args:
        start: Where it begins.
        pictures: Of N faces.
        labels: (N, A) 1 present, 0 absent, -1 missing, which counts nowhere.
        fitted: (N,) whom it learns from.
        config: How.
        fold: Its number, so that each fold draws its own.

    Raises:
        ConfigError: no fitted face has a label.
    """
    rows = np.flatnonzero(fitted & (labels >= 0).any(1))
    if not len(rows):
        raise ConfigError("no face of the fold has a label to learn from")
    rng = np.random.default_rng((config.seed, fold))
    wanted = torch.from_numpy(np.where(labels < 0, np.nan, labels).astype(np.float32))
    with torch.random.fork_rng(devices=[start.device] if start.device.type == "cuda" else []):
        torch.manual_seed(config.seed * 1000 + fold)
        model = Tuned(start, labels.shape[1], config.drop).to(start.device).train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        batches = pictures.batches(_order(rows, config, rng), decoded_side(start.size), config.threads)
        for some, faces in batches:
            crops = _crops(start.view, config.mirrored, len(some), rng)
            losses = presence(model(_seen(start, faces, crops)), wanted[some].to(start.device))
            optimiser.zero_grad(set_to_none=True)
            losses.mean().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return model


def logits_of(
    model: Tuned, start: Start, pictures: Pictures, scored: NDArray[np.bool_], threads: int
) -> tuple[NDArray[np.bool_], Floats]:
    """Score faces by their centres.

    Returns:
        Which of the scored faces could be read, a mask (N,) with M of them, and their log odds (M, A).
    """
    rows = np.flatnonzero(scored)
    lists = np.split(rows, range(SCORED_BATCH, len(rows), SCORED_BATCH))
    found, logits = np.zeros(len(scored), np.bool_), np.zeros((len(scored), model.classifier.out_features), np.float32)
    centre = centre_crop(start.view)
    model.eval()
    with torch.inference_mode():
        for some, faces in pictures.batches(lists, decoded_side(start.size), threads):
            found[some] = True
            logits[some] = model(_seen(start, faces, [centre] * len(some))).cpu().numpy()
    return found, logits[found]


def _order(rows: NDArray[np.int64], config: TuneConfig, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """The rows of each step: epoch after epoch, each in an order of its own."""
    total = config.steps * config.batch_size
    epochs = [rng.permutation(rows) for _ in range(-(-total // len(rows)))]
    return list(np.concatenate(epochs)[:total].reshape(config.steps, config.batch_size))


def _crops(config: ViewConfig, mirrored: float, num: int, rng: np.random.Generator) -> list[Crop]:
    sides = rng.integers(config.smallest_px, config.largest_px, size=num, endpoint=True)
    flips = rng.random(num) < mirrored
    return [
        jittered(config, int(side), rng)._replace(mirrored=bool(flip)) for side, flip in zip(sides, flips, strict=True)
    ]


def _seen(start: Start, faces: Tensor, crops: Sequence[Crop]) -> Tensor:
    return view(faces.to(start.device), torch.tensor(crops, device=start.device), start.size)
