"""What the page says in numbers beside the status: settings, splits and the outcome of single clips."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tcae.manifests.pairs import PairIndex
from tcae.manifests.rows import ClipKey, type_of_table
from tcae.manifests.tables import open_table, read_parts, read_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.report.sampling import Row
from tcae.pipeline.status import KEY, SPLITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a manifest's parts say that they were made with."""

    table: str
    command: str
    values: dict[str, str]
    """Of most parts."""
    versions: dict[str, str]
    num_parts: int
    num_others: int
    """Parts that were made with other settings or versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTally:
    """One line of the table of splits."""

    split: str
    identities: int
    videos: int
    tracks: int
    single_tracks: int
    faces: int
    pairs: int | None
    """Ordered pairs that can be drawn; None without an index."""
    fixed: int | None
    """Pairs of the fixed list; None where there is none, as in train."""


@dataclass(slots=True, kw_only=True)
class ClipOutcome:
    """One line of the table of clips."""

    key: ClipKey
    name: str
    num_frames: int
    num_faces: int
    num_rejected: int
    reasons: dict[str, int] = field(default_factory=dict)
    detail: str = ""

    @property
    def num_waiting(self) -> int:
        """Frames without an outcome yet."""
        return max(0, self.num_frames - self.num_faces - self.num_rejected)


def read_settings(workspace: Workspace) -> list[Settings]:
    """The settings of every manifest that is there, from the parts' footers."""
    return [
        found for table in type_of_table for found in [_settings_of(workspace, table)] if found and table != "clips"
    ]


def _settings_of(workspace: Workspace, table: str) -> Settings | None:
    tally = Counter(_provenance(path) for path in sorted(workspace.manifest(table).glob("*.parquet")))
    if not tally:
        return None
    (stage, config, versions), number = tally.most_common(1)[0]
    return Settings(
        table=table,
        command=stage,
        values=_flat(json.loads(config)),
        versions=json.loads(versions),
        num_parts=tally.total(),
        num_others=tally.total() - number,
    )


def _provenance(path: Path) -> tuple[str, str, str]:
    """What a part's metadata say of the stage, its settings and the versions; the last two are JSON objects."""
    with open_table(path) as part:
        metadata = part.schema_arrow.metadata or {}
    stage, *others = (metadata.get(name, b"").decode(errors="replace") for name in _PROVENANCE)
    config, versions = (text if _is_object(text) else "{}" for text in others)
    return stage, config, versions


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


_PROVENANCE = (b"tcae.stage", b"tcae.config", b"tcae.versions")


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as one level, their names joined by dots."""
    flat: dict[str, str] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value if isinstance(value, str) else json.dumps(value)
    return flat


def read_splits(workspace: Workspace) -> list[SplitTally]:
    """One line per split that has an identity, then those without a pair; empty before ``split`` ran.

    Raises:
        ManifestError: a table is damaged, or tables come from different runs of the split.
    """
    columns = ["split", "num_videos", "num_tracks", "num_single_tracks", "num_faces"]
    rows = read_parts(workspace.manifest("identities"), type_of_table["identities"], columns)
    return [
        _split_tally(workspace, split or "no pair", chosen)
        for split in (*SPLITS, None)
        for chosen in [
            rows.filter(pc.is_null(rows.column("split")) if split is None else pc.equal(rows["split"], split))
        ]
        if len(chosen)
    ]


def _split_tally(workspace: Workspace, split: str, rows: pa.Table) -> SplitTally:
    folder = workspace.manifest("pairs") / split
    index = PairIndex.open(folder) if (folder / "tracks.parquet").is_file() else None
    videos, tracks, single, faces = (int(pc.sum(column).as_py() or 0) for column in rows.columns[1:])
    return SplitTally(
        split=split,
        identities=len(rows),
        videos=videos,
        tracks=tracks,
        single_tracks=single,
        faces=faces,
        pairs=None if index is None else index.num_pairs,
        fixed=None if index is None else len(index.fixed) or None,
    )


def read_outcomes(workspace: Workspace, census: Sequence[Row]) -> list[ClipOutcome]:
    """The names and reasons of some clips, in their order.

    Args:
        workspace: Where the tables lie.
        census: Rows of the census; only the shards of these clips are read.
    """
    outcomes = {
        key: ClipOutcome(
            key=key,
            name="",
            num_frames=row["num_frames"],
            num_faces=row["num_faces"],
            num_rejected=row["num_rejected"],
        )
        for row in census
        for key in [_key(row)]
    }
    shards: dict[int, set[ClipKey]] = defaultdict(set)
    for key in outcomes:
        shards[shard_of(key)].add(key)
    for shard, keys in shards.items():
        for row in _rows_of(workspace, "clips", shard, [*KEY, "name"], keys):
            outcomes[_key(row)].name = row["name"]
        for table in ("frames", "faces"):
            for row in _rows_of(workspace, table, shard, [*KEY, "reason", "detail"], keys):
                _count(outcomes[_key(row)], row)
    return list(outcomes.values())


def _count(outcome: ClipOutcome, row: Row) -> None:
    if row["reason"] is not None:
        outcome.reasons[row["reason"]] = outcome.reasons.get(row["reason"], 0) + 1
        outcome.detail = outcome.detail or row["detail"] or ""


def _rows_of(workspace: Workspace, table: str, shard: int, columns: list[str], keys: set[ClipKey]) -> Iterable[Row]:
    path = workspace.part(table, shard)
    if not path.exists():
        return []
    rows = read_table(path, type_of_table[table], columns)
    rows = rows.filter(pc.is_in(rows.column("identity"), pa.array(sorted({key.identity for key in keys}))))
    return [row for row in rows.to_pylist() if _key(row) in keys]


def _key(row: Row) -> ClipKey:
    return ClipKey(row["identity"], row["video"], row["clip"])
