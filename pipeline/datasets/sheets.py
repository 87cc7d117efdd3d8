"""Files of delimited text, read by column: numbers at once, and a refusal with the line of the first bad cell.

Behind it lie pyarrow's CSV reader, which is fast and names no line, and a second, slow reading for the message.
Windows line ends, a byte order mark, blank lines and spaces around cells are fine.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from tcae.manifests.errors import ManifestError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a file are wanted: our name for each, and its position from 0."""

    numbers: Mapping[str, int]
    """Must hold numbers or nothing."""
    texts: Mapping[str, int] = field(default_factory=dict)
    """May hold anything."""


Choice = Callable[[list[str], str], Columns]
"""From the header's names, and where it stands, to the columns; raises ManifestError where one is missing."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The wanted columns of one file of R rows."""

    path: Path
    numbers: Mapping[str, NDArray[np.float64]]
    """(R,) each; NaN is an empty cell."""
    texts: Mapping[str, list[str]]
    """R each."""
    num_rows: int
    has_header: bool = True
    lines: Sequence[int] | None = None
    """The line of each row, from 1, where the file is no text; else counted when a message needs it."""

    def where(self, row: int) -> str:
        """The file and the line of a row."""
        if self.lines is not None:
            return f"{self.path}, row {self.lines[row]}"
        numbers = [number for number, cells in _rows(self.path, read_bytes(self.path)) if cells]
        return f"{self.path}, line {numbers[row + self.has_header]}"


def read_bytes(path: Path) -> bytes:
    """A text file's bytes, without a byte order mark.

    Raises:
        ManifestError: it cannot be read.
    """
    try:
        return path.read_bytes().removeprefix(BYTE_ORDER_MARK)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from error


def read_sheet(path: Path, choose: Choice, missing: Sequence[str] = ()) -> Sheet:
    """Read a file whose first line has the names of its columns.

    Args:
        path: The file.
        choose: Which columns; names come without the spaces around them.
        missing: What stands for a missing number besides the empty cell.

    Raises:
        ManifestError: the file cannot be read, is empty, lacks a column, or has a row of another length or a cell
            that is no number; the message names file and line.
    """
    data = read_bytes(path)
    header = next((cells for _, cells in _rows(path, data) if cells), None)
    if header is None:
        raise ManifestError(f"{path} is empty; its first line must name the columns")
    columns = choose([name.strip() for name in header], f"{path}, line 1")
    return _read(path, data, columns, len(header), ("", *missing), has_header=True)


def first_cells(path: Path) -> list[str]:
    """The cells of a file's first line; none where the file is empty.

    Raises:
        ManifestError: it cannot be read.
    """
    return next((cells for _, cells in _rows(path, read_bytes(path)) if cells), [])


def read_plain_sheet(path: Path, columns: Columns, num_columns: int) -> Sheet:
    """Read a file without a header; an empty one has no rows.

    Raises:
        ManifestError: as ``read_sheet``.
    """
    return _read(path, read_bytes(path), columns, num_columns, ("",), has_header=False)


def _read(
    path: Path, data: bytes, columns: Columns, num_columns: int, missing: Sequence[str], *, has_header: bool
) -> Sheet:
    try:
        table = _parse(data, columns, num_columns, missing, has_header)
    except pa.ArrowInvalid as error:
        raise _refusal(path, data, columns, num_columns, missing, has_header, str(error)) from None
    numbers = {}
    for name, position in columns.numbers.items():
        column = table.column(str(position))
        numbers[name] = column.to_numpy()
        if np.isinf(numbers[name]).any() or np.isnan(numbers[name]).sum() > column.null_count:
            raise _refusal(path, data, columns, num_columns, missing, has_header, f"{name} is not finite")
    texts = {name: table.column(str(position)).to_pylist() for name, position in columns.texts.items()}
    return Sheet(path=path, numbers=numbers, texts=texts, num_rows=len(table), has_header=has_header)


def _parse(data: bytes, columns: Columns, num_columns: int, missing: Sequence[str], has_header: bool) -> pa.Table:
    types = {str(position): pa.float64() for position in columns.numbers.values()}
    types |= {str(position): pa.string() for position in columns.texts.values()}
    body = data.lstrip(b"\r\n")
    if has_header:
        body = b"".join(body.splitlines(keepends=True)[1:])
    if not body.strip():
        return pa.table({name: pa.array([], kind) for name, kind in types.items()})
    return arrow_csv.read_csv(
        pa.BufferReader(body),
        read_options=arrow_csv.ReadOptions(use_threads=False, column_names=[str(n) for n in range(num_columns)]),
        convert_options=arrow_csv.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=list(missing), strings_can_be_null=False
        ),
    )


def _refusal(
    path: Path,
    data: bytes,
    columns: Columns,
    num_columns: int,
    missing: Sequence[str],
    has_header: bool,
    otherwise: str,
) -> ManifestError:
    """What is wrong with the first bad row."""
    rows = [(number, cells) for number, cells in _rows(path, data) if cells]
    for number, cells in rows[has_header:]:
        where = f"{path}, line {number}"
        if len(cells) != num_columns:
            return ManifestError(f"{where}: {len(cells)} cells; every line must have {num_columns}")
        for name, position in columns.numbers.items():
            if cells[position].strip() not in missing and not _is_number(cells[position]):
                return ManifestError(f"{where}: {name} is {cells[position]!r}; it must be a number")
    return ManifestError(f"{path} cannot be read: {otherwise}")


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _rows(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line; none for a blank one."""
    reader = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=None))
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise ManifestError(f"{path}, line {reader.line_num}: {error}; it must be a CSV file") from error
