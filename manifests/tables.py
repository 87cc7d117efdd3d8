"""Read and write Parquet tables of rows, whole or not at all.

Every page has a check sum, so that a flipped bit is seen; the footer has none, and what it claims is bounded.
"""

import os
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tcae.manifests.errors import ManifestError
from tcae.manifests.workspace import written_whole

SCHEMA_VERSION = 1
"""Raised by hand when a column changes its meaning; an older table is read or refused by name."""

_VERSION_KEY = b"tcae.schema"
_ARROW_TYPES: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    tuple[float, ...]: pa.list_(pa.float64()),
}

DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises at a file that is no Parquet, is cut short or has flipped bits; which one hangs on the place."""

MOST_ROWS = 1 << 28
"""Of one table; VoxCeleb has some ten million faces."""

MOST_BYTES = 1 << 34
"""Of one table before it was compressed, as its footer says."""

LEAVES = {
    "identity": r"^\.|^$|/|\x00",
    "video": r"^\.|^$|/|\x00",
    "file": r"^/|(^|/)\.\.?(/|$)|\x00",
}
"""What a text must not hold in the columns that become paths below the workspace."""

Row = TypeVar("Row")


@cache
def schema_of(row_type: type) -> pa.Schema:
    """The Arrow schema of a row dataclass: one column per field, in their order."""
    hints = get_type_hints(row_type)
    return pa.schema([_column(field.name, hints[field.name]) for field in fields(row_type)])


def _column(name: str, hint: Any) -> pa.Field:
    nullable = get_origin(hint) in (Union, types.UnionType)
    plain = next(arg for arg in get_args(hint) if arg is not type(None)) if nullable else hint
    return pa.field(name, _ARROW_TYPES[plain], nullable=nullable)


def table_of(rows: Iterable[Any], row_type: type) -> pa.Table:
    """Rows as an Arrow table; an empty one keeps the schema."""
    schema = schema_of(row_type)
    rows = list(rows)
    columns = [pa.array([getattr(row, name) for row in rows], schema.field(name).type) for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)


def rows_of(table: pa.Table, row_type: type[Row]) -> list[Row]:
    """An Arrow table as rows; lists become tuples."""
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    for name, values in columns.items():
        if pa.types.is_list(table.schema.field(name).type):
            columns[name] = [None if value is None else tuple(value) for value in values]
    return [row_type(**dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)]


def write_table(table: pa.Table, path: Path, provenance: Mapping[str, str] | None = None) -> None:
    """Write ``table`` beside ``path`` and rename it, so that a reader sees the old one or the new one.

    Args:
        table: What to write.
        path: The Parquet file; its folder is made.
        provenance: Kept in the file's key-value metadata.

    Raises:
        WorkspaceError: the disk is full, or the folder cannot be written.
    """
    metadata = {_VERSION_KEY: str(SCHEMA_VERSION).encode()}
    metadata |= {f"tcae.{name}".encode(): value.encode() for name, value in (provenance or {}).items()}
    with written_whole(path) as partial, partial.open("wb") as sink:
        pq.write_table(
            table.replace_schema_metadata(metadata),
            sink,
            compression="zstd",
            use_dictionary=[field.name for field in table.schema if _repeats(field.type)],
            write_page_checksum=True,
        )
        sink.flush()
        os.fsync(sink.fileno())


def _repeats(kind: pa.DataType) -> bool:
    """Whether a column's values may repeat, so that a dictionary of them is worth making; measurements do not."""
    return not (pa.types.is_floating(kind) or pa.types.is_list(kind))


@contextmanager
def open_table(path: Path) -> Iterator[Any]:
    """A Parquet file (``pyarrow.parquet.ParquetFile``) to read from within a block.

    Raises:
        ManifestError: it is missing, damaged, or claims more rows or bytes than a table can have; also while reading.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as source:
            footer = source.metadata
            num_bytes = sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
            if not (0 <= footer.num_rows <= MOST_ROWS and 0 <= num_bytes <= MOST_BYTES):
                raise ManifestError(
                    f"{path} claims {footer.num_rows:,} rows of {num_bytes:,} bytes; {MOST_ROWS:,} rows and "
                    f"{MOST_BYTES:,} bytes are the most that a table has"
                )
            yield source
    except DAMAGED as error:
        raise ManifestError(f"{path} is not a readable Parquet table: {error}") from error


def read_table(path: Path, row_type: type, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one Parquet file that must have the columns of ``row_type``.

    Args:
        path: The file.
        row_type: The dataclass whose fields are the columns.
        columns: Read only these.

    Returns:
        The table; its metadata is the file's provenance.

    Raises:
        ManifestError: the file is cut short, of another schema version, or lacks a column.
    """
    with open_table(path) as source:
        _check(path, source.schema_arrow, row_type)
        table = source.read(columns=list(columns or schema_of(row_type).names))
        check_texts(table, path)
        return table


def check_texts(table: Any, path: Path) -> None:
    """Refuse a table (or a batch) with texts that are not UTF-8, or with names that would leave the workspace.

    Raises:
        ManifestError: it has such a name; the message names it.
        pyarrow.ArrowInvalid: a text is not UTF-8, or an index lies outside its dictionary.
    """
    table.validate(full=True)
    for name in LEAVES.keys() & set(table.schema.names):
        column = table.column(name)
        texts = column.unique().cast(pa.string())
        bad = texts.filter(pc.match_substring_regex(texts, LEAVES[name]))
        if len(bad):
            raise ManifestError(
                f"{path} has the {name} {bad[0].as_py()!r}, which would lead out of the workspace; "
                "no table of this project has such a name"
            )


def _check(path: Path, found: pa.Schema, row_type: type) -> None:
    version = (found.metadata or {}).get(_VERSION_KEY, b"none").decode(errors="replace")
    if version != str(SCHEMA_VERSION):
        raise ManifestError(f"{path} has schema version {version}; this release reads {SCHEMA_VERSION}")
    wanted = schema_of(row_type)
    wrong = [
        name for name in wanted.names if name not in found.names or found.field(name).type != wanted.field(name).type
    ]
    if wrong:
        raise ManifestError(f"{path} lacks or mistypes the column(s) {', '.join(wrong)} of {row_type.__name__}")


def read_parts(folder: Path, row_type: type, columns: Sequence[str] | None = None) -> pa.Table:
    """Read every part of a manifest as one table, in the order of the parts' names.

    Raises:
        ManifestError: a part is damaged or of another schema.
    """
    parts = [read_table(path, row_type, columns) for path in sorted(folder.glob("*.parquet"))]
    if not parts:
        return schema_of(row_type).empty_table().select(list(columns or schema_of(row_type).names))
    return pa.concat_tables([part.replace_schema_metadata(None) for part in parts])
