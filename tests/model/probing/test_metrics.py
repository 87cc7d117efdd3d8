"""Scores are those of scikit-learn and of loops over frames; what is undefined is NaN and counted."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from tcae.model.probing.linear import Floats, Labels
from tcae.model.probing.metrics import (
    accuracy_of,
    auc_of,
    counts_of,
    f1_of,
    labelled_of,
    mean_of,
    means_of,
    positives_of,
)


def decided(seed: int, num: int = 60, num_aus: int = 3) -> tuple[NDArray[np.str_], Labels, Floats]:
    """Identities, labels with a fifth missing, and logits of which many are tied and some 0."""
    generator = np.random.default_rng(seed)
    identities = generator.choice(["F002", "F001", "M001"], num)
    labels = generator.integers(0, 2, (num, num_aus)).astype(np.int8)
    labels[generator.random(labels.shape) < 0.2] = -1
    return identities, labels, generator.integers(-3, 4, (num, num_aus)).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_pooled_scores_are_those_of_scikit_learn(seed: int) -> None:
    identities, labels, logits = decided(seed)
    counts = counts_of(identities, labels, logits).counts.sum(0)
    for au in range(3):
        known = labels[:, au] >= 0
        true, called = labels[known, au], logits[known, au] > 0
        assert f1_of(counts)[au] == pytest.approx(f1_score(true, called))
        assert accuracy_of(counts)[au] == pytest.approx(accuracy_score(true, called))
        assert auc_of(labels, logits)[au] == pytest.approx(roc_auc_score(true, logits[known, au]))
        assert positives_of(counts)[au] == (true == 1).sum()
        assert labelled_of(counts)[au] == known.sum()


def test_counts_are_those_of_a_loop_over_frames() -> None:
    identities, labels, logits = decided(9)
    counted = counts_of(identities, labels, logits)
    assert counted.identities.tolist() == ["F001", "F002", "M001"]
    plain = np.zeros((3, 3, 4), np.int64)
    for identity, row, scored in zip(identities, labels, logits, strict=True):
        who = counted.identities.tolist().index(identity)
        for au in range(3):
            if row[au] >= 0:
                outcome = {(1, True): 0, (0, True): 1, (1, False): 2, (0, False): 3}[int(row[au]), bool(scored[au] > 0)]
                plain[who, au, outcome] += 1
    np.testing.assert_array_equal(counted.counts, plain)


def test_a_logit_of_0_calls_the_au_absent() -> None:
    counts = counts_of(np.array(["a"]), np.array([[1]], np.int8), np.array([[0.0]], np.float32)).counts
    assert counts.tolist() == [[[0, 0, 1, 0]]]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((5, 0, 0, 5), 1.0), ((1, 1, 1, 0), 0.5), ((0, 0, 4, 4), 0.0), ((0, 3, 4, 4), 0.0), ((3, 1, 2, 9), 6 / 9)],
)
def test_f1_of_counts(counts: tuple[int, ...], expected: float) -> None:
    assert float(f1_of(np.array(counts))) == pytest.approx(expected)


@pytest.mark.parametrize("counts", [(0, 0, 0, 8), (0, 3, 0, 8), (0, 0, 0, 0)])
def test_f1_without_positive_labels_is_nan(counts: tuple[int, ...]) -> None:
    assert math.isnan(float(f1_of(np.array(counts))))


def test_accuracy_without_labels_is_nan() -> None:
    assert math.isnan(float(accuracy_of(np.zeros(4, np.int64))))


@pytest.mark.parametrize("column", [[1, 1, -1], [0, 0, 0], [-1, -1, -1]])
def test_the_area_of_one_class_is_nan(column: list[int]) -> None:
    assert math.isnan(auc_of(np.array([column], np.int8).T, np.ones((3, 1), np.float32))[0])


def test_a_mean_leaves_out_and_counts_what_is_undefined() -> None:
    some = mean_of(np.array([0.2, np.nan, 0.6]))
    assert some.value == pytest.approx(0.4)
    assert some.num_undefined == 1
    nothing = mean_of(np.full(3, np.nan))
    assert math.isnan(nothing.value)
    assert nothing.num_undefined == 3


def test_means_along_an_axis_leave_out_what_is_undefined() -> None:
    values = np.array([[0.2, np.nan, 0.6], [np.nan, np.nan, np.nan]])
    np.testing.assert_allclose(means_of(values, 1), [0.4, np.nan])
    np.testing.assert_allclose(means_of(values, 0), [0.2, np.nan, 0.6])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_scores_lie_in_0_to_1_and_do_not_depend_on_the_order_of_frames(data: st.DataObject) -> None:
    num = data.draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[Any], dtype: type) -> NDArray[Any]:
        return np.array(data.draw(st.lists(values, min_size=num, max_size=num)), dtype)[:, None]

    labels = column(st.sampled_from([-1, 0, 1]), np.int8)
    logits = column(st.floats(-5, 5, width=32), np.float32)
    identities = column(st.sampled_from(["a", "b"]), np.str_)[:, 0]
    order = np.array(data.draw(st.permutations(range(num))))
    counts, shuffled = (
        counts_of(identities[each], labels[each], logits[each]).counts for each in (np.arange(num), order)
    )
    np.testing.assert_array_equal(counts, shuffled)
    assert labelled_of(counts).sum() == (labels >= 0).sum()
    area, turned = auc_of(labels, logits)[0], auc_of(labels, -logits)[0]
    np.testing.assert_equal(auc_of(labels[order], logits[order])[0], area)
    for score in (f1_of(counts.sum(0))[0], accuracy_of(counts.sum(0))[0], area):
        assert math.isnan(score) or 0 <= score <= 1
    assert math.isnan(area) or area + turned == pytest.approx(1)
