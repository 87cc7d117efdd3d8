"""Run a stage on one shard: keep the rows whose fingerprint holds, make the others, rewrite the part.

The note in the shard's lock says which clip is being made. A process that dies there leaves it behind; whoever takes
the shard next makes that clip first, in a process of its own, and writes the parts at once. So each clip that is deadly
costs one worker, once, and becomes a rejection; one at which the process died by chance is made as ever. Clips that
were rejected for it are taken again in the same way.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tcae.manifests.errors import ItemError, ManifestError
from tcae.manifests.locks import Holder, held
from tcae.manifests.provenance import describe
from tcae.manifests.rows import ClipKey
from tcae.manifests.tables import read_table, rows_of, table_of, write_table
from tcae.pipeline.stages.base import Item, Rows, Stage, Tally, by_clip
from tcae.pipeline.stages.isolation import DEADLY, make_apart, rejection_of

ANY_REASON = "any"
"""Retries every rejection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a stage would do with one shard."""

    todo: list[Item]
    """To make, in the order of their keys."""
    made: list[ClipKey]
    """Found made."""
    orphans: list[ClipKey]
    """Have rows, but no inputs any more."""
    num_stale: int
    """How many of ``todo`` have rows that were made from something else."""
    found: dict[ClipKey, Rows]
    """All rows of the shard's parts, those of clips that are not selected included."""


def plan_shard(stage: Stage, shard: int, retry: str | None = None, found: dict[ClipKey, Rows] | None = None) -> Plan:
    """Compare a shard's items with the rows that are there.

    Args:
        stage: What would run.
        shard: Which shard.
        retry: Take rejected clips again: those with this reason, or ``any``.
        found: The shard's rows, of which fingerprints and reasons are looked at; read where they are not given.

    Raises:
        ConfigError: something that is to do cannot be done as things are.
        ManifestError: a part is damaged; its message says which.
    """
    found = _read_parts(stage, shard) if found is None else found
    todo, made, num_stale = [], [], 0
    for item in stage.items(shard):
        rows = found.get(item.key, {})
        is_made = stage.is_made(item, rows)
        if is_made and not _is_retried(rows, retry):
            made.append(item.key)
        else:
            stage.check(item)
            todo.append(item)
            num_stale += any(rows.values()) and not is_made
    orphans = stage.orphans(shard, found)
    return Plan(todo=todo, made=made, orphans=orphans, num_stale=num_stale, found=found)


def run_shard(stage: Stage, shard: int, retry: str | None, is_stopped: Callable[[], bool]) -> Tally:
    """Make what is missing of one shard and rewrite its parts, also when interrupted half-way.

    Raises:
        WorkspaceError: another command holds the shard, or the workspace cannot be written.
        ManifestError: a part is damaged.
    """
    with locked(stage, shard) as holder:
        plan = plan_shard(stage, shard, retry)
        tally = Tally(clips=len(plan.todo) + len(plan.made), kept=len(plan.made), left=len(plan.todo))
        for key in plan.made:
            tally.count(plan.found[key])
        for key in plan.orphans:
            stage.discard(key)
            del plan.found[key]
        suspects = _suspects(plan, holder.found)
        forget(stage, shard, plan)
        try:
            for item in sorted(plan.todo, key=lambda item: item.key not in suspects):
                if is_stopped():
                    break
                holder.note(_doing(item))
                is_suspect = item.key in suspects
                rows = _outcome(stage, item, is_suspect)
                plan.found[item.key] = rows
                tally.made, tally.left = tally.made + 1, tally.left - 1
                tally.count(rows)
                if is_suspect:
                    _finish_parts(stage, shard, plan.found)
        finally:
            if tally.made or plan.orphans:
                _finish_parts(stage, shard, plan.found)
    return tally


def forget(stage: Stage, shard: int, plan: Plan) -> bool:
    """Take the rows of clips that are made anew out of the parts, because their files are about to change.

    Otherwise a killed run would leave rows that belong to files that are no longer there.

    Returns:
        Whether there were any.
    """
    there_before = [item.key for item in plan.todo if plan.found.pop(item.key, None)]
    if there_before:
        _write_parts(stage, shard, plan.found)
    return bool(there_before)


def _doing(item: Item) -> str:
    """What the shard's holder notes of itself while it makes a clip."""
    return f"at clip {item.key}"


def _outcome(stage: Stage, item: Item, is_suspect: bool) -> Rows:
    try:
        return make_apart(stage, item) if is_suspect else stage.make(item)
    except (ItemError, MemoryError) as error:
        stage.discard(item.key)
        return stage.reject(item, rejection_of(error))
    except Exception as error:
        error.add_note(f"while {stage.name} worked on clip {item.key}")
        raise


def _suspects(plan: Plan, found: str) -> set[ClipKey]:
    """The clips at which a process may die: one did, as the note that it left says, or they were rejected for it."""
    return {item.key for item in plan.todo if _doing(item) == found or DEADLY & _reasons(plan.found.get(item.key, {}))}


def _reasons(rows: Rows) -> set[str]:
    return {row.reason for table_rows in rows.values() for row in table_rows} - {None}


def _is_retried(rows: Rows, retry: str | None) -> bool:
    reasons = _reasons(rows)
    return bool(reasons) if retry == ANY_REASON else retry in reasons


def _read_parts(stage: Stage, shard: int) -> dict[ClipKey, Rows]:
    found: dict[ClipKey, Rows] = {}
    for table, row_type in stage.tables.items():
        path = stage.workspace.part(table, shard)
        if path.exists():
            for key, rows in by_clip(rows_of(read_part(path, row_type), row_type)).items():
                found.setdefault(key, {})[table] = rows
    return found


def read_part(path: Path, row_type: type, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a part that a stage wrote.

    Raises:
        ManifestError: it is damaged; the message says what to do.
    """
    try:
        return read_table(path, row_type, columns)
    except ManifestError as error:
        raise ManifestError(
            f"{error}; remove that file, and the same command makes the clips that it had again, and no others"
        ) from error


def _finish_parts(stage: Stage, shard: int, found: dict[ClipKey, Rows]) -> None:
    """Bring the files to rest, then write the rows that speak of them."""
    stage.settle(shard, found)
    _write_parts(stage, shard, found)


def _write_parts(stage: Stage, shard: int, found: dict[ClipKey, Rows]) -> None:
    provenance = describe(stage.name, stage.describe())
    for table, row_type in stage.tables.items():
        rows = [row for key in sorted(found) for row in found[key].get(table, [])]
        write_table(table_of(rows, row_type), stage.workspace.part(table, shard), provenance)


@contextmanager
def locked(stage: Stage, shard: int) -> Iterator[Holder]:
    """Hold the locks of a shard's parts; the note is that of the first."""
    with ExitStack() as stack:
        holders = [
            stack.enter_context(held(stage.workspace.lock(table, shard), f"shard {shard:04d} of {table}"))
            for table in sorted(stage.tables)
        ]
        yield holders[0]


def last_note(stage: Stage, shard: int) -> str:
    """What a killed holder of a shard was doing; empty where none was killed."""
    return Holder(stage.workspace.lock(min(stage.tables), shard)).read()
