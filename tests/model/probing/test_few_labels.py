"""Subsets are nested, seeded, and of identities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.model.probing.few_labels import Subset, subsets

PEOPLE = [f"F{number:03d}" for number in range(27)]


def sizes(chosen: list[Subset]) -> list[tuple[int, int]]:
    return [(subset.num_identities, subset.repeat) for subset in chosen]


def test_each_count_is_chosen_several_times_and_all_once() -> None:
    wanted = [(size, repeat) for size in (1, 3, 9) for repeat in range(3)]
    chosen = subsets(PEOPLE)
    assert sizes(chosen) == [*wanted, (27, 0)]
    assert sorted(chosen[-1].identities) == PEOPLE


@given(st.sets(st.text(min_size=1), min_size=1, max_size=20), st.integers(0, 9), st.integers(1, 4))
def test_a_smaller_subset_of_a_repeat_lies_in_the_larger(people: set[str], seed: int, repeats: int) -> None:
    chosen = subsets(people, (5, 1, 3, None), repeats=repeats, seed=seed)
    largest = {subset.repeat: subset.identities for subset in chosen if subset.num_identities < len(people)}
    for subset in chosen:
        assert set(subset.identities) <= people
        assert len(set(subset.identities)) == subset.num_identities
        if subset.num_identities < len(people):
            assert subset.identities == largest[subset.repeat][: subset.num_identities]


def test_the_choice_depends_on_names_and_seed_alone() -> None:
    assert subsets(PEOPLE[::-1] * 2) == subsets(PEOPLE)
    assert subsets(PEOPLE, seed=10) != subsets(PEOPLE)


def test_repeats_differ() -> None:
    nines = {subset.identities for subset in subsets(PEOPLE) if subset.num_identities == 9}
    assert len(nines) == 3


def test_all_identities_stand_for_every_count_that_they_do_not_exceed() -> None:
    assert sizes(subsets(PEOPLE[:3])) == [(1, 0), (1, 1), (1, 2), (3, 0)]
    assert sizes(subsets(PEOPLE[:2], (9,))) == [(2, 0)]


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no training identity to choose from"):
        subsets([])
    with pytest.raises(ConfigError, match="numbers of identities and of repeats must be at least 1, not 0"):
        subsets(PEOPLE, (0, None))
    with pytest.raises(ConfigError, match="of repeats must be at least 1, not -1"):
        subsets(PEOPLE, repeats=-1)
