"""What FaceCycle's recipes say of the released code, and what they refuse."""

from dataclasses import asdict, replace
from functools import reduce

import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import DrawConfig
from tcae.model.recipes.facecycle import (
    NUM_TRACKS,
    OPEN,
    RECIPES,
    RELEASED,
    SMALL,
    SMALL_TWO,
    STAGE_TWO,
    FaceCycleNetwork,
    FaceCycleRecipe,
)
from tcae.model.training.optimisers import lr_at

PIXEL, PERCEPTUAL, SSIM, SYMMETRY = 1.0, 0.01, 5.0, 1.5
"""The groups of models.md 3.3."""


def counting(recipe: FaceCycleRecipe) -> dict[str, float]:
    return {name: weight for name, weight in asdict(recipe.weights).items() if weight > 0}


def test_stage_ones_weights_are_the_released_codes() -> None:
    """models.md 3.3: groups, times what a term weighs in its group."""
    assert counting(RELEASED) == {
        "pixel_reexpressed": PIXEL,
        "pixel_plain": PIXEL,
        "pixel_moved": PIXEL,
        "pixel_direct": PIXEL * 1.5,
        "perceptual": PERCEPTUAL,
        "ssim_reexpressed": SSIM,
        "ssim_plain": SSIM,
        "ssim_direct": SSIM * 1.5,
        "symmetry_neutral": SYMMETRY,
        "symmetry_straight": SYMMETRY * 0.5,
    }


def test_stage_twos_weights_are_the_released_codes() -> None:
    assert counting(STAGE_TWO) == {
        "pixel_reexpressed": PIXEL,
        "pixel_direct": PIXEL * 0.8,
        "pixel_neutral": PIXEL,
        "perceptual": PERCEPTUAL,
        "ssim_reexpressed": SSIM,
        "ssim_direct": SSIM * 0.8,
        "symmetry_neutral": SYMMETRY,
        "margin": 1.0,
    }
    assert (STAGE_TWO.margin, STAGE_TWO.margin_hinged) == (0.1, False)


def test_samples_are_the_released_codes() -> None:
    assert (RELEASED.draw.kind, STAGE_TWO.draw.kind) == ("mirror", "strangers")
    assert RELEASED.batch_size == STAGE_TWO.batch_size == 16
    assert RELEASED.network.size == 64
    assert RELEASED.view.mirrored == 0.5
    assert (RELEASED.view.smallest_px / 256) ** 2 == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize(
    ("recipe", "betas", "rates"),
    [
        (RELEASED, (0.5, 0.999), [1e-5, *[5e-5] * 19, *[1e-5] * 20]),
        (STAGE_TWO, (0.5, 0.9), [5e-5, *[1e-4] * 9, *[1e-5] * 10]),
    ],
    ids=["one", "two"],
)
def test_the_rate_of_each_epoch_is_the_released_codes(
    recipe: FaceCycleRecipe, betas: tuple[float, float], rates: list[float]
) -> None:
    """models.md 3.3, with an epoch of one item a track."""
    optimiser, steps = recipe.optimiser, recipe.num_steps(1251)
    assert steps == len(rates) * NUM_TRACKS // 16
    assert (optimiser.momentum, optimiser.beta2, optimiser.weight_decay) == (*betas, 0.0)
    middles = [lr_at(optimiser, int((epoch + 0.5) * steps / len(rates)), steps) for epoch in range(len(rates))]
    assert middles == pytest.approx(rates)


def test_embeddings_are_the_codes_and_the_map_that_the_linear_protocol_reads() -> None:
    """models.md 3.2 and 3.4: 2048 at 64 px; 256 for each code."""
    assert RELEASED.network.widths == {"au": 256, "features": 2048}
    assert STAGE_TWO.network.widths == {"au": 256, "identity": 256, "features": 2048}
    assert FaceCycleNetwork(size=112).widths["features"] == 6272  # as of its 100 px, which 16 does not divide


def test_small_learns_what_stage_one_does_from_the_same_samples() -> None:
    for small, whole in ((SMALL, RELEASED), (SMALL_TWO, STAGE_TWO)):
        assert small.weights == whole.weights
        assert (small.draw, small.view, small.batch_size) == (whole.draw, whole.view, whole.batch_size)
        assert small.network.size == 64
    assert replace(SMALL.network, identity=True) == SMALL_TWO.network


def test_recipes_are_found_by_their_names_and_stage_one_comes_first() -> None:
    assert list(RECIPES) == ["stage-one", "stage-two", "small", "small-two"]


@pytest.mark.parametrize("key", OPEN)
def test_what_was_chosen_is_what_the_recipe_holds(key: str) -> None:
    value, reason = OPEN[key]
    assert reduce(getattr, key.split("."), RELEASED) == value
    assert "code" in reason


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"size must be a multiple of 16 and widths positive, not .*size=100"):
        FaceCycleNetwork(size=100)
    with pytest.raises(ConfigError, match="blocks=0"):
        FaceCycleNetwork(blocks=0)
    with pytest.raises(ConfigError, match=r"margin must not be negative, not -1"):
        replace(STAGE_TWO, margin=-1)
    with pytest.raises(ConfigError, match=r"both stages learn from 2 faces a sample, not 1"):
        replace(RELEASED, draw=DrawConfig(kind="one", num_faces=1))
