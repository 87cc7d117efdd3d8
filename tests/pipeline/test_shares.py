"""Shares divide the shards among the jobs of an array."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import NUM_SHARDS
from tcae.pipeline.shares import WHOLE, Share, parse_share


@given(st.integers(1, 200), st.integers(0, NUM_SHARDS - 1))
def test_every_shard_is_in_exactly_one_share(num: int, shard: int) -> None:
    assert [number for number in range(1, num + 1) if Share(number, num).holds(shard)] == [shard % num + 1]


def test_what_is_typed_is_what_is_shown() -> None:
    assert [str(parse_share(text)) for text in ("1/1", "3/64", "4096/4096")] == ["1/1", "3/64", "4096/4096"]
    assert parse_share("1/1") == WHOLE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0/4", r"^--shard 0/4 is no share: i/n wants 1 <= i <= n <= 4096, such as 3/64$"),
        ("5/4", r"^--shard 5/4 is no share: "),
        ("1/0", r"^--shard 1/0 is no share: "),
        ("1/4097", r"^--shard 1/4097 is no share: "),
        ("x", r"^--shard wants i/n, such as 3/64: the third of 64 shares; got 'x'$"),
        ("-1/4", r"^--shard wants i/n"),
        ("1/4 ", r"^--shard wants i/n"),
        ("1/9999999999999", r"^--shard wants i/n"),
        ("", r"^--shard wants i/n"),
    ],
)
def test_nonsense_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_share(text)
