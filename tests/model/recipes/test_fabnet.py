"""What FAb-Net's recipes say, and what they refuse."""

from dataclasses import asdict, replace

import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import DrawConfig, OptimiserConfig, ViewConfig
from tcae.model.recipes import tcae
from tcae.model.recipes.fabnet import FAST, MULTI, OPEN_IN_THE_PAPER, PAPER, RECIPES, RELEASED, SMALL, FabNetNetwork


def test_the_released_recipe_is_the_released_codes() -> None:
    """models.md 2."""
    assert RELEASED.network.layers == (32, 64, 128, 256, 256, 256, 256, 256)
    assert RELEASED.network.widths == {"face": 256}
    assert RELEASED.view == ViewConfig(centre_px=190, smallest_px=170, largest_px=189, up_px=25)
    assert RELEASED.optimiser == OptimiserConfig(name="sgd", lr=1e-4, momentum=0.9)
    assert RELEASED.batch_size == 128
    assert RELEASED.curriculum == tcae.PAPER.curriculum
    assert RELEASED.draw == DrawConfig(kind="pair")


def test_the_view_is_what_the_released_codes_padding_and_centre_crop_leave() -> None:
    """Of a face of 256 px: 20 px are added left and right, 80 above, 30 below; then the middle 190 are cut out."""
    left, top = (20 + 256 + 20 - 190) / 2 - 20, (80 + 256 + 30 - 190) / 2 - 80
    assert left == (256 - RELEASED.view.centre_px) / 2
    assert top == (256 - RELEASED.view.centre_px) / 2 - RELEASED.view.up_px


def test_the_paper_differs_from_the_released_code_in_rate_and_batch() -> None:
    """models.md 2: issue 3 of the released code."""
    released, paper = asdict(RELEASED), asdict(PAPER)
    assert {name for name in released if released[name] != paper[name]} == {"name", "optimiser", "batch_size"}
    assert (PAPER.optimiser.lr, PAPER.batch_size) == (1e-3, 32)


def test_the_second_phase_is_the_first_with_three_sources() -> None:
    assert replace(MULTI, name="released", draw=RELEASED.draw) == RELEASED
    assert (MULTI.draw.kind, MULTI.draw.num_faces) == ("track", 4)


@pytest.mark.parametrize("name", ["fast", "small"])
def test_beside_tcaes_own_only_the_network_and_the_loss_differ(name: str) -> None:
    ours, theirs = asdict(RECIPES[name]), asdict(tcae.RECIPES[name])
    differ = {key for key in ours if ours[key] != theirs.get(key)}
    assert differ == {"method", "network", "weights"}


def test_a_small_one_has_as_many_layers_as_small_tcae() -> None:
    assert SMALL.network.layers == (*tcae.SMALL.network.trunk, *tcae.SMALL.network.branch)
    assert SMALL.network.decoder == tcae.SMALL.network.decoder
    assert FAST.network.layers == (*tcae.FAST.network.trunk, *tcae.FAST.network.branch)


def test_every_open_value_has_a_reason() -> None:
    assert all(reason for _, reason in OPEN_IN_THE_PAPER.values())


def test_layers_that_do_not_make_the_side_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"2 encoder and 2 \+ 1 decoder layers make sides of \[4, 8\] px, not 8"):
        FabNetNetwork(size=8, layers=(4, 4), decoder=(4, 4))
    with pytest.raises(ConfigError, match="widths must be positive"):
        FabNetNetwork(size=8, layers=(4, 0, 4), decoder=(4, 4))


@pytest.mark.parametrize("draw", [DrawConfig(kind="one", num_faces=1), DrawConfig(kind="track", num_faces=1)])
def test_a_sample_without_a_source_is_refused(draw: DrawConfig) -> None:
    with pytest.raises(ConfigError, match="a pair, or a track of at least 2 faces"):
        replace(SMALL, draw=draw)
