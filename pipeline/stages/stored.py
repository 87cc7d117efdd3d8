"""Run a stage on one shard of a workspace in a store: fetch it, run it on this machine, put it back.

Each shard has a folder of its own in the scratch, which is a workspace with one shard; the stage works there and knows
of no store. The store gets, in this order: the parts without the rows of clips that are made anew, the pictures (or the
tar, then its index), the parts. So whatever is killed at whatever moment, a row never speaks of a picture that is not
there, and the same command again gives what an undisturbed one gives. What a killed command leaves in the scratch is
overwritten by the next.

Locks hold on one machine. That two machines never write one shard is for the caller to see to: a scheduler gives each
task to one worker, and the jobs of an array have shards of their own.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tcae.manifests.errors import ConfigError
from tcae.manifests.mirrors import Mirror
from tcae.manifests.packs import TABLE as PACKS
from tcae.manifests.rows import ClipKey, Face, Frame
from tcae.manifests.stores import remove
from tcae.manifests.workspace import Workspace
from tcae.pipeline.stages.base import Stage, Tally
from tcae.pipeline.stages.shards import Plan, forget, locked, plan_shard, run_shard


def run_stored_shard(stage: Stage, shard: int, retry: str | None, is_stopped: Callable[[], bool]) -> Tally:
    """Make what is missing of one shard of a workspace in a store.

    Raises:
        StoreError: the store refuses us, or cannot be reached.
        Whatever ``run_shard`` raises.
    """
    with locked(stage, shard):
        own, mirror = take_apart(stage, shard)
        try:
            return _run(own, mirror, shard, retry, is_stopped)
        finally:
            shutil.rmtree(mirror.here, ignore_errors=True)


def take_apart(stage: Stage, shard: int) -> tuple[Stage, Mirror]:
    """The stage in the shard's own folder, with the shard's parts as the store has them.

    Raises:
        ConfigError: the workspace is not in a store.
        StoreError: the store refuses us, or cannot be reached.
    """
    there = stage.workspace
    if there.store is None:
        raise ConfigError(f"the workspace {there} lies on a disk")
    here = Workspace(there.root / "shards" / f"{stage.name}-{shard:04d}")
    mirror = Mirror(here.root, there.store)
    mirror.fetch(here.part(table, shard) for table in (stage.source, *stage.tables))
    own: Stage = replace(cast(Any, stage), workspace=here)
    return own, mirror


def _run(own: Stage, mirror: Mirror, shard: int, retry: str | None, is_stopped: Callable[[], bool]) -> Tally:
    here = own.workspace
    parts = [here.part(table, shard) for table in own.tables]
    tar, index = here.pack(shard), here.part(PACKS, shard)
    if "faces" in own.tables:
        mirror.fetch([tar, index])
    plan = plan_shard(own, shard, retry)
    before = {part: part.read_bytes() for part in parts if part.exists()}
    if forget(own, shard, plan):
        mirror.put(parts)
        for part, data in before.items():  # the stage still looks at what there was
            part.write_bytes(data)
    was_packed = tar.exists()
    to_pack = plan.made if getattr(own, "pack", False) and not was_packed else []
    mirror.fetch([*_inputs(own, plan), *_faces(here, plan, to_pack)])
    try:
        return run_shard(own, shard, retry, is_stopped)
    finally:
        folders = _folders(own, [*(item.key for item in plan.todo), *plan.orphans])
        mirror.put(path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.name[0] != ".")
        if was_packed or tar.exists():
            remove([mirror.of(index)])
            mirror.put([tar])
            mirror.put([index])
            folders += _folders(own, plan.made)
        mirror.prune(folders)
        mirror.put(parts)


def _inputs(own: Stage, plan: Plan) -> list[Path]:
    """The pictures that the stage will read: of ``frames`` those that its clips' rows name, of ``clips`` none."""
    rows = [row for item in plan.todo for row in (item.inputs if own.source == "frames" else ())]
    return _named(own.workspace, rows)


def _faces(here: Workspace, plan: Plan, keys: Iterable[ClipKey]) -> list[Path]:
    return _named(here, [row for key in keys for row in plan.found[key].get("faces", [])])


def _named(here: Workspace, rows: Iterable[Frame | Face]) -> list[Path]:
    """The files that rows name; reading a table refuses names that lead out of the workspace."""
    return [here.root / row.file for row in rows if row.file is not None]


def _folders(own: Stage, keys: Iterable[ClipKey]) -> list[Path]:
    """Where the stage's pictures of clips lie: a stage that writes the table ``frames`` writes frames, and so on."""
    return [own.workspace.clip_folder(kind, key) for key in keys for kind in own.tables]
