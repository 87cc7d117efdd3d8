"""EmotioNet: a spreadsheet or CSV files with a picture and its AUs on each row; behind it lies openpyxl.

``emotionet_facs_24600.xlsx`` has the column ``URL`` and columns in quotes, ``'AU 1'`` and so on; the lists that others
made of it (``image_list_*.csv``) have ``path`` and ``AU1``. Values are 0 and 1; an empty cell and 999 are missing, and
anything else is refused. A picture is named by the file name that its URL ends in, or by its path below the source.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import openpyxl
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.pipeline.datasets.files import au_positions
from tcae.pipeline.datasets.frames import check_values, gather, missing_note, picture_labels
from tcae.pipeline.datasets.keys import picture_identity
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels
from tcae.pipeline.datasets.sheets import Columns, Sheet, read_sheet

MISSING = 999

_PICTURE = re.compile(r"url|path", re.IGNORECASE)
_QUOTES = " '\""


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The occurrences of all AUs.

    Args:
        folder: The spreadsheet, the CSV file, or a folder of such.
        options: None of them matters here.

    Raises:
        ConfigError: there is no such file.
        ManifestError: a file makes no sense; the message has its line.
    """
    sheets = [_read_list(path) for path in _files(folder)]
    table = gather([_labels(sheet) for sheet in sheets])
    counts = Counter(table.column("identity").to_pylist())
    shared = sorted(name for name, count in counts.items() if count > 1)
    once = pa.array([counts[name] == 1 for name in table.column("identity").to_pylist()], pa.bool_())
    table = table.filter(once)
    return ReadLabels(table, _notes(shared, len(once) - len(table)) + missing_note(table))


def _notes(shared: Sequence[str], num_rows: int) -> list[str]:
    if not shared:
        return []
    return [f"{num_rows} rows share a picture's name with another and are left out: {', '.join(shared[:3])}"]


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".xlsx", ".csv"))
    if not found:
        raise ConfigError(
            f"{folder} has no labels: they must be a file like emotionet_facs_24600.xlsx or image_list.csv"
        )
    return found


def _labels(sheet: Sheet) -> pa.Table:
    check_values(sheet, list(sheet.numbers), (0, 1, MISSING))
    values = {au: np.where(column == MISSING, np.nan, column) for au, column in sheet.numbers.items()}
    ((kind, pictures),) = sheet.texts.items()
    identities = []
    for row, text in enumerate(pictures):
        path = text.strip(_QUOTES)
        if kind == "url":
            path = unquote(urlsplit(path).path).rpartition("/")[2]
        if not path or path.endswith("/"):
            raise ManifestError(
                f"{sheet.where(row)}: the {kind} {text!r} names no picture; it must end in a file's name"
            )
        identities.append(picture_identity(path))
    return picture_labels(identities, values)


def _columns(names: list[str], where: str) -> Columns:
    names = [name.strip(_QUOTES) for name in names]
    pictures = {name.lower(): position for position, name in enumerate(names) if _PICTURE.fullmatch(name)}
    aus = au_positions(names, where, re.compile(r"AU[ _]?0*([1-9]\d?)", re.IGNORECASE))
    if not pictures or not aus:
        shown = ",".join(names[:4])
        raise ManifestError(f"{where}: the header begins {shown!r}; it must name URL or path, and AUs like AU 1 or AU1")
    kind = min(pictures)
    return Columns(numbers=aus, texts={kind: pictures[kind]})


def _read_list(path: Path) -> Sheet:
    return _read_workbook(path) if path.suffix.lower() == ".xlsx" else read_sheet(path, _columns)


def _read_workbook(path: Path) -> Sheet:
    """The first sheet of a spreadsheet, its cells as they would be in a CSV file."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise ManifestError(f"{path} is not a readable spreadsheet: {error}") from error
    try:
        numbered = enumerate(book.worksheets[0].values, 1)
        rows = [(number, row) for number, row in numbered if any(cell is not None for cell in row)]
    finally:
        book.close()
    if not rows:
        raise ManifestError(f"{path} is empty; its first row must name the columns")
    (number, header), *body = rows
    columns = _columns([str(cell or "") for cell in header], f"{path}, row {number}")
    lines = [number for number, _ in body]
    numbers = {
        name: np.array([_number(row[position], name, path, number) for number, row in body], np.float64)
        for name, position in columns.numbers.items()
    }
    texts = {name: [str(row[position] or "") for _, row in body] for name, position in columns.texts.items()}
    return Sheet(path=path, numbers=numbers, texts=texts, num_rows=len(body), lines=lines)


def _number(cell: Any, name: str, path: Path, row: int) -> float:
    text = str("" if cell is None else cell).strip(_QUOTES)
    try:
        value = float(text or "nan")
    except ValueError:
        raise ManifestError(f"{path}, row {row}: {name} is {text!r}; it must be a number") from None
    return value
