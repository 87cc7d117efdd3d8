"""Which identities of a labelled set are tested together: published lists, and a user's own."""

import csv
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from tcae.manifests.errors import ConfigError

_FOLDER = files("tcae.manifests") / "folds"

SPLITS = ("train", "val", "test")
"""What a user's list may assign an identity to."""


def fold_lists() -> list[str]:
    """The names of the lists that the package has."""
    return sorted(entry.name.removesuffix(".csv") for entry in _FOLDER.iterdir() if entry.name.endswith(".csv"))


def read_folds(name: str) -> dict[str, int]:
    """The fold, from 1, in which each identity of a published list is tested.

    Raises:
        ConfigError: there is no list of that name.
    """
    if name not in fold_lists():
        raise ConfigError(f"there is no list of folds {name!r}; there is {', '.join(fold_lists())}")
    lines = (_FOLDER / f"{name}.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["identity"]: int(row["fold"]) for row in rows}


def origin_of(name: str) -> str:
    """Where a published list comes from, in one sentence."""
    return (_FOLDER / f"{name}.csv").read_text().splitlines()[0].lstrip("# ")


def read_split_file(path: Path) -> dict[str, str]:
    """A user's list: a CSV file with the columns ``identity`` and ``split`` (train, val or test).

    Raises:
        ConfigError: the file cannot be read, lacks a column, or has a line that makes no sense; the message names it.
    """
    splits: dict[str, str] = {}
    for number, identity, split in _lines(path):
        where = f"{path}, line {number}"
        if not identity or split not in SPLITS:
            raise ConfigError(f"{where}: split is {split!r} of identity {identity!r}; it must be {', '.join(SPLITS)}")
        if splits.setdefault(identity, split) != split:
            raise ConfigError(f"{where}: {identity} is in both {splits[identity]} and {split}")
    if not splits:
        raise ConfigError(f"{path} assigns no identity; write lines of identity,split below that header")
    return splits


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, identity and split of every line below the header."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the list of splits {path} cannot be read: {error}") from error
    rows = csv.DictReader(text.splitlines())
    if not {"identity", "split"} <= set(rows.fieldnames or ()):
        raise ConfigError(f"{path}, line 1: the header is {rows.fieldnames}; it must have identity and split")
    for row in rows:
        yield rows.line_num, (row["identity"] or "").strip(), (row["split"] or "").strip()
