"""Which pair comes when: the order, the crops, and that nothing but the numbers decides."""

import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import PairIndex
from tcae.model.data.sampler import SAME, Crop, Sample, Sampler, centre_crop
from tcae.model.recipe import Recipe, ViewConfig
from tcae.model.recipes.tcae import PAPER, SMALL
from tests.pair_builders import Tree, write_index
from tests.recipe_builders import tiny_recipe

TREE: Tree = {f"id{number}": {"v": [4, 3], "w": [5]} for number in range(5)}
LOPSIDED: Tree = {"id": {"v": [2], "w": [9]}}
"""Two pairs in one video, 72 in the other."""


@pytest.fixture(scope="module")
def lopsided(tmp_path_factory: pytest.TempPathFactory) -> PairIndex:
    return PairIndex.open(write_index(tmp_path_factory.mktemp("lopsided"), LOPSIDED))


@pytest.fixture
def index(tmp_path: Path) -> PairIndex:
    return PairIndex.open(write_index(tmp_path, TREE))


def many(index: PairIndex, recipe: Recipe, num: int = 60) -> list[Sample]:
    sampler = Sampler(index, recipe)
    return [sampler.sample(number) for number in range(num)]


def test_the_same_number_is_the_same_draw_in_any_order(index: PairIndex) -> None:
    forward = many(index, tiny_recipe())
    sampler = Sampler(index, tiny_recipe())
    backward = [sampler.sample(number) for number in reversed(range(60))]
    assert backward[::-1] == forward


def test_a_sampler_can_be_sent_to_another_process(index: PairIndex) -> None:
    sampler = Sampler(index, tiny_recipe())
    first = sampler.sample(7)
    assert pickle.loads(pickle.dumps(sampler)).sample(7) == first


def test_another_seed_draws_others(index: PairIndex) -> None:
    one, other = many(index, tiny_recipe()), many(index, tiny_recipe(seed=1))
    assert [sample.faces for sample in one] != [sample.faces for sample in other]
    assert [sample.crops[0] for sample in one] != [sample.crops[0] for sample in other]


def test_what_a_sample_is_does_not_depend_on_batches_or_schedules(index: PairIndex) -> None:
    assert many(index, tiny_recipe(batch_size=64, steps=None, epochs=3)) == many(index, tiny_recipe())


def test_every_identity_comes_once_an_epoch_in_changing_order(index: PairIndex) -> None:
    names = [sample.faces[0].identity for sample in many(index, tiny_recipe())]
    epochs = [names[first : first + 5] for first in range(0, 60, 5)]
    assert all(sorted(epoch) == index.identity_names for epoch in epochs)
    assert len(set(map(tuple, epochs))) > 6
    assert [Sampler(index, tiny_recipe()).epoch_of(number) for number in (0, 4, 5, 59)] == [0, 0, 1, 11]


def test_a_pair_is_of_two_faces_of_one_track(index: PairIndex) -> None:
    for sample in many(index, tiny_recipe()):
        assert sample.faces[0].key == sample.faces[1].key
        assert sample.faces[0].frame != sample.faces[1].frame


@given(
    number=st.integers(0, 10**9),
    seed=st.integers(0, 2**31),
    attempt=st.integers(0, 999),
    sides=st.tuples(*[st.integers(1, 256)] * 3).map(sorted),
)
def test_crops_lie_in_the_centre(lopsided: PairIndex, number: int, seed: int, attempt: int, sides: list[int]) -> None:
    smallest, largest, centre_px = sides
    view = ViewConfig(centre_px=centre_px, smallest_px=smallest, largest_px=largest)
    sample = Sampler(lopsided, tiny_recipe(view=view, seed=seed)).sample(number, attempt)
    centre = centre_crop(view)
    for crop in sample.crops:
        assert smallest <= crop.side <= largest
        assert centre.x <= crop.x <= crop.x + crop.side <= centre.x + centre.side
        assert centre.y <= crop.y <= crop.y + crop.side <= centre.y + centre.side


def test_crops_reach_every_place_and_both_ends_of_the_sides(index: PairIndex) -> None:
    samples = many(index, tiny_recipe(), 2000)
    assert {sample.crops[0].side for sample in samples} == set(range(200, 224))
    corners = {sample.crops[0][:2] for sample in samples if sample.crops[0].side == 222}
    assert corners == {(x, y) for x in (16, 17, 18) for y in (16, 17, 18)}


def test_an_epoch_has_one_side(index: PairIndex) -> None:
    samples = many(index, tiny_recipe())
    sides = [{crop.side for sample in samples[first : first + 5] for crop in sample.crops} for first in range(0, 60, 5)]
    assert all(len(side) == 1 for side in sides)
    assert len(set(map(frozenset, sides))) > 6


def test_source_and_target_are_shifted_apart_or_together(index: PairIndex) -> None:
    apart = many(index, tiny_recipe(view=ViewConfig(drawn="face")))
    together = many(index, tiny_recipe(view=ViewConfig(drawn="pair")))
    assert sum(sample.crops[0] == sample.crops[1] for sample in apart) < 6
    assert all(sample.crops[0] == sample.crops[1] for sample in together)
    assert len({sample.crops[0] for sample in together}) > 40


def test_what_is_seen_without_jitter_is_the_centre() -> None:
    assert centre_crop(PAPER.view) == Crop(16, 16, 224)
    assert centre_crop(ViewConfig(centre_px=256)) == Crop(0, 0, 256)


def test_an_attempt_draws_another_pair_and_from_the_eighth_on_another_identity(index: PairIndex) -> None:
    sampler = Sampler(index, tiny_recipe())
    attempts = [sampler.sample(3, attempt) for attempt in range(40)]
    names = [sample.faces[0].identity for sample in attempts]
    assert [len(set(names[first : first + SAME])) for first in range(0, 40, SAME)] == [1] * 5
    assert sorted(names[::SAME]) == index.identity_names
    assert len({sample.faces for sample in attempts[:SAME]}) > 1
    assert attempts[0] == sampler.sample(3)


def test_pairs_are_drawn_over_tracks_or_over_pairs(lopsided: PairIndex) -> None:
    shares = {}
    for over in ("tracks", "pairs"):
        samples = many(lopsided, replace(SMALL, over=over), 400)
        shares[over] = Counter(sample.faces[0].video for sample in samples)["v"] / 400
    assert shares["tracks"] == pytest.approx(1 / 2, abs=0.08)
    assert shares["pairs"] == pytest.approx(2 / 74, abs=0.025)


def test_an_index_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="train has no identity with a pair; see tcae-prep status"):
        Sampler(PairIndex.open(write_index(tmp_path, {})), SMALL)
