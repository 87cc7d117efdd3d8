"""Which faces come when, and which part of each is seen: a pure function of the recipe and a number."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import FaceRef, PairIndex
from tcae.model.data.draws import Drawn, drawn
from tcae.model.recipe import FACE_PX, Recipe, ViewConfig

if TYPE_CHECKING:
    from tcae.model.data.labels import FaceLabels

_ORDER, _SIDE, _SAMPLE = range(3)
"""What a seed is for; NumPy takes (0, 1) and (0, 1, 0) for the same seed, so these stand before what may be 0."""

SAME = 8
"""Attempts of one sample that stay with its identity."""


class Crop(NamedTuple):
    """A square part of a face, in pixels of a face of side 256."""

    x: int
    y: int
    side: int
    mirrored: bool = False
    """Whether it is seen in a mirror, left to right."""


@dataclass(frozen=True)
class Sample:
    """Faces that are learned from together, and the part of each that the network sees."""

    faces: tuple[FaceRef, ...]
    crops: tuple[Crop, ...]
    labels: tuple[float, ...] = ()
    """Of the first face: 1, 0, or NaN where nobody knows; empty where the method learns without."""


class Sampler:
    """The endless list of a run's samples: epoch by epoch, each identity once in an order of its own.

    Any worker of any process in any order draws the same, because each draw is seeded by the recipe's seed, the epoch
    and the place in it.
    """

    def __init__(self, index: PairIndex, recipe: Recipe, labels: "FaceLabels | None" = None) -> None:
        """Sample from an index.

        Args:
            index: Of a split.
            recipe: What a sample is.
            labels: With them only labelled faces are drawn, and identities that have some.

        Raises:
            ConfigError: it has no pair, or the recipe wants labels with more than one face.
        """
        if not index.num_identities:
            raise ConfigError("train has no identity with a pair; see tcae-prep status, or add videos")
        if labels and recipe.draw.kind != "one":
            raise ConfigError(f"labels are those of one face: draw.kind must be one, not {recipe.draw.kind}")
        self.index, self.recipe, self.labels = index, recipe, labels
        self.num_identities = len(labels.by_identity) if labels else index.num_identities

    def epoch_of(self, number: int) -> int:
        """The epoch of a sample, from 0."""
        return number // self.num_identities

    def sample(self, number: int, attempt: int = 0) -> Sample:
        """Draw a sample.

        Args:
            number: From 0, over the whole run.
            attempt: Raised where the files of the attempt before cannot be read; draws other faces of the identity,
                then of the identities that follow it.
        """
        epoch, place = divmod(number, self.num_identities)
        view = self.recipe.view
        order, side = _epoch(self.recipe.seed, epoch, self.num_identities, view)
        rng = _rng(self.recipe.seed, _SAMPLE, epoch, place, attempt)
        identity = int(order[(place + attempt // SAME) % self.num_identities])
        faces = self._drawn(identity, rng)
        first = jittered(view, side, rng)
        others = (first if view.drawn == "pair" else jittered(view, side, rng) for _ in faces[1:])
        crops = [first, *others]
        mirrored = view.mirrored > 0 and bool(rng.random() < view.mirrored)
        return Sample(
            tuple(face for face, _ in faces),
            tuple(crop._replace(mirrored=own != mirrored) for crop, (_, own) in zip(crops, faces, strict=True)),
            self.labels.of(faces[0][0]) if self.labels else (),
        )

    def _drawn(self, identity: int, rng: np.random.Generator) -> list[Drawn]:
        if self.labels:
            return [(self.labels.draw(identity, rng), False)]
        return drawn(self.index, identity, rng, self.recipe.draw, self.recipe.over)


def fixed_samples(index: PairIndex, recipe: Recipe, num: int, labels: "FaceLabels | None" = None) -> list[Sample]:
    """The samples of val: at most ``num``, the same at every validation and for every seed, their centres seen.

    Evenly picked from the fixed pairs where a sample is a pair; else as drawn by the seed 0.
    """
    if recipe.draw.kind == "pair":
        pairs = index.fixed_pairs()
        num = min(num, len(pairs))
        return [centred(pairs[number * len(pairs) // num], recipe.view) for number in range(num)]
    sampler = Sampler(index, replace(recipe, seed=0), labels)
    return [
        centred(sample.faces, recipe.view, [crop.mirrored for crop in sample.crops], sample.labels)
        for sample in map(sampler.sample, range(min(num, index.num_pairs)))
    ]


def centred(
    faces: Sequence[FaceRef], view: ViewConfig, mirrored: Sequence[bool] = (), labels: tuple[float, ...] = ()
) -> Sample:
    """Faces of which the centres are seen, mirrored as asked for."""
    crop = centre_crop(view)
    own = mirrored or [False] * len(faces)
    return Sample(tuple(faces), tuple(crop._replace(mirrored=each) for each in own), labels)


@lru_cache(maxsize=4)
def _epoch(seed: int, epoch: int, num_identities: int, view: ViewConfig) -> tuple[NDArray[np.int64], int]:
    """The identities in the order of their turns, and the side of all crops (released code: one per epoch)."""
    side = _rng(seed, _SIDE, epoch).integers(view.smallest_px, view.largest_px, endpoint=True)
    return _rng(seed, _ORDER, epoch).permutation(num_identities), int(side)


def _rng(*what: int) -> np.random.Generator:
    return np.random.default_rng(what)


def jittered(view: ViewConfig, side: int, rng: np.random.Generator) -> Crop:
    """A crop of that side anywhere in the centre."""
    start = centre_crop(view)
    x, y = rng.integers(view.centre_px - side, size=2, endpoint=True)
    return Crop(start.x + int(x), start.y + int(y), side)


def centre_crop(view: ViewConfig) -> Crop:
    """What is seen where nothing is jittered."""
    edge = (FACE_PX - view.centre_px) // 2
    return Crop(edge, edge - view.up_px, view.centre_px)
