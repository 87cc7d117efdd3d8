"""Lists of pairs that are long enough, and hold no pair twice."""

from collections import Counter

import pytest

from tcae.manifests.pairs import PairIndex
from tcae.manifests.splits import SplitConfig
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.pair_lists import pairs_of
from tcae.pipeline.pairs import PairConfig, split
from tests.pair_builders import Tree, write_tree

TREE: Tree = {f"id{number}": {"v": [6, 3] if number else [2]} for number in range(8)}
"""30 + 6 pairs for each identity, but 2 for the first."""


@pytest.fixture
def val(workspace: Workspace) -> PairIndex:
    """All eight identities with three fixed pairs each, two where there are no more."""
    write_tree(workspace, TREE)
    split(workspace, PairConfig(split=SplitConfig(ratios=(0, 1, 0)), pairs_per_identity=3))
    return PairIndex.open(workspace.manifest("pairs") / "val")


def test_the_fixed_list_comes_first(val: PairIndex) -> None:
    fixed = val.fixed_pairs()
    found = pairs_of(val, 100)
    assert found[: len(fixed)] == fixed
    assert len(set(found)) == 100


def test_drawn_pairs_are_spread_over_all_identities(val: PairIndex) -> None:
    num_fixed = len(val.fixed_pairs())
    drawn = Counter(pair.source.identity for pair in pairs_of(val, num_fixed + 35)[num_fixed:])
    assert set(drawn) == set(TREE) - {"id0"}
    assert max(drawn.values()) - min(drawn.values()) <= 2


def test_a_list_that_is_too_long_is_thinned_evenly(val: PairIndex) -> None:
    fixed = val.fixed_pairs()
    assert len(fixed) == 23
    assert pairs_of(val, 4) == [fixed[0], fixed[5], fixed[11], fixed[17]]


def test_where_there_are_fewer_pairs_all_are_taken(val: PairIndex) -> None:
    found = pairs_of(val, 10_000)
    assert len(found) == len(set(found)) == val.num_pairs == 7 * (30 + 6) + 2


def test_another_seed_draws_others_and_the_same_seed_the_same(val: PairIndex) -> None:
    assert pairs_of(val, 60, seed=1) == pairs_of(val, 60, seed=1)
    assert pairs_of(val, 60, seed=1) != pairs_of(val, 60, seed=2)


def test_an_index_without_identities_has_no_pairs(val: PairIndex, workspace: Workspace) -> None:
    assert pairs_of(PairIndex.open(workspace.manifest("pairs") / "test"), 5) == []
