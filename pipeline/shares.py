"""One job's share of the shards, for arrays of jobs that know nothing of each other."""

import re
from dataclasses import dataclass

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import NUM_SHARDS

_SHARE = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Share:
    """The i-th of n equal shares of the shards; every shard is in exactly one.

    Raises:
        ConfigError: there is no such share.
    """

    number: int = 1
    """i, from 1."""
    of: int = 1
    """n."""

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= NUM_SHARDS:
            raise ConfigError(f"--shard {self} is no share: i/n wants 1 <= i <= n <= {NUM_SHARDS}, such as 3/64")

    def holds(self, shard: int) -> bool:
        """Whether a shard is in this share."""
        return shard % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE = Share()
"""All shards."""


def parse_share(text: str) -> Share:
    """What ``--shard i/n`` asks for.

    >>> parse_share("3/64")
    Share(number=3, of=64)

    Raises:
        ConfigError: it is not of that form, or there is no such share.
    """
    match = _SHARE.fullmatch(text)
    if match is None:
        raise ConfigError(f"--shard wants i/n, such as 3/64: the third of 64 shares; got {text!r}")
    return Share(int(match[1]), int(match[2]))
