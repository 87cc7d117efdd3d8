"""Recipes that train in a second."""

from dataclasses import replace
from typing import Any

from tcae.model.recipe import CurriculumConfig, Recipe
from tcae.model.recipes.tcae import SMALL, TCAENetwork

TINY_NETWORK = TCAENetwork(size=8, trunk=(4,), branch=(6, 8), decoder=(8, 6))


def tiny_recipe(**changes: Any) -> Recipe:
    """8 px faces and a few hundred weights; validates every second step and changes the stage soon."""
    start = replace(
        SMALL,
        name="tiny",
        network=TINY_NETWORK,
        curriculum=CurriculumConfig(patience=1),
        batch_size=4,
        steps=20,
        least_steps=2,
        val_pairs=6,
    )
    return replace(start, **changes)
