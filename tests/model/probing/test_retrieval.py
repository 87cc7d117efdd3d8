"""Recall, its chance level and the Jaccard index are those of counting face by face."""

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.model.probing import retrieval
from tcae.model.probing.linear import Features, Labels
from tcae.model.probing.retrieval import RetrievalConfig, retrieval_of

Sets = list[set[int]]


def jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)


def ranked(embeddings: Features, query: int, others: list[int]) -> list[int]:
    """The others, nearest first, in float64."""
    seen = embeddings.astype(np.float64) - embeddings.astype(np.float64).mean(0)
    cosine: Callable[[int], float] = lambda row: -seen[query] @ seen[row] / np.linalg.norm(seen[row])  # noqa: E731
    return sorted(others, key=cosine)


def slow(embeddings: Features, labels: Labels, people: list[str], k: int) -> dict[str, float]:
    """Query by query; chance by listing every choice of k faces."""
    kept = [row for row in range(len(labels)) if -1 not in labels[row]]
    embeddings, people = embeddings[kept], [people[row] for row in kept]
    sets: Sets = [set(np.flatnonzero(labels[row]).tolist()) for row in kept]
    hits, chances, indices, index_chances = [], [], [], []
    for query in range(len(kept)):
        if not sets[query]:
            continue
        others = [row for row in range(len(kept)) if people[row] != people[query]]
        order = ranked(embeddings, query, others)
        indices.append(jaccard(sets[query], sets[order[0]]))
        index_chances.append(np.mean([jaccard(sets[query], sets[row]) for row in others]))
        relevant = {row for row in others if sets[row] == sets[query]}
        if relevant:
            hits.append(bool(relevant & set(order[:k])))
            draws = list(combinations(others, min(k, len(others))))
            chances.append(np.mean([bool(relevant & set(draw)) for draw in draws]))
    return {
        "recall": float(np.mean(hits)) if hits else math.nan,
        "chance": float(np.mean(chances)) if chances else math.nan,
        "jaccard": float(np.mean(indices)),
        "jaccard_chance": float(np.mean(index_chances)),
        "matchless": len(indices) - len(hits),
    }


@settings(max_examples=40)
@given(
    labels=st.lists(st.tuples(*[st.sampled_from([0, 0, 1, 1, -1])] * 3), min_size=8, max_size=11),
    k=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_figures_are_those_of_counting(labels: list[tuple[int, int, int]], k: int, seed: int) -> None:
    rows = np.array([(1, 0, 0), (0, 1, 0), *labels], np.int8)
    people = ["a", "b", *(f"{'abc'[number % 3]}" for number in range(len(labels)))]
    embeddings = np.random.default_rng(seed).normal(2, 1, (len(rows), 4)).astype(np.float32)
    found = retrieval_of(embeddings, rows, people, RetrievalConfig(ks=(k,)))
    wanted = slow(embeddings, rows, people, k)
    assert found.recall[k] == pytest.approx(wanted["recall"], nan_ok=True)
    assert found.recall_chance[k] == pytest.approx(wanted["chance"], nan_ok=True)
    assert found.jaccard == pytest.approx(wanted["jaccard"])
    assert found.jaccard_chance == pytest.approx(wanted["jaccard_chance"])
    assert found.num_matchless == wanted["matchless"]
    assert found.num_incomplete == sum(-1 in row for row in labels)


def made(num: int = 400) -> tuple[NDArray[np.int8], list[str]]:
    generator = np.random.default_rng(0)
    return (generator.random((num, 3)) < 0.4).astype(np.int8), [f"p{number % 8}" for number in range(num)]


def test_planted_actions_are_found_across_identities_and_identity_alone_finds_chance() -> None:
    labels, people = made()
    generator = np.random.default_rng(1)
    noise = generator.normal(0, 0.05, (400, 8))
    person = np.array([int(name[1]) for name in people])
    actions = labels @ generator.normal(0, 1, (3, 8)) + noise
    identity = generator.normal(0, 1, (8, 8))[person] + noise
    knows = retrieval_of(actions.astype(np.float32), labels, people, RetrievalConfig())
    knows_not = retrieval_of(identity.astype(np.float32), labels, people, RetrievalConfig())
    assert knows.recall[1] > 0.98
    assert knows.jaccard > 0.98
    assert knows_not.recall[1] == pytest.approx(knows_not.recall_chance[1], abs=0.08)
    assert knows_not.jaccard == pytest.approx(knows_not.jaccard_chance, abs=0.08)
    assert knows.recall_chance == knows_not.recall_chance
    assert list(knows.recall) == [1, 5, 10]


def test_the_nearest_face_of_the_same_identity_is_no_find() -> None:
    labels = np.array([[1], [1], [0]], np.int8)
    embeddings = np.array([[1, 0], [1, 0.1], [0, 1]], np.float32)
    found = retrieval_of(embeddings, labels, ["a", "a", "b"], RetrievalConfig(ks=(1,)))
    assert math.isnan(found.recall[1])
    assert (found.num_queries, found.num_matchless, found.jaccard) == (2, 2, 0)


def test_a_collapsed_encoder_finds_nothing() -> None:
    labels, people = made()
    found = retrieval_of(np.ones((400, 4), np.float32), labels, people, RetrievalConfig())
    assert (found.recall, found.jaccard) == ({1: 0, 5: 0, 10: 0}, 0)
    assert found.recall_chance[1] > 0


def test_as_many_queries_are_drawn_as_wanted_and_a_seed_is_a_drawing() -> None:
    labels, people = made()
    embeddings = np.random.default_rng(1).normal(0, 1, (400, 8)).astype(np.float32)
    one, again, other = (
        retrieval_of(embeddings, labels, people, RetrievalConfig(num_queries=30, seed=seed)) for seed in (0, 0, 1)
    )
    assert one.num_queries == 30
    assert one == again
    assert one != other


def test_small_blocks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, people = made(60)
    embeddings = np.random.default_rng(1).normal(0, 1, (60, 8)).astype(np.float32)
    before = retrieval_of(embeddings, labels, people, RetrievalConfig())
    monkeypatch.setattr(retrieval, "BLOCK_SCORES", 1)
    assert retrieval_of(embeddings, labels, people, RetrievalConfig()) == before


@pytest.mark.parametrize(
    ("labels", "people"),
    [([[0], [0]], "ab"), ([[1], [1]], "aa"), ([[-1], [-1]], "ab"), ([[1], [-1]], "ab")],
    ids=["no AU", "one identity", "no label", "one identity with labels"],
)
def test_what_cannot_be_looked_for_is_refused(labels: list[list[int]], people: str) -> None:
    with pytest.raises(ConfigError, match="needs faces of two identities and one with an AU; of"):
        retrieval_of(np.eye(2, dtype=np.float32), np.array(labels, np.int8), list(people), RetrievalConfig())


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"recall needs numbers of faces of at least 1, not \(1, 0\)"):
        RetrievalConfig(ks=(1, 0))
    with pytest.raises(ConfigError, match="at least 1 query is needed, not 0"):
        RetrievalConfig(num_queries=0)
