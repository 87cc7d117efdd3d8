"""The files of a probe: the whole report as JSON, its rows as a table, and what people read."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tcae.manifests.errors import ManifestError
from tcae.manifests.provenance import describe
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import written_whole
from tcae.model.probing.display.figures import draw_png, draw_svg
from tcae.model.probing.display.page import make_page
from tcae.model.probing.markdown import markdown
from tcae.model.probing.results import (
    AngleScore,
    AuScore,
    ClassScore,
    CurvePoint,
    FewPoint,
    LeakScore,
    OtherScore,
    ProbeReport,
)

_ROWS = {
    "aus": AuScore,
    "classes": ClassScore,
    "angles": AngleScore,
    "others": OtherScore,
    "curve": CurvePoint,
    "few": FewPoint,
    "leak": LeakScore,
}


def write_report(report: ProbeReport, folder: Path) -> None:
    """Write ``scores.json``, ``scores.parquet``, ``probe.md``, ``probe.html``, ``figure.png`` and ``figure.svg``.

    Each file is written whole or not at all; the folder is made. A report without anything to draw has no figure.

    Raises:
        WorkspaceError: the folder cannot be written.
    """
    content = _plain(asdict(report))
    _write(folder / "scores.json", json.dumps(content, indent=1, allow_nan=False).encode())
    rows = [AuScore(**row) for row in content["aus"]]
    settings = {"dataset": report.dataset, **report.origin, **report.protocol}
    write_table(table_of(rows, AuScore), folder / "scores.parquet", describe("probe", settings))
    svg, png = draw_svg(report), draw_png(report)
    _write(folder / "figure.svg", None if svg is None else svg.encode())
    _write(folder / "figure.png", png)
    _write(folder / "probe.md", markdown(report, None if png is None else "figure.png").encode())
    _write(folder / "probe.html", make_page(report, svg).encode())


def read_report(folder: Path) -> ProbeReport:
    """The report that ``write_report`` wrote there.

    Raises:
        ManifestError: there is none, or it is damaged.
    """
    path = folder / "scores.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows: dict[str, Any] = {
            name: tuple(row(**values) for values in content.pop(name)) for name, row in _ROWS.items()
        }
        return ProbeReport(**content, **rows)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ManifestError(f"{path} is not the report of a probe: {error}") from error


def _plain(value: Any) -> Any:
    """A copy of JSON values in which NaN is None."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _write(path: Path, data: bytes | None) -> None:
    """Write a file whole; without data, remove the one that another report may have left."""
    if data is None:
        path.unlink(missing_ok=True)
        return
    with written_whole(path) as partial:
        partial.write_bytes(data)
