"""Recipes that train in a second."""

from dataclasses import replace
from typing import Any

from tcae.model.recipe import CurriculumConfig, DrawConfig, LabelsConfig, Recipe
from tcae.model.recipes import deformae, fabnet, facecycle, noisy, splitbrain, temporal
from tcae.model.recipes.tcae import SMALL, TCAENetwork, TCAERecipe

TINY_NETWORK = TCAENetwork(size=8, trunk=(4,), branch=(6, 8), decoder=(8, 6))


def tiny_recipe(**changes: Any) -> TCAERecipe:
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


TINY: dict[str, Recipe] = {
    "tcae": tiny_recipe(),
    "deformae": replace(
        deformae.SMALL,
        name="tiny",
        network=deformae.DeformAENetwork(
            size=8, layers=(4,), latent=6, texture_code=3, deformation_code=6, decoder=(6, 4)
        ),
        batch_size=4,
        steps=20,
        least_steps=2,
        val_pairs=6,
    ),
    "fabnet": replace(
        fabnet.SMALL,
        name="tiny",
        network=fabnet.FabNetNetwork(size=8, layers=(4, 6, 8), decoder=(8, 6)),
        batch_size=4,
        steps=20,
        least_steps=2,
        val_pairs=6,
    ),
    "facecycle": replace(
        facecycle.SMALL,
        name="tiny",
        network=facecycle.FaceCycleNetwork(
            size=16,
            channels=(2, 3, 4),
            hidden=5,
            code=6,
            movement=(3, 3, 2),
            vgg=(2, 2, 3, 3),
            blocks=1,
            identity_blocks=1,
        ),
        batch_size=4,
        steps=20,
        least_steps=2,
        val_pairs=6,
    ),
    "noisy": replace(
        noisy.SMALL,
        name="tiny",
        network=noisy.NoisyNetwork(size=8, channels=(4, 6), layers=(1, 2), hidden=8),
        labels=LabelsConfig(table="synthetic", aus=("AU01", "AU12"), noise=0.1, present_above=0.5),
        batch_size=4,
        steps=20,
        least_steps=2,
        val_pairs=6,
    ),
    "splitbrain": replace(
        splitbrain.SMALL,
        name="tiny",
        network=splitbrain.SplitBrainNetwork(
            size=16, first=(3, 1), seen=(4, 4, 4), behind=(4, 4), hidden=8, grid=2, predicts="bins"
        ),
        batch_size=4,
        steps=20,
        least_steps=2,
        val_pairs=6,
    ),
    "temporal": replace(
        temporal.SMALL,
        name="tiny",
        network=temporal.TemporalNetwork(size=16, planes=(2, 3, 4, 6), width=5),
        draw=DrawConfig(kind="times", num_faces=4),
        batch_size=4,
        steps=20,
        least_steps=2,
        val_pairs=6,
    ),
}
"""A recipe of a few hundred to a few thousand weights for each method."""
