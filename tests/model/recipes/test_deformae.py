"""What the Deforming Autoencoder's recipes say, and what they refuse."""

from dataclasses import asdict, replace

import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import DrawConfig, OptimiserConfig, ViewConfig
from tcae.model.recipes import tcae
from tcae.model.recipes.deformae import COMPARED, OPEN_IN_THE_PAPER, RECIPES, RELEASED, SMALL, DeformAENetwork


def test_the_released_recipe_is_the_released_codes() -> None:
    """Its training script and its plain net."""
    net = RELEASED.network
    assert (net.size, net.latent, net.texture_code, net.deformation_code) == (64, 128, 16, 128)
    assert (net.layers, net.decoder) == ((32, 64, 128, 256), (256, 128, 64, 32, 32))
    assert RELEASED.optimiser == OptimiserConfig(name="adamw", lr=2e-4, momentum=0.5, beta2=0.999, weight_decay=0)
    assert (RELEASED.batch_size, RELEASED.epochs) == (100, 600)
    assert RELEASED.view == ViewConfig(centre_px=224, smallest_px=224, largest_px=224)
    assert RELEASED.weights.smoothness == pytest.approx(1e-6 * RELEASED.batch_size * net.size)
    assert (RELEASED.weights.reconstruction, RELEASED.weights.bias) == (1, 1e-2)


def test_the_first_is_what_was_compared_with_256_px_and_512_numbers() -> None:
    assert next(iter(RECIPES.values())) is COMPARED
    assert (COMPARED.network.size, COMPARED.network.widths) == (256, {"face": 512})


def test_no_sample_is_left_out_by_its_ease_and_each_is_one_face() -> None:
    for recipe in RECIPES.values():
        assert recipe.curriculum.stages == ((0, 1),)
        assert recipe.draw == DrawConfig(kind="one", num_faces=1)


def test_small_is_the_released_net_with_small_tcaes_view_and_length() -> None:
    same = ("view", "batch_size", "steps", "made_for", "precision")
    assert {name: asdict(SMALL)[name] for name in same} == {name: asdict(tcae.SMALL)[name] for name in same}
    assert SMALL.network == RELEASED.network


def test_every_open_value_has_a_reason() -> None:
    assert all(reason for _, reason in OPEN_IN_THE_PAPER.values())


def test_layers_that_do_not_make_the_side_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"2 encoder and 2 decoder layers make sides of \[8, 16\] px, not 16"):
        DeformAENetwork(size=16, layers=(4, 4), decoder=(4, 4))
    with pytest.raises(ConfigError, match="widths must be positive"):
        DeformAENetwork(size=8, layers=(4,), decoder=(4, 4), texture_code=0)


def test_a_sample_of_two_faces_is_refused() -> None:
    with pytest.raises(ConfigError, match="deformae draws one face"):
        replace(SMALL, draw=DrawConfig())
