"""The nearest are those of a slow search, and AUs are what they say."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from tcae.manifests.errors import ConfigError
from tcae.model.probing import neighbours
from tcae.model.probing.linear import Features, Labels
from tcae.model.probing.neighbours import knn_scores, nearest


def rows_of(num: int, width: int = 6, seed: int = 0) -> Features:
    """Far from their origin, so that plain cosines would all be near 1."""
    return np.random.default_rng(seed).normal(5, 1, (num, width)).astype(np.float32)


def slow_cosines(queries: Features, gallery: Features) -> NDArray[np.float64]:
    """(M, N), one by one, in float64."""
    mean = gallery.astype(np.float64).mean(0)
    cosines = np.empty((len(queries), len(gallery)))
    for i, query in enumerate(queries - mean):
        for j, row in enumerate(gallery - mean):
            cosines[i, j] = query @ row / np.sqrt((query @ query) * (row @ row))
    return cosines


@pytest.mark.parametrize("block", [1, 150, 2**24])
def test_the_nearest_are_those_of_the_slow_search(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_SCORES", block)
    queries, gallery = rows_of(13), rows_of(50, seed=1)
    wanted = slow_cosines(queries, gallery)
    scores, rows = nearest(queries, gallery, 7)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(rows, np.argsort(-wanted, 1)[:, :7])
    np.testing.assert_allclose(scores, np.take_along_axis(wanted, rows, 1), atol=1e-5)


def test_rows_of_the_query_s_group_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_SCORES", 200)
    gallery = rows_of(40)
    groups = np.arange(40) % 4
    _, rows = nearest(gallery, gallery, 30, (groups, groups))
    wanted = np.where(groups[:, None] == groups, -np.inf, slow_cosines(gallery, gallery))
    np.testing.assert_array_equal(rows, np.argsort(-wanted, 1)[:, :30])


def test_where_fewer_can_be_found_the_rest_is_said_to_be_missing() -> None:
    gallery = rows_of(3)
    scores, rows = nearest(gallery, gallery, 5, (np.array([0, 1, 2]), np.array([0, 1, 1])))
    assert [sorted(found[found >= 0]) for found in rows] == [[1, 2], [0], [0, 1, 2]]
    assert (rows[:, 3:] == -1).all()
    np.testing.assert_array_equal(np.isnan(scores), rows == -1)


def test_an_embedding_at_the_mean_is_not_found_and_finds_nothing() -> None:
    gallery = np.array([[1, 0], [-1, 0], [0, 0]], np.float32)
    scores, rows = nearest(gallery, gallery, 3)
    assert rows.tolist() == [[0, 1, -1], [1, 0, -1], [-1, -1, -1]]
    np.testing.assert_array_equal(scores[0], np.array([1, -1, np.nan], np.float32))


def test_a_common_part_of_all_embeddings_changes_nothing() -> None:
    queries, gallery = rows_of(8), rows_of(30, seed=1)
    np.testing.assert_array_equal(nearest(queries, gallery, 4)[1], nearest(queries + 3, gallery + 3, 4)[1])


@pytest.mark.parametrize("k", [1, 4, 30])
def test_unbalanced_shares_are_those_of_scikit_learn(k: int) -> None:
    train, test = rows_of(60), rows_of(25, seed=1)
    labels = (train[:, :3] > 5.5).astype(np.int8)
    mean = train.mean(0)
    theirs = KNeighborsClassifier(k, metric="cosine", algorithm="brute").fit(train - mean, labels)
    wanted = np.stack([shares[:, 1] for shares in theirs.predict_proba(test - mean)], 1)
    np.testing.assert_allclose(knn_scores(train, labels, test, k, balanced=False), wanted, atol=1e-6)


def slow_scores(train: Features, labels: Labels, test: Features, k: int) -> NDArray[np.float64]:
    """Balanced, face by face and AU by AU."""
    cosines = slow_cosines(test, train)
    scores = np.empty((len(test), labels.shape[1]))
    for i, row in enumerate(cosines):
        for au, said in enumerate(labels.T):
            votes = [said[j] for j in np.argsort(-row)[:k] if said[j] >= 0]
            votes = votes or [value for value in said if value >= 0]
            for_it = votes.count(1) / max(1, list(said).count(1))
            against = votes.count(0) / max(1, list(said).count(0))
            scores[i, au] = for_it / (for_it + against) if votes else np.nan
    return scores


def test_missing_labels_do_not_vote_and_the_rarer_class_counts_for_more() -> None:
    train, test = rows_of(50), rows_of(20, seed=1)
    generator = np.random.default_rng(2)
    labels = (generator.random((50, 5)) < 0.2).astype(np.int8)
    labels[generator.random((50, 5)) < 0.6] = -1
    labels[:, 3] = np.where(labels[:, 3] == 0, -1, labels[:, 3])  # nothing but positives
    labels[:, 4] = -1
    scores = knn_scores(train, labels, test, 3)
    np.testing.assert_allclose(scores, slow_scores(train, labels, test, 3), atol=1e-6)
    assert np.isnan(scores[:, 4]).all()
    assert (scores[:, 3] == 1).all()


def test_planted_actions_are_told() -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random((600, 2)) < (0.5, 0.1)).astype(np.int8)
    features = (labels @ generator.normal(0, 3, (2, 8)) + generator.normal(0, 0.5, (600, 8))).astype(np.float32)
    scores = knn_scores(features[:400], labels[:400], features[400:])
    assert ((scores > 0.5) == labels[400:]).mean() > 0.97


def test_nonsense_is_refused() -> None:
    rows = rows_of(4)
    with pytest.raises(ConfigError, match="at least 1 neighbour must be asked for, not 0"):
        nearest(rows, rows, 0)
    with pytest.raises(ConfigError, match=r"queries \(4, 6\) need a gallery of the same width .*: \(4, 2\)"):
        nearest(rows, rows[:, :2], 1)
    with pytest.raises(ConfigError, match=r"that is not empty: \(0, 6\)"):
        nearest(rows, rows[:0], 1)
    with pytest.raises(ConfigError, match=r"4 queries and 4 rows need as many groups: \[4, 3\]"):
        nearest(rows, rows, 1, (np.arange(4), np.arange(3)))
    with pytest.raises(ConfigError, match="4 training faces need as many rows of labels, not 3"):
        knn_scores(rows, np.zeros((3, 1), np.int8), rows)
