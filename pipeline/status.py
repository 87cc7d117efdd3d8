"""What is done, rejected and still to do, counted from the tables alone.

The *census* has one row per clip with its counts; a clip's rows lie in the same shard of every table, so it is taken
shard by shard and reads nothing but keys and reasons.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tcae.manifests.rows import type_of_table
from tcae.manifests.tables import open_table, read_parts, read_table
from tcae.manifests.workspace import NUM_SHARDS, Workspace

KEY = ["identity", "video", "clip"]
"""The columns that name a clip."""

COUNTS = {
    "clips": ("num_usable", "num_refused"),
    "frames": ("num_frames", "num_failed"),
    "faces": ("num_faces", "num_rejected"),
}
"""Per table, the census' columns that count its results and its rejections."""

SPLITS = ("train", "val", "test", "excluded")
"""Every value of an identity's split."""


@dataclass(frozen=True, slots=True)
class Census:
    """The counts of one shard."""

    clips: pa.Table
    """One row per clip: see ``count_clips``."""
    reasons: dict[str, Counter[str]]
    """Rejections by reason, per table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One line of the status: ``num_items`` = ``num_done`` + rejections + ``num_to_do``."""

    stage: str
    """``extract``, ``align`` or ``split``."""
    item: str
    """What the stage maps over, in the plural."""
    num_items: int
    """Items that came in."""
    num_done: int
    """Items with at least one result."""
    rejected: dict[str, int]
    """Rejections by reason, the commonest first."""
    num_to_do: int
    """Items without a row."""
    made: dict[str, int] = field(default_factory=dict)
    """What the items became, by name."""

    @property
    def num_rejected(self) -> int:
        """Rejections of every reason together."""
        return sum(self.rejected.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What became of everything in a workspace."""

    stages: list[Stage]
    """In the order in which they run."""
    notes: list[str]
    """One sentence for each thing that does not add up or that surprises; empty when all is conserved."""
    next_step: str | None
    """What to run next; None when nothing is left to do."""


def shards_of(workspace: Workspace, *tables: str) -> list[int]:
    """The shards that have a part in any of the tables, ascending; files of other names are passed over."""
    stems = {path.stem for table in tables for path in workspace.manifest(table).glob("[0-9][0-9][0-9][0-9].parquet")}
    return sorted(int(stem) for stem in stems if int(stem) < NUM_SHARDS)


def take_census(workspace: Workspace, shard: int) -> Census:
    """Count one shard's clips.

    Raises:
        ManifestError: a part is damaged or of another schema.
    """
    parts = {}
    for table in COUNTS:
        path = workspace.part(table, shard)
        if path.exists():
            parts[table] = read_table(path, type_of_table[table], [*KEY, "reason"])
    return Census(count_clips(parts), {table: _tally(rows) for table, rows in parts.items()})


def count_clips(parts: Mapping[str, pa.Table]) -> pa.Table:
    """Count what each clip has in the parts of one shard.

    Args:
        parts: By the name of the table; at least one, each with ``KEY`` and ``reason``.

    Returns:
        One row per clip: ``KEY`` and the six columns that ``COUNTS`` names, int64.
    """
    columns = [column for pair in COUNTS.values() for column in pair]
    counted = pa.concat_tables([_count(rows, table) for table, rows in parts.items()])
    counted = counted.group_by(KEY).aggregate([(column, "sum") for column in columns])
    return counted.rename_columns([name.removesuffix("_sum") for name in counted.column_names])


def _tally(rows: pa.Table) -> Counter[str]:
    return Counter(
        {each["values"]: each["counts"] for each in pc.value_counts(rows.column("reason").drop_null()).to_pylist()}
    )


def _count(rows: pa.Table, table: str) -> pa.Table:
    rejected = pc.cast(pc.is_valid(rows.column("reason")), pa.int64())
    zeros = pa.array(np.zeros(len(rows), np.int64))
    counted = rows.select(KEY).replace_schema_metadata(None)
    for name, (results, rejections) in COUNTS.items():
        own = name == table
        counted = counted.append_column(results, pc.subtract(1, rejected) if own else zeros)
        counted = counted.append_column(rejections, rejected if own else zeros)
    return counted


def censuses(workspace: Workspace) -> Iterator[Census]:
    """Every shard's census, ascending; a handful in memory at a time.

    Raises:
        ManifestError: a part is damaged or of another schema.
    """
    shards = shards_of(workspace, *COUNTS)
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(shards), 64):
            yield from pool.map(lambda shard: take_census(workspace, shard), shards[start : start + 64])


@dataclass(slots=True)
class _Sums:
    """What the censuses add up to."""

    totals: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: {table: Counter() for table in COUNTS})
    identities: set[str] = field(default_factory=set)
    """With at least one face."""

    def add(self, census: Census) -> None:
        """Count one more shard."""
        clips = census.clips
        for name in (column for pair in COUNTS.values() for column in pair):
            self.totals[name] += int(pc.sum(clips.column(name)).as_py() or 0)
        for table, tally in census.reasons.items():
            self.reasons[table].update(tally)
        usable, refused, frames, failed, faces, rejected = (
            clips.column(name).to_numpy() for pair in COUNTS.values() for name in pair
        )
        listed, extracted, aligned = usable + refused, frames + failed, faces + rejected
        self.totals["clips"] += int((listed + extracted > 0).sum())
        self.totals["extracted"] += int((frames > 0).sum())
        self.totals["not extracted"] += int(((listed > 0) & (extracted == 0)).sum())
        self.totals["not aligned"] += int(np.maximum(frames - aligned, 0).sum())
        self.totals["no longer listed"] += int(((extracted > 0) & (listed == 0)).sum())
        self.totals["listed twice"] += int((listed > 1).sum())
        self.totals["both"] += int((((frames > 0) & (failed > 0)) | (failed > 1)).sum())
        self.totals["without a frame"] += int(np.maximum(aligned - frames, 0).sum())
        self.identities.update(clips.column("identity").filter(pa.array(faces > 0)).unique().to_pylist())


def take_status(workspace: Workspace) -> Status:
    """Count what every stage did.

    Raises:
        ManifestError: a part is damaged or of another schema.
    """
    sums = _Sums()
    for census in censuses(workspace):
        sums.add(census)
    split, stale = _split_stage(workspace, sums)
    stages = [*_picture_stages(sums), split]
    return Status(stages=stages, notes=_notes(sums.totals) + stale, next_step=_next_step(stages))


def _picture_stages(sums: _Sums) -> list[Stage]:
    totals = sums.totals
    return [
        Stage(
            stage="extract",
            item="clips",
            num_items=totals["clips"],
            num_done=totals["extracted"],
            rejected=dict(sums.reasons["frames"].most_common()),
            num_to_do=totals["not extracted"],
            made={"frames": totals["num_frames"]},
        ),
        Stage(
            stage="align",
            item="frames",
            num_items=totals["num_frames"],
            num_done=totals["num_faces"],
            rejected=dict(sums.reasons["faces"].most_common()),
            num_to_do=totals["not aligned"],
            made={"faces": totals["num_faces"]},
        ),
    ]


def _split_stage(workspace: Workspace, sums: _Sums) -> tuple[Stage, list[str]]:
    columns = ["identity", "split", "num_faces", "reason"]
    rows = read_parts(workspace.manifest("identities"), type_of_table["identities"], columns)
    known = set(rows.column("identity").to_pylist())
    reasons = Counter(reason for reason in rows.column("reason").to_pylist() if reason is not None)
    tally = Counter(rows.column("split").to_pylist())
    stage = Stage(
        stage="split",
        item="identities",
        num_items=len(known | sums.identities),
        num_done=len(known) - reasons.total(),
        rejected=dict(reasons.most_common()),
        num_to_do=len(sums.identities - known),
        made={split: tally[split] for split in SPLITS if tally[split]},
    )
    then, now = int(pc.sum(rows.column("num_faces")).as_py() or 0), sums.totals["num_faces"]
    stale = [f"split was made from {then:,} faces and there are {now:,} now; run tcae-prep split again"]
    return stage, stale if known and then != now else []


def _notes(totals: Counter[str]) -> list[str]:
    sentences = {
        "no longer listed": "clips that left the source, what was made of them is kept: {}",
        "listed twice": "not conserved: clips that are listed twice: {}; run tcae-prep verify",
        "both": "not conserved: clips both extracted and rejected, or rejected twice: {}; run tcae-prep verify",
        "without a frame": "not conserved: rows of faces beyond the frames of their clips: {}; run tcae-prep verify",
    }
    return [sentence.format(f"{totals[name]:,}") for name, sentence in sentences.items() if totals[name]]


def _next_step(stages: list[Stage]) -> str | None:
    if not stages[0].num_items:
        return "nothing is here yet; run tcae-prep extract --source PATH first"
    left = [f"run tcae-prep {stage.stage}" for stage in stages if stage.num_to_do]
    return left[0] if left else None


def num_rows(folder: str, workspace: Workspace) -> dict[str, int]:
    """Rows of each table of ``manifests/<folder>``, from the files' footers; empty when the folder is absent."""
    paths = sorted(workspace.manifest(folder).glob("*.parquet"))
    return {path.stem: _num_rows(path) for path in paths}


def _num_rows(path: Path) -> int:
    with open_table(path) as source:
        return int(source.metadata.num_rows)
