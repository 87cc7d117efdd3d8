"""The published lists of who is tested together, in ``folds/*.csv``: one line of origin, then identity,fold."""

import csv
from importlib.resources import files

from tcae.manifests.errors import ConfigError

_FOLDER = files("tcae.manifests") / "folds"


def fold_lists() -> list[str]:
    """The names of the lists that the package has."""
    return sorted(entry.name.removesuffix(".csv") for entry in _FOLDER.iterdir() if entry.name.endswith(".csv"))


def read_folds(name: str) -> dict[str, int]:
    """The fold, from 1, in which each identity of a published list is tested.

    Raises:
        ConfigError: there is no list of that name.
    """
    lines = csv.DictReader(line for line in _lines(name) if not line.startswith("#"))
    return {line["identity"]: int(line["fold"]) for line in lines}


def origin_of(name: str) -> str:
    """Where a published list comes from, in one sentence.

    Raises:
        ConfigError: there is no list of that name.
    """
    return _lines(name)[0].lstrip("# ")


def _lines(name: str) -> list[str]:
    if name not in fold_lists():
        raise ConfigError(f"there is no list of folds {name!r}; there is {', '.join(fold_lists())}")
    return (_FOLDER / f"{name}.csv").read_text().splitlines()
