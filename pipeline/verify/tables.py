"""Check the parts of one shard: readable, in their shard, unique, conserved, complete.

A clip's rows lie in the same shard of every table, so one shard at a time is enough.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tcae.manifests.errors import ManifestError
from tcae.manifests.rows import ClipKey, type_of_table
from tcae.manifests.tables import read_parts, read_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.status import COUNTS, KEY, count_clips
from tcae.pipeline.verify.findings import Findings

STAGES = {"clips": "extract", "frames": "extract", "faces": "align"}
"""The command that writes each table, where the part does not say so itself."""

RESULTS = {
    "frames": ("frame", "source_frame", "width_px", "height_px"),
    "faces": ("frame", "file", "score", "box", "landmarks", "alignment", "template", "crc32"),
}
"""Columns that a row with a result must have."""

FOUND = ("score", "landmarks")
"""Those of them that a frame has not which was taken whole for a face: nothing was looked for in it."""

FRAME_KEY = [*KEY, "frame"]


@dataclass(slots=True)
class Shard:
    """The readable parts of one shard."""

    shard: int
    parts: dict[str, pa.Table]
    """By table; all columns."""
    damaged: set[str]
    """Tables whose part is there and cannot be read."""

    def command(self, table: str) -> str:
        """The command that made one table's rows of this shard."""
        metadata = (self.parts[table].schema.metadata or {}) if table in self.parts else {}
        stage = metadata.get(b"tcae.stage", STAGES[table].encode()).decode()
        return stage if stage in ("extract", "align", "run") else STAGES[table]

    def remedy(self, table: str) -> str:
        """How to have one table's rows of this shard made anew."""
        path = f"manifests/{table}/{self.shard:04d}.parquet"
        return f"delete {path} and run tcae-prep {self.command(table)} again"


def read_shard(workspace: Workspace, shard: int, findings: Findings) -> Shard:
    """Read what can be read; a part that cannot is a finding."""
    read = Shard(shard, {}, set())
    for table in COUNTS:
        path = workspace.part(table, shard)
        if not path.exists():
            continue
        try:
            read.parts[table] = read_table(path, type_of_table[table])
        except ManifestError as error:
            read.damaged.add(table)
            findings.note("damaged table", workspace.relative(path), str(error), read.remedy(table))
    return read


def check_tables(read: Shard, findings: Findings) -> int:
    """Check the rows of one shard against each other.

    Args:
        read: The shard.
        findings: Takes what is wrong.

    Returns:
        Clips that have frames and no row in ``faces`` yet; they are work to do and not a finding.
    """
    for table, rows in read.parts.items():
        _check_shard(read, table, rows, findings)
    for table in RESULTS.keys() & read.parts.keys():
        _check_complete(read, table, findings)
    if read.parts:
        _check_clips(read, findings)
    return 0 if read.damaged else _check_conservation(read, findings)


def _check_shard(read: Shard, table: str, rows: pa.Table, findings: Findings) -> None:
    for key in keys_of(rows):
        own = shard_of(key)
        if own != read.shard:
            path = f"manifests/{table}/{read.shard:04d}.parquet"
            findings.note("wrong shard", path, f"has rows of {key}, which belong in {own:04d}", read.remedy(table))


def _check_complete(read: Shard, table: str, findings: Findings) -> None:
    rows = read.parts[table]
    rejected = pc.is_valid(rows.column("reason"))
    for name in RESULTS[table]:
        excused = pc.or_(rejected, _is_whole(rows)) if table == "faces" and name in FOUND else rejected
        for row in _rows(rows, pc.and_not(pc.is_null(rows.column(name)), excused)):
            findings.note("incomplete row", _name(table, row), f"has neither {name} nor a reason", read.remedy(table))
    for row in _rows(rows, pc.and_(rejected, pc.is_valid(rows.column("file")))):
        findings.note("incomplete row", _name(table, row), "has both a file and a reason", read.remedy(table))


def _is_whole(faces: pa.Table) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(faces.column("detector"), "whole"), False)


def _check_clips(read: Shard, findings: Findings) -> None:
    counted = count_clips(read.parts)
    listed = pc.add(counted.column("num_usable"), counted.column("num_refused"))
    for row in _rows(counted, pc.greater(listed, 1)):
        findings.note("duplicate row", _name("clips", row), "is listed more than once", read.remedy("clips"))
    failed, frames = counted.column("num_failed"), counted.column("num_frames")
    for row in _rows(counted, pc.greater(failed, 1)):
        findings.note("duplicate row", _name("frames", row), "is rejected more than once", read.remedy("frames"))
    for row in _rows(counted, pc.and_(pc.greater(failed, 0), pc.greater(frames, 0))):
        findings.note("not conserved", _name("frames", row), "was extracted and rejected", read.remedy("frames"))


def _check_conservation(read: Shard, findings: Findings) -> int:
    frames, faces = (_frame_rows(read.parts.get(table), table) for table in ("frames", "faces"))
    if not len(frames) + len(faces):
        return 0
    zeros = {"frames": pa.array([0] * len(faces), pa.int64()), "faces": pa.array([0] * len(frames), pa.int64())}
    both = pa.concat_tables(
        [
            frames.append_column("frames", pc.add(zeros["faces"], 1)).append_column("faces", zeros["faces"]),
            faces.append_column("frames", zeros["frames"]).append_column("faces", pc.add(zeros["frames"], 1)),
        ]
    )
    counted = both.group_by(FRAME_KEY).aggregate([("frames", "sum"), ("faces", "sum")])
    num_frames, num_faces = counted.column("frames_sum"), counted.column("faces_sum")
    for table, number in (("frames", num_frames), ("faces", num_faces)):
        for row in _rows(counted, pc.greater(number, 1)):
            findings.note("duplicate row", _name(table, row), "has more than one row", read.remedy(table))
    for row in _rows(counted, pc.equal(num_frames, 0)):
        findings.note("not conserved", _name("faces", row), "has no row in frames", read.remedy("faces"))
    return _check_lost(read, counted.filter(pc.equal(num_faces, 0)), findings)


def _check_lost(read: Shard, lost: pa.Table, findings: Findings) -> int:
    """A clip's faces are written together: frames lost from an aligned clip are a finding, a whole clip is to do."""
    aligned = set(keys_of(read.parts["faces"])) if "faces" in read.parts else set()
    waiting = set()
    for row in lost.to_pylist() if len(lost) else []:
        key = ClipKey(row["identity"], row["video"], row["clip"])
        if key in aligned:
            findings.note("not conserved", _name("frames", row), "has no row in faces", read.remedy("faces"))
        else:
            waiting.add(key)
    return len(waiting)


def _frame_rows(rows: pa.Table | None, table: str) -> pa.Table:
    """The frame keys; of ``frames`` only those of results, of ``faces`` all."""
    if rows is None:
        return pa.table({"identity": [], "video": [], "clip": [], "frame": []}).cast(
            pa.schema([("identity", pa.string()), ("video", pa.string()), ("clip", pa.int64()), ("frame", pa.int64())])
        )
    chosen = rows.filter(pc.is_null(rows.column("reason"))) if table == "frames" else rows
    return chosen.select(FRAME_KEY).replace_schema_metadata(None).cast(_frame_rows(None, table).schema)


def check_names(workspace: Workspace, findings: Findings) -> None:
    """A clip's name has one number for ever: (identity, video, name) may stand in one row only.

    Entries that were refused may share a name and are left out.

    Raises:
        ManifestError: a part is damaged.
    """
    columns = [*KEY, "name", "reason"]
    rows = read_parts(workspace.manifest("clips"), type_of_table["clips"], columns)
    rows = rows.filter(pc.is_null(rows.column("reason")))
    counted = rows.group_by(["identity", "video", "name"]).aggregate([("clip", "count")])
    for row in _rows(counted, pc.greater(counted.column("clip_count"), 1)):
        path = f"{row['identity']}/{row['video']}/{row['name']}"
        remedy = "delete manifests/clips and run tcae-prep extract again"
        findings.note("duplicate row", path, f"is listed under {row['clip_count']} numbers", remedy)


def keys_of(rows: pa.Table) -> list[ClipKey]:
    """The clips that have rows, each once."""
    unique = rows.select(KEY).group_by(KEY).aggregate([])
    return [ClipKey(*key) for key in zip(*(unique.column(name).to_pylist() for name in KEY), strict=True)]


def _rows(rows: pa.Table, chosen: pa.ChunkedArray) -> Iterator[Mapping[str, object]]:
    yield from rows.filter(chosen).to_pylist()


def _name(table: str, row: Mapping[str, object]) -> str:
    name = f"{table}: {row['identity']}/{row['video']}/{row['clip']}_folder"
    return name if row.get("frame") is None else f"{name} frame {row['frame']}"
