"""Which identity goes to train, val or test; never a pair, a clip or a video on its own."""

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.rows import Identity
from tcae.manifests.tables import read_parts, read_table

SPLITS = ("train", "val", "test")
"""What a model is trained, chosen and judged on."""

OfficialTest: TypeAlias = Literal["include", "exclude"]

_TIES = (1, 2, 0)
"""Of equal claims val has the first and test the second, because train has the most to give."""


@dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """How identities are shared out."""

    ratios: tuple[float, float, float] = (75, 15, 10)
    """Shares of train, val and test; any unit. The defaults are those of TCAE's released splitter."""
    seed: int = 0
    """Another seed is another order of the identities."""
    official_test: OfficialTest = "include"
    """``exclude`` keeps the identities that the data set itself tests on out of all three."""

    def __post_init__(self) -> None:
        numbers = len(self.ratios) == 3 and all(math.isfinite(ratio) and ratio >= 0 for ratio in self.ratios)
        if not numbers or sum(self.ratios) <= 0:
            raise ConfigError(
                f"ratios {self.ratios} must be three numbers of at least 0 (train, val, test), not all of them 0"
            )
        if self.official_test not in get_args(OfficialTest):
            raise ConfigError(f"official_test {self.official_test!r} must be one of include, exclude")


def parse_ratios(text: str) -> tuple[float, float, float]:
    """The ratios that a user wrote.

    >>> parse_ratios("75/15/10")
    (75.0, 15.0, 10.0)

    Raises:
        ConfigError: it is not three numbers with slashes between them.
    """
    try:
        train, val, test = (float(part) for part in text.split("/"))
    except ValueError as error:
        raise ConfigError(f"ratios {text!r} must be three numbers with slashes between them, like 75/15/10") from error
    return train, val, test


def share_out(total: int, ratios: tuple[float, float, float]) -> tuple[int, int, int]:
    """Share ``total`` identities by largest remainder; of equal remainders val comes first, then test.

    The arithmetic is exact: a ratio is taken as the decimal number that prints as it does.

    >>> share_out(10, (75, 15, 10))
    (7, 2, 1)
    """
    exact = [Fraction(str(ratio)) for ratio in ratios]
    quotas = [total * ratio / sum(exact) for ratio in exact]
    counts = [math.floor(quota) for quota in quotas]
    by_remainder = sorted(_TIES, key=lambda split: counts[split] - quotas[split])
    for split in by_remainder[: total - sum(counts)]:
        counts[split] += 1
    return counts[0], counts[1], counts[2]


def seeded_hash(seed: int, identity: str) -> int:
    """A 64-bit number that depends on the seed and the identity's name and on nothing else."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\n{identity}".encode(), digest_size=8).digest())


def assign(
    identities: Collection[str],
    config: SplitConfig,
    official_test: Collection[str] = (),
    kept: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Give each identity one split; the order in which they are listed does not matter.

    Without ``kept`` the numbers are exactly those of ``share_out``. With it nothing moves, and each new identity goes
    where most are missing; the numbers are those of ``share_out`` again unless an earlier split holds too many.

    Args:
        identities: Those that have a pair.
        config: Ratios and seed.
        official_test: Those that the data set itself tests on.
        kept: Earlier assignments, as ``read_assignments`` gives them; other identities in it are ignored.

    Returns:
        ``train``, ``val``, ``test`` or ``excluded`` for each identity.

    Raises:
        ConfigError: an identity to exclude was in train, val or test before.
    """
    held = {name: split for name in identities if (split := (kept or {}).get(name))}
    excluded = set(official_test).intersection(identities) if config.official_test == "exclude" else set()
    _refuse_moves(held, excluded)
    held |= dict.fromkeys(excluded, "excluded")
    new = sorted(set(identities) - held.keys(), key=lambda name: (seeded_hash(config.seed, name), name))
    taken = Counter(held.values())
    counts = _fill([taken[split] for split in SPLITS], len(new), config.ratios)
    slots = [split for split, count in zip(SPLITS, counts, strict=True) for _ in range(count)]
    return held | dict(zip(new, slots, strict=True))


def _refuse_moves(held: Mapping[str, str], excluded: Iterable[str]) -> None:
    moved = sorted(name for name in excluded if held.get(name, "excluded") != "excluded")
    if moved:
        raise ConfigError(
            f"{len(moved)} official test identities, {moved[0]} the first, were in {held[moved[0]]} before and would "
            "now be excluded; keep nothing, or include the official test identities"
        )


def _fill(taken: list[int], num_new: int, ratios: tuple[float, float, float]) -> list[int]:
    """How many new identities each split gets: one after another where most are missing."""
    missing = [want - have for want, have in zip(share_out(sum(taken) + num_new, ratios), taken, strict=True)]
    counts = [0, 0, 0]
    for _ in range(num_new):
        split = max(_TIES, key=lambda split: missing[split] - counts[split])
        counts[split] += 1
    return counts


def read_assignments(path: Path) -> dict[str, str]:
    """Earlier assignments: an ``identities`` table (a Parquet file or its folder) or a CSV file with identity, split.

    Identities that were in no split (an empty cell or null) are left out: they are new when they have a pair.

    Raises:
        ConfigError: nothing of the kind is there.
        ManifestError: an identity without a name or given twice, or a split of another name, with file and line.
    """
    if path.is_dir() and any(path.glob("*.parquet")):
        lines = _numbered(read_parts(path, Identity, ["identity", "split"]), path)
    elif path.is_file() and path.suffix == ".parquet":
        lines = _numbered(read_table(path, Identity, ["identity", "split"]), path)
    elif path.is_file():
        lines = _csv_lines(path)
    else:
        raise ConfigError(
            f"{path} holds no earlier assignments; name an identities table (Parquet) or a CSV file with identity,split"
        )
    return _checked(lines)


_Line: TypeAlias = tuple[str, str | None, str | None]
"""Where it stands, the identity, the split."""


def _numbered(table: Any, path: Path) -> list[_Line]:
    columns = zip(table.column("identity").to_pylist(), table.column("split").to_pylist(), strict=True)
    return [(f"{path}, row {number}", identity, split) for number, (identity, split) in enumerate(columns, 1)]


def _csv_lines(path: Path) -> list[_Line]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if not {"identity", "split"} <= set(reader.fieldnames or ()):
                raise ManifestError(f"{path}, line 1: the columns must be identity,split, not {reader.fieldnames}")
            return [(f"{path}, line {reader.line_num}", row["identity"], row["split"]) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{path} is not a UTF-8 CSV file with identity,split: {error}") from error


def _checked(lines: Iterable[_Line]) -> dict[str, str]:
    seen: dict[str, str | None] = {}
    for where, identity, split in lines:
        if not identity:
            raise ManifestError(f"{where}: the identity has no name")
        if identity in seen:
            raise ManifestError(f"{where}: identity {identity} stands there a second time")
        if split and split not in (*SPLITS, "excluded"):
            raise ManifestError(f"{where}: split {split!r} of {identity} must be train, val, test or excluded")
        seen[identity] = split
    return {identity: split for identity, split in seen.items() if split}
