from dataclasses import fields, replace

import numpy as np
import pytest

from tcae.pipeline.synthetic.identity import _macro_weights, _ramp, close_lips, draw_person
from tcae.pipeline.synthetic.pack import PARTS, HeadPack


def test_a_seed_gives_the_same_person_and_another_seed_another(toy: HeadPack) -> None:
    first, again, other = (draw_person(np.random.default_rng(seed), toy) for seed in (1, 1, 2))
    for field in fields(first):
        assert np.array_equal(getattr(first, field.name), getattr(again, field.name))
    assert not np.array_equal(first.shape, other.shape)
    assert not np.array_equal(first.skin, other.skin)


def test_colours_are_colours(toy: HeadPack) -> None:
    for seed in range(50):
        person = draw_person(np.random.default_rng(seed), toy)
        for colour in (person.skin, person.lips, person.iris, person.hair):
            assert colour.shape == (3,)
            assert 0 < colour.min() <= colour.max() < 1
        assert person.skin[0] > person.skin[2]  # skin is never blue


def test_heads_keep_their_place_whatever_their_shape(toy: HeadPack) -> None:
    person = draw_person(np.random.default_rng(3), toy)
    np.testing.assert_allclose(person.shape.mean(0), toy.reference.mean(0), atol=1e-2)


def test_macro_weights_of_each_kind_sum_to_one() -> None:
    sexes, ages = ("female", "male"), ("old", "young")
    three = [f"{race}-{sex}-{age}" for race in ("african", "asian", "caucasian") for sex in sexes for age in ages]
    four = [
        f"{sex}-{age}-{muscle}muscle-{weight}weight"
        for sex in sexes
        for age in ages
        for muscle in ("min", "average", "max")
        for weight in ("min", "average", "max")
    ]
    weights = _macro_weights(np.random.default_rng(0), (*three, *four), man=0.3, age=0.6)
    assert weights[: len(three)].sum() == pytest.approx(1)
    assert weights[len(three) :].sum() == pytest.approx(1)
    assert weights.min() >= 0


@pytest.mark.parametrize(
    ("place", "weights"), [(0, (1, 0, 0)), (0.25, (0.5, 0.5, 0)), (0.5, (0, 1, 0)), (1, (0, 0, 1))]
)
def test_a_ramp_mixes_two_neighbours(place: float, weights: tuple[float, ...]) -> None:
    assert tuple(_ramp(place, "a", "b", "c").values()) == pytest.approx(weights)


def test_lips_are_closed_where_a_pack_has_a_mouth(heads: HeadPack) -> None:
    inside, outside = (set(heads.corner_vertex[heads.corner_part == part]) for part in (PARTS.index("cavity"), 0))
    rim = np.array(sorted(inside & outside))
    rim = rim[np.abs(heads.reference[rim, 0]) < 12]
    lower = heads.actions[heads.action("mouthClose")][rim, 1]
    lower_lip = rim[lower > np.median(lower)]
    upper_lip = np.setdiff1d(rim, lower_lip)
    for seed in range(10):
        shape = draw_person(np.random.default_rng(seed), heads).shape
        assert shape[upper_lip, 1].mean() - shape[lower_lip, 1].mean() < 0.1  # millimetres


def test_a_pack_without_a_mouth_keeps_its_shape(toy: HeadPack) -> None:
    assert np.array_equal(close_lips(toy.reference, toy), toy.reference)
    mute = replace(toy, action_names=("jawOpen",), actions=toy.actions[:1])
    assert np.array_equal(close_lips(toy.reference, mute), toy.reference)
