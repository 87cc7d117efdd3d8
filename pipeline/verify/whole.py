"""Verify a workspace: every shard in turn, then what concerns all of them."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.workspace import NUM_SHARDS, Workspace
from tcae.pipeline.status import COUNTS, shards_of
from tcae.pipeline.verify.files import KINDS, Digests, check_pictures, check_strays, digest
from tcae.pipeline.verify.findings import Findings
from tcae.pipeline.verify.splits import check_splits
from tcae.pipeline.verify.tables import check_names, check_tables, read_shard


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyConfig:
    """How thoroughly, and with how many threads."""

    fast: bool = False
    """Only whether files are there and not empty; they are not read."""
    workers: int = os.cpu_count() or 1
    """Threads; decoding and checksums run outside Python's lock."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"--workers must be at least 1, got {self.workers}")


@dataclass(slots=True)
class Verdict:
    """What was looked at and what is wrong."""

    findings: Findings = field(default_factory=Findings)
    num_rows: int = 0
    """Rows of clips, frames and faces."""
    num_files: int = 0
    """Pictures that rows name."""
    num_identities: int = 0
    """Rows of the table of identities."""
    num_to_align: int = 0
    """Clips that have frames and were not aligned yet; no finding."""


@dataclass(slots=True)
class _Checked:
    findings: Findings
    num_rows: int
    num_files: int
    num_to_align: int
    folders: dict[str, list[int]]
    damaged: set[str]


def verify_workspace(
    workspace: Workspace,
    config: VerifyConfig,
    follow: Callable[[Iterator[_Checked], int], Iterable[_Checked]] = lambda checked, _: checked,
) -> Verdict:
    """Check everything; a shard's rows are in memory only while it is checked.

    Args:
        workspace: What to check.
        config: How.
        follow: Is given the shards as they are checked and their number, and passes them on; for showing progress.
    """
    verdict = Verdict()
    shards = shards_of(workspace, *COUNTS)
    folders: dict[str, list[Digests]] = {kind: [] for kind in KINDS}
    damaged: dict[str, set[int]] = {kind: set() for kind in KINDS}
    with ThreadPoolExecutor(config.workers) as pool:
        checked = pool.map(lambda shard: _check_shard(workspace, shard, config), shards)
        for shard, each in zip(shards, follow(checked, len(shards)), strict=True):
            verdict.findings.add(each.findings)
            verdict.num_rows += each.num_rows
            verdict.num_files += each.num_files
            verdict.num_to_align += each.num_to_align
            for kind in KINDS:
                folders[kind].append(np.array(each.folders[kind], np.uint64))
                if kind in each.damaged:
                    damaged[kind].add(shard)
    for kind in KINDS:
        known = np.sort(np.concatenate([np.empty(0, np.uint64), *folders[kind]]))
        check_strays(workspace, kind, known, damaged[kind], verdict.findings)
    _check_manifests(workspace, verdict)
    return verdict


def _check_shard(workspace: Workspace, shard: int, config: VerifyConfig) -> _Checked:
    findings = Findings()
    read = read_shard(workspace, shard, findings)
    num_to_align = check_tables(read, findings)
    folders = {}
    num_files = 0
    for kind in KINDS:
        keys = check_pictures(workspace, read, kind, findings, fast=config.fast)
        folders[kind] = [digest(str(key)) for key in keys]
        if kind in read.parts:
            column = read.parts[kind].column("file")
            num_files += len(column) - column.null_count
    return _Checked(
        findings,
        sum(map(len, read.parts.values())),
        num_files,
        num_to_align,
        folders,
        read.damaged,
    )


def _check_manifests(workspace: Workspace, verdict: Verdict) -> None:
    findings = verdict.findings
    for path in sorted((workspace.root / "manifests").glob("**/.*.partial")):
        findings.note("orphan file", workspace.relative(path), "a killed command left it", "delete it")
    for table in COUNTS:
        for path in sorted(workspace.manifest(table).glob("*.parquet")):
            if not (path.stem.isdecimal() and len(path.stem) == 4 and int(path.stem) < NUM_SHARDS):
                detail = f"is no part: parts are 0000.parquet to {NUM_SHARDS - 1}.parquet"
                findings.note("orphan file", workspace.relative(path), detail, "delete it")
    with_faces = set(shards_of(workspace, "faces"))
    for path in sorted(workspace.manifest("packs").glob("*.parquet")):
        if not path.stem.isdecimal() or int(path.stem) not in with_faces:
            findings.note("orphan file", workspace.relative(path), "is the index of no shard with faces", "delete it")
    if "damaged table" not in findings.counts:
        try:
            check_names(workspace, findings)
        except ManifestError as error:
            findings.note("damaged table", "manifests/clips", str(error), "run tcae-prep extract again")
    verdict.num_identities = check_splits(workspace, findings)
