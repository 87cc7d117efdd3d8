import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.pipeline.report.figures import HEIGHT, MOST_BARS, WIDTH, Histogram, bar_edges, histogram, round_step


def drawn(values: list[float], finest: float = 1.0) -> Histogram:
    figure = histogram("Width", "a note", np.array(values, np.float32), " px", finest=finest)
    assert figure is not None
    return figure


def counts_of(figure: Histogram) -> list[int]:
    return [int(bar.text.rpartition(": ")[2].replace(",", "")) for bar in figure.bars]


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=300), st.sampled_from([0.001, 0.1, 1.0]))
def test_every_value_is_counted_once_and_every_bar_is_inside(values: list[float], finest: float) -> None:
    figure = drawn(values, finest)
    assert sum(counts_of(figure)) == len(values)
    assert len(figure.bars) <= MOST_BARS + 2
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH and 0 <= bar.y <= HEIGHT for bar in figure.bars)
    assert 0 <= figure.median_x <= WIDTH


@pytest.mark.parametrize(
    ("least", "step"), [(0.03, 0.05), (0.05, 0.05), (7, 10), (1, 1), (1.01, 2), (2.5, 5), (123, 200), (0.0, 0.0)]
)
def test_a_round_step_is_the_next_1_2_or_5(least: float, step: float) -> None:
    assert round_step(least) == pytest.approx(step)


def test_edges_are_multiples_of_their_step() -> None:
    edges = bar_edges(np.array([13.2, 87.9]), finest=1.0)
    steps = {round(high - low, 9) for low, high in itertools.pairwise(edges.tolist())}
    assert steps == {5.0}
    assert (edges[0], edges[-1]) == (10.0, 90.0)


def test_one_far_value_among_many_does_not_squeeze_the_others() -> None:
    figure = drawn([float(value) for value in range(400)] + [1e6])
    assert sum(counts_of(figure)) == 401
    assert max(counts_of(figure)) < 60


def test_bars_are_never_finer_than_asked() -> None:
    assert len(drawn([0.9999991, 0.9999995, 1.0], finest=0.001).bars) <= 2


def test_the_summary_has_median_range_and_unit() -> None:
    assert drawn([10.0, 20.0, 30.0]).summary == "median 20 px · 90 % lie in 11 to 29 px"


def test_values_that_are_not_numbers_are_left_out_and_nothing_gives_no_figure() -> None:
    assert sum(counts_of(drawn([1.0, float("nan"), 2.0]))) == 2
    assert histogram("Width", "", np.array([np.nan], np.float32)) is None
