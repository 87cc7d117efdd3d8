"""What the recipes of temporal consistency say, and what they refuse."""

from dataclasses import replace

import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import DrawConfig, OptimiserConfig
from tcae.model.recipes.temporal import OPEN_IN_THE_RELEASE, RECIPES, RELEASED, SMALL, TemporalNetwork


def test_the_released_recipe_is_the_released_codes() -> None:
    """models.md section 4."""
    assert RELEASED.optimiser == OptimiserConfig(name="sgd", lr=0.001, momentum=0.9, weight_decay=0.0)
    assert (RELEASED.batch_size, RELEASED.epochs, RELEASED.seed) == (48, 50, 123)
    assert (RELEASED.margin, RELEASED.draw) == (0.03, DrawConfig(kind="times", num_faces=12, spacing=1))
    assert (RELEASED.network.planes, RELEASED.network.width) == ((64, 128, 256, 512), 256)
    view = RELEASED.view
    assert (view.centre_px, view.smallest_px, view.largest_px, view.drawn) == (224, 213, 213, "face")
    assert (RELEASED.network.size, view.up_px, view.mirrored) == (256, 0, 0.0)
    assert RELEASED.curriculum.stages == ((0.0, 1.0),)


def test_small_learns_the_same_from_the_same_samples() -> None:
    assert (SMALL.margin, SMALL.draw, SMALL.view) == (RELEASED.margin, RELEASED.draw, RELEASED.view)
    assert SMALL.network.widths == RELEASED.network.widths == {"face": 256}
    assert SMALL.made_for == "cpu"


def test_the_released_recipe_is_the_default() -> None:
    assert next(iter(RECIPES.values())) is RELEASED


def test_every_open_value_is_given_with_its_reason() -> None:
    assert OPEN_IN_THE_RELEASE["draw"][0] == RELEASED.draw
    assert OPEN_IN_THE_RELEASE["epochs"][0] == RELEASED.epochs
    assert OPEN_IN_THE_RELEASE["view.smallest_px"][0] == RELEASED.view.smallest_px
    assert all(len(reason) > 20 for _, reason in OPEN_IN_THE_RELEASE.values())


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"temporal: draw\.kind is times, of 3 faces or more, not .*kind='pair'"):
        replace(RELEASED, draw=DrawConfig(kind="pair"))
    with pytest.raises(ConfigError, match=r"of 3 faces or more, not .*num_faces=2"):
        replace(RELEASED, draw=DrawConfig(kind="times", num_faces=2))
    with pytest.raises(ConfigError, match=r"margin must not be negative, not -0\.1"):
        replace(RELEASED, margin=-0.1)
    with pytest.raises(ConfigError, match=r"all widths must be positive, not .*planes=\(0, 1, 1, 1\)"):
        TemporalNetwork(planes=(0, 1, 1, 1))
    with pytest.raises(ConfigError, match=r"the size and all widths must be positive, not .*size=0"):
        TemporalNetwork(size=0)
