"""The tables of ``manifests/pairs/<split>``: their columns, and one fingerprint for all that one run wrote."""

from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from tcae.manifests.errors import ManifestError
from tcae.manifests.tables import SCHEMA_VERSION, check_texts, open_table

Within: TypeAlias = Literal["track", "video"]
"""What a pair never leaves."""

_NAME = pa.dictionary(pa.int32(), pa.string())

TRACKS = pa.schema(
    [
        ("identity", _NAME),
        ("video", _NAME),
        ("clip", pa.int64()),
        ("offset", pa.int64()),
        ("num_faces", pa.int32()),
    ]
)
"""``tracks.parquet``: the faces of a track are the rows ``offset`` to ``offset + num_faces`` of ``faces.parquet``."""

FACES = pa.schema([("frame", pa.int32()), ("pts_seconds", pa.float32())])
"""``faces.parquet``: the columns of ``rows.Face``; ascending frames within a track."""

PAIRS = pa.schema(
    [
        ("identity", pa.string()),
        ("video", pa.string()),
        ("source_clip", pa.int64()),
        ("source_frame", pa.int32()),
        ("target_clip", pa.int64()),
        ("target_frame", pa.int32()),
    ]
)
"""``pairs.parquet``: the two clips differ only where pairs are drawn within a video."""


def read_pair_table(path: Path, schema: Any, fingerprint: str | None = None) -> tuple[Any, Within, str]:
    """A table, what its groups are, and its fingerprint; with no ``schema`` only the fingerprint is looked at."""
    with open_table(path) as source:
        metadata = {name.decode(): text.decode() for name, text in (source.schema_arrow.metadata or {}).items()}
        _check(path, schema, source.schema_arrow, metadata, fingerprint)
        table = source.read() if schema else None
        if table is not None:
            check_texts(table, path)
    return table, "video" if metadata.get("tcae.within") == "video" else "track", metadata["tcae.fingerprint"]


def _check(path: Path, schema: Any, found: Any, metadata: dict[str, str], fingerprint: str | None) -> None:
    version = metadata.get("tcae.schema", "none")
    if version != str(SCHEMA_VERSION):
        raise ManifestError(f"{path} has schema version {version}; this release reads {SCHEMA_VERSION}")
    if schema and (found.names != schema.names or found.types != schema.types):
        raise ManifestError(f"{path} has the columns {found.names}; a pair index has {schema.names}")
    own = metadata.get("tcae.fingerprint", "none")
    if own != (fingerprint or own) or own == "none":
        raise ManifestError(
            f"{path} has fingerprint {own} and the tracks beside it {fingerprint}: they come from different runs of "
            "the split; run tcae-prep split again"
        )
