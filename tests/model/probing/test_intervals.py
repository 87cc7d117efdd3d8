"""Intervals are those of a loop that draws identities, and mean what they say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.model.probing import intervals
from tcae.model.probing.intervals import (
    IntervalConfig,
    area_interval,
    fold_intervals,
    mean_interval,
    pooled_intervals,
    r2_intervals,
)
from tcae.model.probing.metrics import Counts, f1_of

CONFIG = IntervalConfig(draws=400)


def counted(seed: int = 0, num_identities: int = 12, num_aus: int = 3) -> Counts:
    return np.random.default_rng(seed).integers(1, 30, (num_identities, num_aus, 4))


def test_intervals_are_those_of_a_loop_that_draws_identities() -> None:
    counts, generator = counted(), np.random.default_rng([CONFIG.seed, 0])
    drawn = [f1_of(counts[who].sum(0)) for who in generator.integers(12, size=(CONFIG.draws, 12))]
    found = pooled_intervals(counts, CONFIG)
    for au in range(3):
        assert found.aus[au] == pytest.approx(np.quantile([each[au] for each in drawn], [0.025, 0.975]))
    assert found.mean == pytest.approx(np.quantile([each.mean() for each in drawn], [0.025, 0.975]))


def test_identities_that_are_all_alike_leave_no_doubt() -> None:
    found = pooled_intervals(np.tile(counted(num_identities=1), (8, 1, 1)), CONFIG)
    for interval, score in zip(found.aus, f1_of(counted(num_identities=1)[0]), strict=True):
        assert interval == pytest.approx((score, score))


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_says() -> None:
    generator = np.random.default_rng(3)
    identities = np.repeat([f"id{number:03d}" for number in range(200)], 5)
    values = generator.normal(size=200).repeat(5)
    low, high = mean_interval(identities, values, IntervalConfig(draws=2000))
    error = values.std() / math.sqrt(200)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.2 * error)


def test_frames_of_one_person_are_not_taken_for_many_people() -> None:
    generator = np.random.default_rng(4)
    values = generator.normal(size=20).repeat(50)
    people = mean_interval(np.repeat([f"{number:02d}" for number in range(20)], 50), values, CONFIG)
    frames = mean_interval(np.array([f"{number:04d}" for number in range(1000)]), values, CONFIG)
    assert people.high - people.low > 3 * (frames.high - frames.low)


def test_folds_are_drawn_each_within_itself() -> None:
    alike = [np.tile(counted(seed, num_identities=1), (6, 1, 1)) for seed in range(3)]
    found = fold_intervals(alike, CONFIG)
    expected = np.mean([f1_of(fold[0]) for fold in alike], axis=0)
    assert [interval.low for interval in found.aus] == pytest.approx(expected)
    assert found.mean == pytest.approx((expected.mean(), expected.mean()))


def test_a_fold_without_positives_is_left_out_of_the_mean_of_folds() -> None:
    fold, without = counted(1), counted(2)
    without[:, 0, [0, 2]] = 0
    assert fold_intervals([fold, without], CONFIG).aus[0] == pytest.approx(pooled_intervals(fold, CONFIG).aus[0])


def test_an_au_without_positives_has_no_interval_and_is_left_out_of_the_mean() -> None:
    counts = counted()
    counts[:, 0, [0, 2]] = 0
    found, without = pooled_intervals(counts, CONFIG), pooled_intervals(counts[:, 1:], CONFIG)
    assert np.isnan(found.aus[0]).all()
    assert found.mean == pytest.approx(without.mean)


@pytest.mark.parametrize("num_identities", [0, 1])
def test_fewer_than_two_identities_have_no_interval(num_identities: int) -> None:
    found = pooled_intervals(counted(num_identities=num_identities), CONFIG)
    assert np.isnan([*found.aus, found.mean]).all()
    assert np.isnan(mean_interval(np.array(["a"] * num_identities), np.zeros(num_identities), CONFIG)).all()


def test_drawing_few_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pooled_intervals(counted(), CONFIG)
    monkeypatch.setattr(intervals, "_HELD", 100)
    assert pooled_intervals(counted(), CONFIG) == whole


def test_another_seed_draws_others() -> None:
    assert pooled_intervals(counted(), CONFIG) == pooled_intervals(counted(), CONFIG)
    assert pooled_intervals(counted(), CONFIG) != pooled_intervals(counted(), IntervalConfig(draws=400, seed=1))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 20))
def test_an_interval_lies_in_0_to_1_and_widens_with_its_level(seed: int, num_identities: int) -> None:
    counts = counted(seed, num_identities)
    narrow, wide = (pooled_intervals(counts, IntervalConfig(draws=50, level=level)) for level in (0.5, 0.95))
    for one, other in zip([*narrow.aus, narrow.mean], [*wide.aus, wide.mean], strict=True):
        assert 0 <= other.low <= one.low <= one.high <= other.high <= 1


@pytest.mark.parametrize(("field", "value"), [("draws", 0), ("level", 1.0), ("level", 0.0), ("level", float("nan"))])
def test_a_config_refuses_nonsense(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{field} is {value}; it must"):
        IntervalConfig(**{field: value})  # type: ignore[arg-type]


def test_r2_of_drawn_identities_is_that_of_their_faces_taken_together() -> None:
    rng = np.random.default_rng(0)
    identities = np.array(["a"] * 5 + ["b"] * 7 + ["c"] * 4)
    wanted, found = rng.normal(size=(16, 2)), rng.normal(size=(16, 2))
    wanted[3, 1] = np.nan
    config = IntervalConfig(draws=40, seed=3)
    drawn = []
    picker = np.random.default_rng([3, 0])
    for chosen in picker.integers(3, size=(40, 3)):
        rows = np.concatenate([np.flatnonzero(identities == "abc"[person]) for person in chosen])
        each = []
        for column in range(2):
            known = rows[~np.isnan(wanted[rows, column])]
            value, guess = wanted[known, column], found[known, column]
            each.append(1 - ((guess - value) ** 2).sum() / ((value - value.mean()) ** 2).sum())
        drawn.append([*each, np.mean(each)])
    for interval, values in zip(r2_intervals(identities, wanted, found, config), np.array(drawn).T, strict=True):
        np.testing.assert_allclose(interval, np.quantile(values, [0.025, 0.975]))


def test_the_area_of_drawn_identities_is_that_of_their_pairs_as_often_as_they_are_drawn() -> None:
    rng = np.random.default_rng(1)
    identities = np.array(["a", "a", "b", "b", "c", "c"])
    first, second = np.array(np.triu_indices(6, 1))
    same = identities[first] == identities[second]
    similarity = rng.integers(0, 4, len(first)).astype(np.float32)
    drawn = []
    for chosen in np.random.default_rng([0, 0]).integers(3, size=(30, 3)):
        times = {name: int((chosen == number).sum()) for number, name in enumerate("abc")}
        wins = total = 0.0
        for one in np.flatnonzero(same):
            for other in np.flatnonzero(~same):
                weight = times[identities[first[one]]] * times[identities[first[other]]]
                weight *= times[identities[second[other]]]
                wins += weight * float(
                    (similarity[one] > similarity[other]) + (similarity[one] == similarity[other]) / 2
                )
                total += weight
        drawn.append(wins / total if total else np.nan)
    found = area_interval(identities, similarity, (first, second), same, IntervalConfig(draws=30))
    np.testing.assert_allclose(found, np.nanquantile(drawn, [0.025, 0.975]))


def test_one_identity_has_no_interval_of_r2_or_of_an_area() -> None:
    alone, values = np.array(["a", "a"]), np.array([[1.0], [2.0]])
    assert np.isnan(r2_intervals(alone, values, values, IntervalConfig())).all()
    rows = np.array([0]), np.array([1])
    assert np.isnan(area_interval(alone, np.ones(1), rows, np.array([True]), IntervalConfig())).all()
