"""Box arithmetic, against slow and obvious second implementations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcae.pipeline.mtcnn.boxes import (
    Floats,
    Indices,
    place_landmarks,
    refine,
    suppress,
    suppress_nested,
    to_pixels,
    to_squares,
)


def make_boxes(seed: int, num: int, num_groups: int) -> tuple[Floats, Floats, Indices]:
    generator = np.random.default_rng(seed)
    corner = generator.uniform(-10, 60, (num, 2))
    boxes = np.concatenate([corner, corner + generator.uniform(5, 60, (num, 2))], axis=1).astype(np.float32)
    return boxes, (generator.permutation(num) / max(num, 1)).astype(np.float32), generator.integers(0, num_groups, num)


def slow_suppress(boxes: Floats, scores: Floats, groups: Indices, limit: float, *, nested: bool) -> list[int]:
    """One pair at a time."""

    def sides(box: Floats) -> list[float]:
        return [float(box[2 + axis] - box[axis] + nested) for axis in (0, 1)]

    def overlap(one: Floats, other: Floats) -> float:
        corner = [*np.maximum(one[:2], other[:2]), *np.minimum(one[2:], other[2:])]
        both = float(np.prod([max(0.0, side) for side in sides(np.array(corner, np.float32))]))
        areas = [float(np.prod(sides(box))) for box in (one, other)]
        return both / (min(areas) if nested else sum(areas) - both)

    kept: list[int] = []
    for index in np.argsort(-scores):
        rivals = [k for k in kept if groups[k] == groups[index]]
        if all(overlap(boxes[k], boxes[index]) <= limit for k in rivals):
            kept.append(int(index))
    return kept


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 40), st.integers(1, 4), st.sampled_from([0.3, 0.5, 0.7]))
def test_suppression_keeps_what_pair_by_pair_suppression_keeps(
    seed: int, num: int, num_groups: int, limit: float
) -> None:
    boxes, scores, groups = make_boxes(seed, num, num_groups)
    assert suppress(boxes, scores, groups, limit).tolist() == slow_suppress(boxes, scores, groups, limit, nested=False)
    kept = suppress_nested(boxes, scores, groups, limit).tolist()
    assert kept == slow_suppress(boxes, scores, groups, limit, nested=True)


def test_only_nested_suppression_removes_a_small_box_inside_a_better_one() -> None:
    boxes = np.array([[0, 0, 100, 100], [40, 40, 60, 60]], np.float32)
    scores, groups = np.array([0.9, 0.8], np.float32), np.zeros(2, np.int64)
    assert suppress(boxes, scores, groups, 0.7).tolist() == [0, 1]
    assert suppress_nested(boxes, scores, groups, 0.7).tolist() == [0]
    assert suppress_nested(boxes, scores, np.arange(2), 0.7).tolist() == [0, 1]


def test_among_equal_scores_plain_suppression_takes_the_first_and_nested_the_last() -> None:
    boxes = np.array([[0, 0, 50, 50], [1, 1, 51, 51]], np.float32)
    scores, groups = np.ones(2, np.float32), np.zeros(2, np.int64)
    assert suppress(boxes, scores, groups, 0.7).tolist() == [0]
    assert suppress_nested(boxes, scores, groups, 0.7).tolist() == [1]


@pytest.mark.parametrize(
    ("box", "square"),
    [((0, 0, 10, 20), (-5, 0, 15, 20)), ((0, 0, 20, 10), (0, -5, 20, 15)), ((2, 3, 9, 10), (2, 3, 9, 10))],
)
def test_squares_have_the_longer_side_about_the_same_centre(box: tuple[int, ...], square: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(to_squares(np.array([box], np.float32)), [square])


def test_offsets_count_in_sides_of_the_box_with_or_without_its_last_pixel() -> None:
    box, offsets = np.array([[10, 20, 19, 39]], np.float32), np.array([[0.1, -0.1, 0.2, 0.5]], np.float32)
    np.testing.assert_allclose(refine(box, offsets), [[11, 18, 21, 49]], atol=1e-5)
    np.testing.assert_allclose(refine(box, offsets, inclusive=False), [[10.9, 18.1, 20.8, 48.5]], atol=1e-5)


def test_landmarks_lie_where_their_fractions_say_one_pixel_up_and_left() -> None:
    fractions = np.array([[0, 0.5, 1, 0, 0, 0, 0.5, 1, 0, 0]], np.float32)
    points = place_landmarks(np.array([[10, 20, 19, 39]], np.float32), fractions)
    assert points.shape == (1, 5, 2)
    np.testing.assert_allclose(points[0, :3], [[9, 19], [14, 29], [19, 39]])


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ((1, 1, 20, 10), (0, 0, 20, 10)),
        ((5.9, 7.9, 12.9, 9.9), (4, 6, 12, 9)),
        ((-3.5, -0.5, 90, 90), (0, 0, 64, 48)),
        ((70, 3, 80, 9), (69, 2, 64, 9)),
    ],
)
def test_pixels_count_from_one_and_end_at_the_frame(box: tuple[float, ...], pixels: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(to_pixels(np.array([box], np.float32), np.array([[64, 48]])), [pixels])
