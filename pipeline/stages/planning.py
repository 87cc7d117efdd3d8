"""What a whole stage has to do, from as little of its tables as says so."""

from dataclasses import dataclass
from typing import NamedTuple

from tcae.manifests.rows import ClipKey
from tcae.pipeline.shares import WHOLE, Share
from tcae.pipeline.stages.base import Rows, Stage, Tally
from tcae.pipeline.stages.shards import plan_shard, read_part


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What a stage has to do."""

    sizes: dict[int, int]
    """Clips to make, by shard; shards with nothing to do are not in it."""
    num_stale: int
    """Clips among them that were made before from something else."""
    made: Tally
    """What the other shards hold already."""

    @property
    def num_todo(self) -> int:
        """Clips to make."""
        return sum(self.sizes.values())


class Trace(NamedTuple):
    """Rows of one clip that say the same of how they were made."""

    fingerprint: str
    """What they were made from."""
    reason: str | None
    """Why they have no result."""
    num: int
    """How many rows."""


def plan_job(stage: Stage, retry: str | None = None, share: Share = WHOLE) -> JobPlan:
    """Look at every shard of a share of the stage's source and say what is to do; nothing is run.

    Ten million rows are looked at where a million clips are made, so only fingerprints and reasons are read.

    Args:
        stage: What would run.
        retry: Take rejected clips again: those with this reason, or ``any``.
        share: Which shards.

    Raises:
        ConfigError: something that is to do cannot be done as things are.
        ManifestError: a part is damaged; its message says which.
    """
    sizes: dict[int, int] = {}
    made, num_stale = Tally(), 0
    for shard in filter(share.holds, _shards(stage)):
        plan = plan_shard(stage, shard, retry, read_traces(stage, shard))
        num_stale += plan.num_stale
        if plan.todo or plan.orphans:
            sizes[shard] = len(plan.todo)
        else:
            made.clips += len(plan.made)
            made.kept += len(plan.made)
            for key in plan.made:
                _count(made, plan.found[key])
    return JobPlan(sizes=sizes, num_stale=num_stale, made=made)


def read_traces(stage: Stage, shard: int) -> dict[ClipKey, Rows]:
    """The rows of a shard's parts as far as planning needs them: by clip and table, a ``Trace`` for rows that agree."""
    found: dict[ClipKey, Rows] = {}
    columns = [*ClipKey._fields, *Trace._fields[:2]]
    for table, row_type in stage.tables.items():
        path = stage.workspace.part(table, shard)
        if not path.exists():
            continue
        rows = read_part(path, row_type, columns).group_by(columns, use_threads=False).aggregate([([], "count_all")])
        values = [rows.column(name).to_pylist() for name in (*columns, "count_all")]
        for identity, video, clip, *trace in zip(*values, strict=True):
            of_clip = found.setdefault(ClipKey(identity, video, clip), {})
            of_clip.setdefault(table, []).append(Trace(*trace))
    return found


def _count(tally: Tally, rows: Rows) -> None:
    for table, traces in rows.items():
        for trace in traces:
            if trace.reason is None:
                tally.done[table] += trace.num
            else:
                tally.rejected[table, trace.reason] += trace.num


def _shards(stage: Stage) -> list[int]:
    tables = (stage.source, *stage.tables)
    names = {path.stem for table in tables for path in stage.workspace.manifest(table).glob("*.parquet")}
    return sorted(int(name) for name in names)
