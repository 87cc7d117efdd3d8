"""Run a stage on one shard: keep the rows whose fingerprint holds, make the others, rewrite the part."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from tcae.manifests.errors import ItemError, WorkspaceError
from tcae.manifests.provenance import describe
from tcae.manifests.rows import ClipKey
from tcae.manifests.tables import read_table, rows_of, table_of, write_table
from tcae.pipeline.stages.base import Item, Rows, Stage, Tally, by_clip

LOCK_SECONDS = 15.0
"""How long a shard's lock is waited for; a killed command's workers need a moment to go."""

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


def plan_shard(stage: Stage, shard: int, retry: str | None = None) -> Plan:
    """Compare a shard's items with the rows that are there.

    Args:
        stage: What would run.
        shard: Which shard.
        retry: Take rejected clips again: those with this reason, or ``any``.

    Raises:
        ManifestError: a part is damaged; its message says which.
    """
    found = _read_parts(stage, shard)
    todo, made, num_stale = [], [], 0
    for item in stage.items(shard):
        rows = found.get(item.key, {})
        is_made = stage.is_made(item, rows)
        if is_made and not _is_retried(rows, retry):
            made.append(item.key)
        else:
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
    with _locked(stage, shard):
        plan = plan_shard(stage, shard, retry)
        tally = Tally(clips=len(plan.todo) + len(plan.made), kept=len(plan.made), left=len(plan.todo))
        for key in plan.made:
            tally.count(plan.found[key])
        for key in plan.orphans:
            stage.discard(key)
            del plan.found[key]
        try:
            for item in plan.todo:
                if is_stopped():
                    break
                rows = _outcome(stage, item)
                plan.found[item.key] = rows
                tally.made, tally.left = tally.made + 1, tally.left - 1
                tally.count(rows)
        finally:
            if tally.made or plan.orphans:
                _write_parts(stage, shard, plan.found)
    return tally


def _outcome(stage: Stage, item: Item) -> Rows:
    try:
        return stage.make(item)
    except ItemError as error:
        stage.discard(item.key)
        return stage.reject(item, error)
    except Exception as error:
        error.add_note(f"while {stage.name} worked on clip {item.key}")
        raise


def _is_retried(rows: Rows, retry: str | None) -> bool:
    reasons = {row.reason for table_rows in rows.values() for row in table_rows} - {None}
    return bool(reasons) if retry == ANY_REASON else retry in reasons


def _read_parts(stage: Stage, shard: int) -> dict[ClipKey, Rows]:
    found: dict[ClipKey, Rows] = {}
    for table, row_type in stage.tables.items():
        path = stage.workspace.part(table, shard)
        if path.exists():
            for key, rows in by_clip(rows_of(read_table(path, row_type), row_type)).items():
                found.setdefault(key, {})[table] = rows
    return found


def _write_parts(stage: Stage, shard: int, found: dict[ClipKey, Rows]) -> None:
    provenance = describe(stage.name, stage.describe())
    for table, row_type in stage.tables.items():
        rows = [row for key in sorted(found) for row in found[key].get(table, [])]
        write_table(table_of(rows, row_type), stage.workspace.part(table, shard), provenance)


@contextmanager
def _locked(stage: Stage, shard: int) -> Iterator[None]:
    with ExitStack() as stack:
        for table in sorted(stage.tables):
            stack.enter_context(_held(stage.workspace.lock(table, shard), f"shard {shard:04d} of {table}"))
        yield


@contextmanager
def _held(path: Path, what: str) -> Iterator[None]:
    holder = path.with_suffix(".holder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=LOCK_SECONDS)
        lock.acquire()
    except Timeout as error:
        name = holder.read_text() if holder.exists() else "another command"
        raise WorkspaceError(f"{what} is held by {name}; wait for it to end, or stop it") from error
    except OSError as error:
        raise WorkspaceError(f"cannot write {path}: {error.strerror}") from error
    try:
        holder.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
