"""What the recipes of noisy-label pre-training say and refuse."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import CurriculumConfig, DrawConfig, LabelsConfig, OptimiserConfig
from tcae.model.recipes.noisy import (
    ENCODER,
    OPEN_IN_THE_PAPER,
    OPENFACE_AUS,
    RECIPES,
    RELEASED,
    SMALL,
    SMALL_VGG13,
    NoisyNetwork,
    NoisyWeights,
)


def test_the_released_recipe_is_the_released_codes() -> None:
    """models.md section 5."""
    assert RELEASED.network == NoisyNetwork(
        size=64,
        backbone="vgg13",
        channels=(64, 128, 256, 256),
        layers=(2, 2, 3, 3),
        hidden=1024,
        drop_block=0.25,
        drop_hidden=0.5,
    )
    assert RELEASED.optimiser == OptimiserConfig(
        name="adamw", lr=0.005, momentum=0.9, weight_decay=0.0, factors=((20 / 300, 0.5), (40 / 300, 0.1))
    )
    assert (RELEASED.batch_size, RELEASED.steps, RELEASED.precision) == (32, 300 * 160_000 // 32, "fp32")
    assert (RELEASED.view.mirrored, RELEASED.labels.noise) == (0.5, 0)
    assert RELEASED.labels.aus == OPENFACE_AUS


def test_openface_says_18_aus() -> None:
    numbers = [int(au[2:]) for au in OPENFACE_AUS]
    assert numbers == [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45]


def test_every_recipe_learns_from_all_of_a_batch_of_single_faces() -> None:
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert recipe.draw == DrawConfig(kind="one", num_faces=1)
        assert recipe.curriculum == CurriculumConfig(stages=((0.0, 1.0),))
    assert list(RECIPES) == ["released", "encoder", "small", "small-vgg13"]


def test_the_rendered_heads_labels_are_wrong_in_one_of_ten() -> None:
    for recipe in (SMALL, SMALL_VGG13):
        assert (recipe.labels.table, recipe.labels.noise, recipe.labels.present_above) == ("synthetic", 0.1, 0.3)
        assert (recipe.made_for, recipe.network.size) == ("cpu", 64)


@pytest.mark.parametrize(
    ("recipe", "width"), [(RELEASED, 1024), (ENCODER, 256), (SMALL, 256), (SMALL_VGG13, 256)], ids=list(RECIPES)
)
def test_the_only_embedding_is_called_face(recipe: object, width: int) -> None:
    assert recipe.network.widths == {"face": width}  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", OPEN_IN_THE_PAPER)
def test_what_could_not_be_taken_over_is_what_the_recipe_holds(key: str) -> None:
    value, reason = OPEN_IN_THE_PAPER[key]
    assert reduce(getattr, key.split("."), RELEASED) == value
    assert reason


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NoisyNetwork(size=60), "4 halvings want a multiple of 16 px, not 60"),
        (lambda: NoisyNetwork(size=64, backbone="encoder"), "4 halvings want exactly 16 px, not 64"),
        (lambda: NoisyNetwork(channels=()), "there must be channels"),
        (lambda: NoisyNetwork(hidden=0), "widths are positive"),
        (lambda: NoisyNetwork(layers=(2, 2)), r"each of 4 blocks has layers, not \(2, 2\)"),
        (lambda: NoisyNetwork(drop_block=1.0), r"are in \[0, 1\)"),
        (lambda: NoisyWeights(presence=0), "one must be positive"),
        (lambda: replace(SMALL, labels=LabelsConfig(aus=("AU01",))), "neither may be empty"),
        (lambda: replace(SMALL, labels=LabelsConfig(table="synthetic")), "an output for each of the AUs"),
    ],
)
def test_nonsense_is_refused_with_what_would_be_right(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
