"""A probe's report as one figure: its scores, the learning curve, what leaks, and how few labels do.

Convention:
    - Scores are drawn in percent, R2 times 100.
    - Bars and points carry the report's intervals as whiskers and bands.
    - The pairs axis is logarithmic but for its left end, where the untrained encoder stands at 0.
"""

import io
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tcae.model.probing.display.bars import draw_angles, draw_aus, draw_classes, draw_leak
from tcae.model.probing.display.lines import draw_curve, draw_few
from tcae.model.probing.results import ProbeReport

Panel: TypeAlias = Callable[[Axes, ProbeReport], None]

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 9.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa3a5",
    "axes.labelcolor": "#4b5356",
    "xtick.color": "#4b5356",
    "ytick.color": "#1c1f21",
    "text.color": "#1c1f21",
    "text.parse_math": False,  # a name may hold a dollar
    "svg.hashsalt": "tcae",  # equal reports give equal bytes
}
_PANEL_INCHES = (6.2, 3.9)
_DPI = 150


def panels_of(report: ProbeReport) -> list[Panel]:
    """What the report has scores for; where it has action units, the angles are left to the panel of what leaks."""
    offered: list[tuple[Sequence[object], Panel]] = [
        (report.aus, draw_aus),
        (report.classes, draw_classes),
        ((), draw_angles) if report.aus else (report.angles, draw_angles),
        (report.curve, draw_curve),
        (report.leak, draw_leak),
        (report.few, draw_few),
    ]
    return [panel for rows, panel in offered if rows]


def draw_svg(report: ProbeReport) -> str | None:
    """The figure as one ``<svg>`` element that an HTML page may hold; None where there is nothing to draw."""
    data = _drawn(report, "svg", {"Date": None})
    return None if data is None else re.sub(r"^.*?(?=<svg)", "", data.decode(), flags=re.DOTALL)


def draw_png(report: ProbeReport) -> bytes | None:
    """The figure as a PNG file; None where there is nothing to draw."""
    return _drawn(report, "png", {"Software": None})


def _drawn(report: ProbeReport, suffix: str, metadata: dict[str, str | None]) -> bytes | None:
    panels = panels_of(report)
    if not panels:
        return None
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    sink = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(
            figsize=(columns * _PANEL_INCHES[0], rows * _PANEL_INCHES[1]),
            layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12),
        )
        for place, panel in enumerate(panels):
            panel(figure.add_subplot(rows, columns, place + 1), report)
        figure.savefig(sink, format=suffix, dpi=_DPI, metadata=metadata)
    return sink.getvalue()
