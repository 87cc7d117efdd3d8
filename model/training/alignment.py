"""How the faces of a workspace were aligned, without reading ten million rows."""

from pathlib import Path
from typing import Any

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Face
from tcae.manifests.tables import open_table, read_table
from tcae.manifests.workspace import Workspace

UNKNOWN = "unknown"
"""The template of faces that no table tells of."""


def alignment_of_faces(workspace: Workspace) -> dict[str, str]:
    """The ``template`` and the ``margin`` of all rows of the table ``faces``; ``unknown`` where there are none.

    They are taken from the least and the greatest value that each part's footer states, so that no column is read.

    Raises:
        ConfigError: there is more than one.
        ManifestError: a part is damaged.
    """
    folder = workspace.manifest("faces")
    values: dict[str, set[Any]] = {"template": set(), "margin": set()}
    for part in sorted(folder.glob("*.parquet")):
        footer = _footer(part)
        for name, found in values.items():
            found |= _extremes(part, footer, name)
    return {name: _only(found, name, folder) for name, found in values.items()}


def _only(values: set[Any], name: str, folder: Path) -> str:
    if len(values) > 1:
        raise ConfigError(
            f"the faces in {folder} have more than one {name}: {', '.join(map(str, sorted(values)))}; make them "
            "anew with one, by tcae-prep align, and run tcae-prep split again"
        )
    return str(*values) if values else UNKNOWN


def _footer(part: Path) -> Any:
    with open_table(part) as source:
        return source.metadata


def _extremes(part: Path, footer: Any, name: str) -> set[Any]:
    """The least and the greatest value of a column of ``Face``, nulls left out; all of them if the footer is silent."""
    found: set[Any] = set()
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        chunks = [group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == name]
        known = chunks[0].statistics if chunks else None
        if known is None or not (known.has_min_max or known.null_count == group.num_rows):
            return {_unsigned(value) for value in read_table(part, Face, [name])[name].to_pylist()} - {None}
        if known.has_min_max:
            found |= {_unsigned(known.min), _unsigned(known.max)}
    return found


def _unsigned(value: Any) -> Any:
    """Zero without its sign: Parquet states it as -0.0 where it is the least."""
    return value + 0.0 if isinstance(value, float) else value
