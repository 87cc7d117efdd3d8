"""The published lists of folds."""

from collections import Counter

import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.folds import fold_lists, origin_of, read_folds


@pytest.mark.parametrize(("name", "sizes"), [("bp4d", [14, 14, 13]), ("disfa", [9, 9, 9]), ("disfa-fg2020", [9, 9, 9])])
def test_each_list_shares_out_all_identities(name: str, sizes: list[int]) -> None:
    assert [size for _, size in sorted(Counter(read_folds(name).values()).items())] == sizes


def test_bp4d_has_its_41_people() -> None:
    people = {f"F{number:03d}" for number in range(1, 24)} | {f"M{number:03d}" for number in range(1, 19)}
    assert set(read_folds("bp4d")) == people


def test_both_lists_of_disfa_are_of_the_same_people_in_other_folds() -> None:
    usual, other = read_folds("disfa"), read_folds("disfa-fg2020")
    assert set(usual) == set(other)
    assert {person for person, fold in usual.items() if fold == 1} not in (
        {person for person, fold in other.items() if fold == number} for number in (1, 2, 3)
    )


@pytest.mark.parametrize("name", fold_lists())
def test_each_list_says_where_it_comes_from(name: str) -> None:
    assert origin_of(name).startswith("The three subject-exclusive parts of")


def test_an_unknown_list_names_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="no list of folds 'ck'; there is bp4d, disfa, disfa-fg2020"):
        read_folds("ck")
