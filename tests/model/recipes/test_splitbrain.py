"""What the split brain's recipes say, and what they refuse."""

import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.recipes.splitbrain import OPEN_IN_THE_PAPER, PAPER, RECIPES, SMALL, SplitBrainNetwork


def test_each_half_has_half_of_alexnets_channels() -> None:
    network = PAPER.network
    assert [2 * wide for wide in (*network.seen, *network.behind, network.hidden)] == [96, 256, 384, 384, 256, 4096]
    assert network.first == (11, 4)


def test_faces_of_180_px_are_told_in_12_cells_and_embedded_in_9600_numbers() -> None:
    assert (PAPER.network.size, PAPER.network.side, PAPER.network.widths) == (180, 12, {"face": 9600})


def test_a_sample_is_one_face_and_all_of_a_batch_counts() -> None:
    for recipe in RECIPES.values():
        assert (recipe.draw.kind, recipe.draw.num_faces) == ("one", 1)
        assert recipe.curriculum.stages == ((0.0, 1.0),)
        assert recipe.network.predicts == "bins"


def test_small_is_for_a_cpu() -> None:
    assert (SMALL.made_for, SMALL.network.size, SMALL.network.widths) == ("cpu", 64, {"face": 1152})


def test_each_choice_has_a_reason() -> None:
    assert all(reason for _, reason in OPEN_IN_THE_PAPER.values())


def test_a_grid_finer_than_conv3_is_refused() -> None:
    with pytest.raises(ConfigError, match="conv3 of 16 px has 1 cells along a side, fewer than grid 5"):
        SplitBrainNetwork(size=16)


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ConfigError, match="the first kernel is odd"):
        SplitBrainNetwork(first=(4, 2))
