"""What the recipes say, where they differ, and what they refuse."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import reduce
from typing import Any

import pytest
import torch

from tcae.manifests.errors import ConfigError
from tcae.model.networks.warp import warp
from tcae.model.recipe import CurriculumConfig, OptimiserConfig, Recipe, ViewConfig
from tcae.model.recipes.tcae import (
    FAST,
    OPEN_IN_THE_PAPER,
    PAPER,
    RECIPES,
    RELEASED,
    SMALL,
    TCAENetwork,
    TCAERecipe,
    TCAEWeights,
)


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def test_released_and_paper_differ_in_the_loss_and_how_samples_are_selected() -> None:
    """models.md 1.6, 1.7 and 1.9; the rest is one training."""
    released, paper = flat(asdict(RELEASED)), flat(asdict(PAPER))
    differences = {name: (value, paper[name]) for name, value in released.items() if value != paper[name]}
    embeddings = ("pose_image_pose", "pose_image_au", "au_image_pose", "au_image_au")
    assert differences == {
        "name": ("released", "paper"),
        "curriculum.select": ("term", "sample"),
        "weights.reconstruction": (10, 1),
        "weights.au_cycle": (1, 0.1),
        "weights.pose_cycle": (1, 0.1),
        **{f"weights.{name}": (1, 0.1) for name in embeddings},
        "weights.output_pose": (1, 0),
        "weights.output_au": (1, 0),
        "weights.au_displacement_l1": (0.1, 0.01),
    }


def test_the_released_recipe_is_the_released_codes() -> None:
    """models.md 1.2 to 1.8."""
    assert RELEASED.batch_size == 64
    assert RELEASED.optimiser == OptimiserConfig(name="sgd", lr=0.001, momentum=0.9, weight_decay=0.0)
    assert RELEASED.view == ViewConfig(centre_px=224, smallest_px=200, largest_px=223, drawn="face")
    assert RELEASED.curriculum.stages == ((0, 0.5), (0.1, 0.6), (0.2, 0.7), (0.3, 0.8), (0.4, 0.9))
    assert RELEASED.curriculum.patience == 15
    assert (RELEASED.passes, RELEASED.precision) == ("separate", "fp32")


def test_fast_and_small_learn_the_papers_loss() -> None:
    assert FAST.weights == SMALL.weights == PAPER.weights
    assert FAST.network == PAPER.network


def test_small_has_the_widths_that_were_asked_for() -> None:
    network = TCAENetwork(size=64, trunk=(32, 64, 128), branch=(256, 256, 256), decoder=(256, 256, 128, 64, 32))
    assert replace(SMALL.network, au_reach=1.0) == network


def test_recipes_are_found_by_their_names_and_released_comes_first() -> None:
    assert next(iter(RECIPES)) == "released"
    assert all(recipe.name == name for name, recipe in RECIPES.items())
    assert set(RECIPES) == {"released", "paper", "fast", "small"}


@pytest.mark.parametrize("key", [key for key in OPEN_IN_THE_PAPER if key != "detached warps"])
def test_what_the_paper_leaves_open_is_what_its_recipe_holds(key: str) -> None:
    value, reason = OPEN_IN_THE_PAPER[key]
    assert reduce(getattr, key.split("."), PAPER) == value
    assert "the paper" in reason


def test_that_warps_are_detached_is_what_warp_does() -> None:
    picture, displacement = torch.rand(1, 3, 4, 4, requires_grad=True), torch.zeros(1, 2, 4, 4, requires_grad=True)
    (gradient, _) = torch.autograd.grad(warp(picture, displacement).sum(), [picture, displacement], allow_unused=True)
    assert OPEN_IN_THE_PAPER["detached warps"][0] is (gradient is None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TCAENetwork(size=128), r"sides of \[256\] px, not 128; each layer stands for a factor of 2"),
        (lambda: TCAENetwork(trunk=(8,)), r"1 \+ 3 encoder and 7 \+ 1 decoder layers"),
        (lambda: TCAENetwork(size=8, trunk=(), branch=(4, 4, 4), decoder=(8, 6)), "0 [+] 3 encoder"),
        (lambda: TCAENetwork(size=8, trunk=(0,), branch=(6, 8), decoder=(8, 6)), "widths must be positive"),
        (lambda: TCAENetwork(au_reach=0), r"au_reach in \(0, 1\]"),
        (lambda: TCAENetwork(au_reach=1.5), "au_reach=1.5"),
        (lambda: ViewConfig(smallest_px=0), "smallest_px"),
        (lambda: ViewConfig(largest_px=225), "largest_px <= centre_px <= 256 must hold, not .*largest_px=225"),
        (lambda: ViewConfig(centre_px=300), "centre_px=300"),
        (lambda: TCAEWeights(au_cycle=-1), "none may be negative"),
        (lambda: TCAEWeights(reconstruction=0), "reconstruction must be positive"),
        (lambda: CurriculumConfig(stages=()), r"stages are \(low, high\) with 0 <= low < high <= 1, not \(\)"),
        (lambda: CurriculumConfig(stages=((0.5, 0.5),)), r"not \(\(0.5, 0.5\),\)"),
        (lambda: CurriculumConfig(stages=((0.0, 0.5), (0.8, 1.1))), "1.1"),
        (lambda: CurriculumConfig(patience=-1), "patience must not be negative, not -1"),
        (lambda: OptimiserConfig(lr=0), "lr > 0"),
        (lambda: OptimiserConfig(momentum=1), r"momentum in \[0, 1\)"),
        (lambda: OptimiserConfig(weight_decay=-0.1), "weight_decay=-0.1"),
        (lambda: OptimiserConfig(warmup_steps=-1), "warmup_steps=-1"),
        (lambda: TCAERecipe(name="mine"), "epochs or steps, not None and None"),
        (lambda: TCAERecipe(name="mine", epochs=1, steps=1), "epochs or steps, not 1 and 1"),
        (lambda: replace(PAPER, batch_size=0), "batch_size must be at least 1, not 0"),
        (lambda: replace(PAPER, epochs=-3), "epochs must be at least 1, not -3"),
        (lambda: replace(FAST, steps=0), "steps must be at least 1, not 0"),
        (lambda: replace(PAPER, least_steps=0), "least_steps must be at least 1, not 0"),
        (lambda: replace(PAPER, val_pairs=0), "val_pairs must be at least 1, not 0"),
        (lambda: replace(PAPER, seed=-1), "seed must not be negative, not -1"),
    ],
)
def test_nonsense_is_refused_with_what_would_be_right(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("recipe", "num_identities", "steps"),
    [
        (RELEASED, 5250, 82_031),  # models.md 1.2: some 82,000 iterations
        (RELEASED, 64, 1000),
        (replace(RELEASED, epochs=1), 3, 1),  # a step at least
        (FAST, 5250, FAST.steps),
        (replace(PAPER, epochs=2, batch_size=5), 7, 2),
    ],
)
def test_a_schedule_is_counted_in_steps(recipe: Recipe, num_identities: int, steps: int) -> None:
    assert recipe.num_steps(num_identities) == steps
