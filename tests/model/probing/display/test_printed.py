import math

import pytest

from tcae.model.probing.display.printed import percent, percent_between, plain


@pytest.mark.parametrize(
    ("share", "expected"), [(0.4887, "48.9"), (0.0, "0.0"), (1.0, "100.0"), (None, "-"), (math.nan, "-")]
)
def test_a_share_is_printed_in_percent_with_one_decimal(share: float | None, expected: str) -> None:
    assert percent(share) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.4, 0.61, "50.0 (40.0 to 61.0)"), (None, 0.6, "50.0"), (math.nan, math.nan, "50.0")],
)
def test_an_interval_is_printed_where_there_is_one(low: float | None, high: float | None, expected: str) -> None:
    assert percent_between(0.5, low, high) == expected


def test_a_number_that_does_not_exist_is_a_dash() -> None:
    assert plain(-3.14159, 2) == "-3.14"
    assert plain(None, 2) == plain(math.nan, 2) == "-"
