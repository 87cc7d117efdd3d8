"""Check that no identity is in two splits and that the pair index agrees with the table of identities."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tcae.manifests.errors import ManifestError
from tcae.manifests.pair_tables import FACES, PAIRS, TRACKS, read_pair_table
from tcae.manifests.rows import Identity
from tcae.manifests.tables import read_parts
from tcae.manifests.workspace import Workspace
from tcae.pipeline.status import SPLITS
from tcae.pipeline.verify.findings import Findings

SPLIT_AGAIN = "run tcae-prep split again"

PAIR_TABLES = {"tracks": TRACKS, "faces": FACES, "pairs": PAIRS}
"""The tables of ``manifests/pairs/<split>``."""


def check_splits(workspace: Workspace, findings: Findings) -> int:
    """Check ``manifests/identities`` and ``manifests/pairs``; what was not made yet is no finding.

    Returns:
        Identities checked.
    """
    assigned = _assigned(workspace, findings)
    _check_pairs(workspace, assigned, findings)
    return len(assigned or {})


def _assigned(workspace: Workspace, findings: Findings) -> dict[str, str | None] | None:
    """Every identity's split; None when the table is absent or cannot be read."""
    folder = workspace.manifest("identities")
    if not any(folder.glob("*.parquet")):
        return None
    try:
        table = read_parts(folder, Identity, ["identity", "split", "reason"])
    except ManifestError as error:
        findings.note("damaged table", workspace.relative(folder), str(error), SPLIT_AGAIN)
        return None
    identities, splits, reasons = (table.column(name).to_pylist() for name in table.column_names)
    for identity, count in Counter(identities).items():
        if count > 1:
            held = sorted({str(split) for name, split in zip(identities, splits, strict=True) if name == identity})
            findings.note(
                "identity in two splits",
                f"identities: {identity}",
                f"has {count} rows: {', '.join(held)}",
                SPLIT_AGAIN,
            )
    for identity, split, reason in zip(identities, splits, reasons, strict=True):
        if split not in SPLITS and (split is not None or reason is None):
            detail = f"has the split {split!r} and the reason {reason!r}; a split is one of {', '.join(SPLITS)}"
            findings.note("incomplete row", f"identities: {identity}", detail, SPLIT_AGAIN)
    return dict(zip(identities, splits, strict=True))


def _check_pairs(workspace: Workspace, assigned: dict[str, str | None] | None, findings: Findings) -> None:
    seen: dict[str, str] = {}
    folders = sorted(path for path in workspace.manifest("pairs").glob("*") if path.is_dir())
    for folder in folders:
        tables = _read_pair_tables(workspace, folder, findings)
        if "tracks" not in tables:
            continue
        if "faces" in tables:
            _check_offsets(workspace, folder, tables, findings)
        for identity in pc.unique(tables["tracks"].column("identity")).to_pylist():
            where = f"pairs/{folder.name}: {identity}"
            if identity in seen:
                findings.note("identity in two splits", where, f"is also in pairs/{seen[identity]}", SPLIT_AGAIN)
            elif assigned is not None and assigned.get(identity) != folder.name:
                detail = f"is in {assigned.get(identity, 'no split')} by manifests/identities"
                findings.note("identity in two splits", where, detail, SPLIT_AGAIN)
            seen.setdefault(identity, folder.name)


def _read_pair_tables(workspace: Workspace, folder: Path, findings: Findings) -> dict[str, pa.Table]:
    tables, fingerprint = {}, None
    for name, schema in PAIR_TABLES.items():
        path = folder / f"{name}.parquet"
        if path.exists() or name == "tracks":
            try:
                tables[name], _, fingerprint = read_pair_table(path, schema, fingerprint)
            except ManifestError as error:
                findings.note("damaged table", workspace.relative(path), str(error), SPLIT_AGAIN)
    identities = workspace.manifest("identities") / "identities.parquet"
    if fingerprint is not None and identities.is_file():
        try:
            read_pair_table(identities, None, fingerprint)
        except ManifestError as error:
            findings.note("damaged table", workspace.relative(identities), str(error), SPLIT_AGAIN)
    return tables


def _check_offsets(workspace: Workspace, folder: Path, tables: dict[str, pa.Table], findings: Findings) -> None:
    counts = tables["tracks"].column("num_faces").to_numpy().astype(np.int64)
    offsets = tables["tracks"].column("offset").to_numpy()
    ends = np.cumsum(counts)
    if not np.array_equal(offsets, ends - counts) or int(counts.sum()) != len(tables["faces"]):
        detail = (
            f"its tracks name {int(counts.sum()):,} faces that do not follow one another in {len(tables['faces']):,}"
        )
        findings.note("damaged table", workspace.relative(folder / "faces.parquet"), detail, SPLIT_AGAIN)
