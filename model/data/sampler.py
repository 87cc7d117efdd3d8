"""Which pair comes when, and which part of it is seen: a pure function of the recipe and a number."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import Pair, PairIndex
from tcae.model.recipes import FACE_PX, Recipe, ViewConfig

_ORDER, _SIDE, _SAMPLE = range(3)
"""What a seed is for, so that no two draws share their numbers."""


class Crop(NamedTuple):
    """A square part of a face, in pixels of a face of side 256."""

    x: int
    y: int
    side: int


@dataclass(frozen=True)
class Sample:
    """One pair and the parts of it that the network sees."""

    pair: Pair
    source: Crop
    target: Crop


class PairSampler:
    """The endless list of a run's samples: epoch by epoch, each identity once in an order of its own.

    Any worker of any process in any order draws the same, because each draw is seeded by the recipe's seed, the epoch
    and the place in it.
    """

    def __init__(self, index: PairIndex, recipe: Recipe) -> None:
        """Sample from an index.

        Raises:
            ConfigError: it has no pair.
        """
        if not index.num_identities:
            raise ConfigError("train has no identity with a pair; see tcae-prep status, or add videos")
        self.index, self.recipe = index, recipe
        self.num_identities = index.num_identities
        self._order = lru_cache(maxsize=2)(self._draw_order)

    def epoch_of(self, number: int) -> int:
        """The epoch of a sample, from 0."""
        return number // self.num_identities

    def sample(self, number: int, attempt: int = 0) -> Sample:
        """Draw a sample.

        Args:
            number: From 0, over the whole run.
            attempt: Raised where the files of the attempt before cannot be read; draws another pair of the identity,
                and from the eighth on of the identities that follow it.
        """
        epoch, place = divmod(number, self.num_identities)
        rng = self._rng(_SAMPLE, epoch, place, attempt)
        identity = int(self._order(epoch)[(place + attempt // 8) % self.num_identities])
        pair = self.index.draw(identity, rng, self.recipe.over)
        side = self._side(epoch)
        source = _jittered(self.recipe.view, side, rng)
        target = source if self.recipe.view.drawn == "pair" else _jittered(self.recipe.view, side, rng)
        return Sample(pair, source, target)

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        return self._rng(_ORDER, epoch).permutation(self.num_identities)

    def _side(self, epoch: int) -> int:
        """The side of an epoch's crops (released code: once per epoch)."""
        view = self.recipe.view
        return int(self._rng(_SIDE, epoch).integers(view.smallest_px, view.largest_px, endpoint=True))

    def _rng(self, *what: int) -> np.random.Generator:
        return np.random.default_rng((self.recipe.seed, *what))


def _jittered(view: ViewConfig, side: int, rng: np.random.Generator) -> Crop:
    """A crop of that side anywhere in the centre."""
    start = centre_crop(view)
    x, y = rng.integers(view.centre_px - side, size=2, endpoint=True)
    return Crop(start.x + int(x), start.y + int(y), side)


def centre_crop(view: ViewConfig) -> Crop:
    """What is seen where nothing is jittered."""
    edge = (FACE_PX - view.centre_px) // 2
    return Crop(edge, edge, view.centre_px)
