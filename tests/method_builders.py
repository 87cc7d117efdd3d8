"""Small networks, faces and made-up cycles for the tests of the method."""

from dataclasses import replace
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from tcae.model.method import Views
from tcae.model.methods.tcae import TCAE, Changed, TwinCycle
from tcae.model.networks.encoder import Embeddings
from tcae.model.recipes.tcae import RELEASED, TCAENetwork, TCAERecipe

Passes: TypeAlias = Literal["separate", "shared"]

TINY = TCAENetwork(size=8, trunk=(4,), branch=(6, 8), decoder=(8, 6))


def draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def recipe_of(network: TCAENetwork = TINY, **changes: Any) -> TCAERecipe:
    """The released recipe of another network."""
    return replace(RELEASED, network=network, **changes)


def views(*faces: Tensor) -> Views:
    """Samples as a method takes them, without labels."""
    return Views(faces, torch.zeros(len(faces[0]), 0))


def network(config: TCAENetwork = TINY, seed: int = 0, **changes: Any) -> TCAE:
    """A network in float64 with weights of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TCAE(recipe_of(config, **changes)).double()


def pictures(num: int = 4, side: int = 8, seed: int = 0) -> Tensor:
    """Noise (N, 3, side, side) in 0-1, float64."""
    return torch.rand(num, 3, side, side, generator=draws(seed), dtype=torch.float64)


def made_up_cycle(num: int = 3, side: int = 5, width: int = 7, seed: int = 0) -> TwinCycle:
    """A cycle that no network made: noise of the right shapes; displacements leave the picture here and there."""
    generator = draws(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(num, *shape, generator=generator, dtype=torch.float64)

    def embeddings() -> Embeddings:
        return Embeddings(noise(width), noise(width))

    changed = Changed(
        pose_image=noise(3, side, side),
        au_image=noise(3, side, side),
        output=noise(3, side, side),
        pose_displacement=noise(2, side, side),
        au_displacement=noise(2, side, side),
        displacement=noise(2, side, side),
        au_mask=noise(1, side, side).sigmoid(),
    )
    return TwinCycle(
        source=embeddings(),
        target=embeddings(),
        changed=changed,
        pose_image=embeddings(),
        au_image=embeddings(),
        output=embeddings(),
        pose_back=noise(3, side, side),
        au_back=noise(3, side, side),
    )
