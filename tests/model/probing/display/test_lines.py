from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.model.probing.display.lines import pair_ticks, spread

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(SHARES)
def test_names_are_set_apart_in_their_order_and_inside(values: list[float]) -> None:
    placed = spread(values, 0.06, 0.0, 1.0)

    order = sorted(range(len(values)), key=lambda index: values[index])
    assert all(placed[low] + 0.06 <= placed[high] + 1e-9 for low, high in pairwise(order))
    assert min(placed) >= -1e-9
    assert max(placed) <= 1 + 1e-9


@given(SHARES)
def test_names_that_are_apart_stay_where_they_are(values: list[float]) -> None:
    placed = spread(values, 0.06, 0.0, 1.0)

    assert spread(placed, 0.06 - 1e-6, 0.0, 1.0) == pytest.approx(placed, abs=1e-9)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (7_100, 95_000, [10_000, 20_000, 50_000]),
        (10, 10, [10]),
        (64, 90, []),
        (100, 10_000_000, [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]),
    ],
)
def test_ticks_are_round_and_few(least: int, most: int, expected: list[int]) -> None:
    assert pair_ticks(least, most) == expected
