"""What a stage is to the runner: items by shard, rows for an item, and a tally."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pyarrow as pa

from tcae.manifests.errors import ConfigError, ItemError
from tcae.manifests.rows import ClipKey, Face, Frame
from tcae.manifests.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd  # half of the time that a worker takes to start, and only a selection needs it

Row: TypeAlias = Frame | Face
Rows: TypeAlias = dict[str, list[Any]]
"""The rows of one clip, by table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One clip as a stage sees it."""

    key: ClipKey
    inputs: Any
    """What the stage reads of it: a ``Clip``, or the clip's ``Frame`` rows."""
    fingerprints: Mapping[str, str]
    """By table: what the rows must carry to count as made."""
    is_lost: bool = False
    """Whether what its rows speak of is known to be gone, so that it is to be made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which clips a command works on; the others' rows stay as they are."""

    ids: frozenset[str] | None = None
    """Only these identities; None for all."""
    limit: int | None = None
    """Only so many clips, the first by key."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"--limit must be at least 1, got {self.limit}")

    def keys(self, clips: pa.Table) -> frozenset[ClipKey] | None:
        """The chosen clips' keys among rows that have key columns; None when that is all of them.

        Raises:
            ConfigError: an identity was asked for that is not there.
        """
        if self.ids is None and self.limit is None:
            return None
        keys: pd.DataFrame = clips.select(list(ClipKey._fields)).to_pandas().drop_duplicates()
        if self.ids is not None:
            missing = sorted(self.ids - set(keys.identity))
            if missing:
                raise ConfigError(f"no such identities: {', '.join(missing[:5])}; {keys.identity.nunique()} are there")
            keys = keys[keys.identity.isin(self.ids)]
        keys = keys.sort_values(list(ClipKey._fields)).head(self.limit or len(keys))
        return frozenset(ClipKey(*row) for row in keys.itertuples(index=False, name=None))


class Stage(Protocol):
    """One manifest in, one or more out; it knows nothing of what runs it."""

    @property
    def name(self) -> str:
        """The command's name."""

    @property
    def workspace(self) -> Workspace:
        """Where it reads and writes."""

    @property
    def source(self) -> str:
        """The manifest that it reads."""

    @property
    def tables(self) -> Mapping[str, type]:
        """The manifests that it writes, with their row types."""

    def describe(self) -> dict[str, Any]:
        """Every setting that the output depends on, as JSON values."""

    def items(self, shard: int) -> list[Item]:
        """The selected clips of a shard, in the order of their keys."""

    def orphans(self, shard: int, keys: Iterable[ClipKey]) -> list[ClipKey]:
        """Of the clips that have rows, those whose rows and files must go because their inputs went."""

    def discard(self, key: ClipKey) -> None:
        """Remove the files that this stage wrote for a clip."""

    def check(self, item: Item) -> None:
        """Refuse a clip that cannot be made as things are, before anything is run; raises ConfigError."""

    def make(self, item: Item) -> Rows:
        """Make one clip's rows and files; raises ItemError when the whole clip yields nothing."""

    def reject(self, item: Item, error: ItemError) -> Rows:
        """The rows of a clip that raised."""

    def is_made(self, item: Item, rows: Rows) -> bool:
        """Whether these rows, found in the tables, are what ``make`` would give; by their fingerprints and reasons."""

    def settle(self, shard: int, found: dict[ClipKey, Rows]) -> None:
        """Bring the shard's files to rest before ``found`` is written; may take clips out whose files are lost."""


def carries(item: Item, rows: Rows, table: str) -> bool:
    """Whether a clip has rows in ``table`` and each has the wanted fingerprint; never of an item that is lost."""
    found = rows.get(table, [])
    return bool(found) and not item.is_lost and all(row.fingerprint == item.fingerprints[table] for row in found)


@dataclass(kw_only=True)
class Tally:
    """What became of some clips; tallies add up."""

    clips: int = 0
    """Clips seen."""
    made: int = 0
    """Of these, made now."""
    kept: int = 0
    """Of these, found made."""
    left: int = 0
    """Of these, not reached because the run was stopped."""
    is_stopped: bool = False
    """Whether the user stopped the run before its end."""
    deaths: list[str] = field(default_factory=list)
    """Where worker processes died again and again."""
    done: Counter[str] = field(default_factory=Counter)
    """Rows with a result, by table."""
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rejection rows, by table and reason."""

    def add(self, other: "Tally") -> None:
        """Take in another tally."""
        self.clips += other.clips
        self.made += other.made
        self.kept += other.kept
        self.left += other.left
        self.deaths += other.deaths
        self.done += other.done
        self.rejected += other.rejected

    def count(self, rows: Rows) -> None:
        """Take in the rows of one clip."""
        for table, table_rows in rows.items():
            for row in table_rows:
                if row.reason is None:
                    self.done[table] += 1
                else:
                    self.rejected[table, row.reason] += 1

    def reasons(self, table: str) -> dict[str, int]:
        """Rejections of one table by reason, the commonest first."""
        return {reason: count for (of, reason), count in self.rejected.most_common() if of == table}


def by_clip(rows: Sequence[Any]) -> dict[ClipKey, list[Any]]:
    """Group rows by their clip, keeping their order."""
    groups: dict[ClipKey, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    return groups
