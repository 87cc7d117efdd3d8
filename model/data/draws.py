"""Which faces of an identity make one sample."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import FaceRef, Over, PairIndex
from tcae.model.recipe import DrawConfig

Drawn: TypeAlias = tuple[FaceRef, bool]
"""A face, and whether it is mirrored."""

_Draw: TypeAlias = Callable[[PairIndex, int, np.random.Generator, DrawConfig, Over], list[FaceRef]]


def drawn(index: PairIndex, identity: int, rng: np.random.Generator, config: DrawConfig, over: Over) -> list[Drawn]:
    """Draw the faces of one sample.

    Args:
        index: Of a split.
        identity: Whose turn it is, 0 to ``num_identities`` - 1.
        rng: The caller's; the same state draws the same faces.
        config: What a sample is.
        over: How a pair is drawn; see ``PairIndex.draw``.

    Returns:
        ``config.num_faces`` of them, in the order that ``DrawConfig`` says.

    Raises:
        ConfigError: no track has enough faces.
    """
    faces = _DRAWS[config.kind](index, identity, rng, config, over)
    if config.kind == "mirror" and rng.random() < 0.5:
        return [(faces[0], False), (faces[0], True)]
    return [(face, False) for face in faces]


def _one(index: PairIndex, identity: int, rng: np.random.Generator, config: DrawConfig, over: Over) -> list[FaceRef]:
    return [index.draw(identity, rng, over).source]


def _pair(index: PairIndex, identity: int, rng: np.random.Generator, config: DrawConfig, over: Over) -> list[FaceRef]:
    return list(index.draw(identity, rng, over))


def _track(index: PairIndex, identity: int, rng: np.random.Generator, config: DrawConfig, over: Over) -> list[FaceRef]:
    """Different faces of a track, some of them again where it has fewer."""
    group, num = index.draw_group(identity, rng)
    order = np.resize(rng.permutation(num), config.num_faces)
    return [index.face(identity, group, int(place)) for place in order]


def _strangers(
    index: PairIndex, identity: int, rng: np.random.Generator, config: DrawConfig, over: Over
) -> list[FaceRef]:
    step = 1 + int(rng.integers(max(1, index.num_identities - 1)))
    other = (identity + step) % index.num_identities
    return [index.draw(whose, rng, over).source for whose in (identity, other)]


def _times(index: PairIndex, identity: int, rng: np.random.Generator, config: DrawConfig, over: Over) -> list[FaceRef]:
    """An anchor, the face after it, and faces every ``spacing`` from there on (BMVC 2020, released code).

    Where no track of the identity is long enough, the next identity's turn is taken.
    """
    if index.within != "track":
        raise ConfigError("samples in time lie within a track; run tcae-prep split --within track")
    after = [0, 1, *(1 + number * config.spacing for number in range(1, config.num_faces - 1))]
    for step in range(index.num_identities):
        whose = (identity + step) % index.num_identities
        groups = index.groups_of(whose, least_faces=after[-1] + 1)
        if len(groups):
            group = int(rng.choice(groups))
            anchor = int(rng.integers(index.num_faces_of(group) - after[-1]))
            return [index.face(whose, group, anchor + place) for place in after]
    raise ConfigError(
        f"no track has the {after[-1] + 1} faces that a sample needs; extract at a higher --fps, or lower draw.spacing"
    )


_DRAWS: dict[str, _Draw] = {
    "one": _one,
    "pair": _pair,
    "mirror": _pair,
    "track": _track,
    "strangers": _strangers,
    "times": _times,
}
