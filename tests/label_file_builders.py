"""Small files in the formats of labelled sets, written by tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tcae.manifests.labels import KEYS


def write(path: Path, text: str | bytes) -> Path:
    """Write a file and its folders; text gets no other line ends than its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(*rows: Sequence[object], end: str = "\n") -> str:
    """Rows of cells as CSV."""
    return "".join(",".join(map(str, row)) + end for row in rows)


def by_frame(table: pa.Table, *columns: str) -> dict[tuple[Any, ...], Any]:
    """The values of columns by key; of one column without a tuple around it."""
    rows: Sequence[Mapping[str, Any]] = table.to_pylist()
    values = [tuple(row[name] for name in columns) for row in rows]
    keys = [tuple(row[name] for name in KEYS) for row in rows]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, (value[0] if len(columns) == 1 else value for value in values), strict=True))
