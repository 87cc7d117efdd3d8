"""Pairs are what they say, and the area is that of counting all comparisons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.model.probing.linear import Features
from tcae.model.probing.verification import FacePairs, draw_pairs, verification_auc

IDENTITIES = [f"p{number % 7}" for number in range(200)]
VIDEOS = [f"v{number % 3}" for number in range(200)]


@given(
    people=st.lists(st.sampled_from("abcd"), min_size=4, max_size=30).filter(
        lambda people: 1 < len(set(people)) < len(people)
    ),
    seed=st.integers(0, 2**32),
)
def test_half_of_the_pairs_are_of_one_identity_and_half_of_two(people: list[str], seed: int) -> None:
    pairs = draw_pairs(people, num_pairs=40, seed=seed)
    names = np.array(people)
    np.testing.assert_array_equal(names[pairs.first] == names[pairs.second], pairs.same)
    assert pairs.same.sum() == 20
    assert (pairs.first != pairs.second).all()


def test_faces_of_one_identity_are_of_two_videos_where_these_are_given() -> None:
    pairs = draw_pairs(IDENTITIES, VIDEOS, num_pairs=1000)
    videos = np.array(VIDEOS)
    assert (videos[pairs.first] != videos[pairs.second])[pairs.same].all()
    different = (videos[pairs.first] != videos[pairs.second])[~pairs.same]
    assert 0.6 < different.mean() < 0.73  # two in three


def test_a_video_s_name_counts_within_its_identity() -> None:
    pairs = draw_pairs(["a", "a", "b", "c"], ["x", "y", "x", "z"], num_pairs=200)
    drawn = {frozenset(pair) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    assert drawn == {frozenset(pair) for pair in ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))}


def test_identities_are_drawn_alike_however_many_faces_they_have() -> None:
    people = np.array(["a"] * 500 + ["b"] * 5 + ["c"] * 5)
    pairs = draw_pairs(people.tolist(), num_pairs=6000)
    for same in (True, False):
        drawn = people[np.concatenate([pairs.first[pairs.same == same], pairs.second[pairs.same == same]])]
        shares = [(drawn == name).mean() for name in "abc"]
        assert min(shares) > 0.3, same


def test_a_seed_is_a_drawing() -> None:
    one, again, other = (draw_pairs(IDENTITIES, num_pairs=50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.first, again.first)
    np.testing.assert_array_equal(one.second, again.second)
    assert (one.first != other.first).any()


def slow_auc(embeddings: Features, pairs: FacePairs) -> float:
    """Every pair of one identity compared with every pair of two."""
    seen = embeddings.astype(np.float64) - embeddings.astype(np.float64).mean(0)
    alike = [
        seen[i] @ seen[j] / np.sqrt((seen[i] @ seen[i]) * (seen[j] @ seen[j]))
        for i, j in zip(pairs.first, pairs.second, strict=True)
    ]
    same = [value for value, is_same in zip(alike, pairs.same, strict=True) if is_same]
    different = [value for value, is_same in zip(alike, pairs.same, strict=True) if not is_same]
    wins = [(one > other) + 0.5 * (one == other) for one in same for other in different]
    return float(np.mean(wins))


def test_the_area_is_that_of_counting() -> None:
    embeddings = np.random.default_rng(0).normal(3, 1, (200, 5)).astype(np.float32)
    embeddings[:, 0] += [int(name[1]) for name in IDENTITIES]
    pairs = draw_pairs(IDENTITIES, num_pairs=200)
    auc = verification_auc(embeddings, pairs)
    assert auc == pytest.approx(slow_auc(embeddings, pairs), abs=1e-3)
    assert 0.55 < auc < 0.99


def test_planted_identity_is_known_and_noise_and_a_collapsed_encoder_know_none() -> None:
    generator = np.random.default_rng(0)
    people = generator.normal(0, 1, (7, 16))
    number = np.array([int(name[1]) for name in IDENTITIES])
    pairs = draw_pairs(IDENTITIES, VIDEOS, num_pairs=4000)
    planted = people[number] + generator.normal(0, 0.1, (200, 16))
    assert verification_auc(planted.astype(np.float32), pairs) > 0.999
    assert verification_auc(generator.normal(0, 1, (200, 16)).astype(np.float32), pairs) == pytest.approx(0.5, abs=0.05)
    assert verification_auc(np.ones((200, 16), np.float32), pairs) == 0.5


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="the number of pairs must be even and at least 2, not 3"):
        draw_pairs(IDENTITIES, num_pairs=3)
    with pytest.raises(ConfigError, match="need two identities, and one with two faces; there are 1, 1"):
        draw_pairs(["a", "a"])
    with pytest.raises(ConfigError, match="and one with faces in two videos; there are 2, 0"):
        draw_pairs(["a", "a", "b"], ["x", "x", "y"])
    one_kind = FacePairs(np.array([0]), np.array([1]), np.array([True]))
    with pytest.raises(ConfigError, match="pairs of one identity and pairs of two are both needed"):
        verification_auc(np.eye(2, dtype=np.float32), one_kind)
