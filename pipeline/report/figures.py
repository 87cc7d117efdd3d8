"""Histograms as geometry; the page draws them as inline SVG.

Convention:
    - Coordinates are SVG units in a box of ``WIDTH`` x ``HEIGHT``, x to the right and y downwards.
    - Bars are half open, the last one closed; what lies beyond the ends is counted in the end bars.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 132
"""Of the whole figure."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 6, 8, 20
MOST_BARS = 36

Values = NDArray[np.float32]
"""(N,) what is counted."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, and what a pointer over it says."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the x axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """All that a drawing needs."""

    title: str
    note: str
    """What the measure means and what to look for."""
    bars: list[Bar]
    ticks: list[Tick]
    median_x: float
    summary: str
    """Median and the middle 90 %."""


def histogram(title: str, note: str, values: Values, unit: str = "", *, finest: float = 1.0) -> Histogram | None:
    """Count values into bars of a round width.

    Args:
        title: Stands over the figure.
        note: Stands under it.
        values: What to count; NaN is left out.
        unit: Stands after a number, e.g. `` px``.
        finest: No bar is narrower; 1, 2 or 5 times a power of ten.

    Returns:
        The figure; None when there is nothing to count.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return None
    edges = bar_edges(finite, finest=finest)
    counts = np.histogram(np.clip(finite, edges[0], edges[-1]), edges)[0]
    low, middle, high = np.quantile(finite, [0.05, 0.5, 0.95])
    step = float(edges[1] - edges[0])
    return Histogram(
        title=title,
        note=note,
        bars=_bars(edges, counts, unit),
        ticks=_ticks(edges),
        median_x=round(_place(float(np.clip(middle, edges[0], edges[-1])), edges), 1),
        summary=f"median {_text(middle, step)}{unit} · 90 % lie in {_text(low, step)} to {_text(high, step)}{unit}",
    )


def bar_edges(values: NDArray[np.float64], *, finest: float) -> NDArray[np.float64]:
    """The edges of at most ``MOST_BARS`` bars of a round width that hold all but the outermost 0.5 % at each end."""
    low, high = (float(np.quantile(values, q)) for q in ((0.005, 0.995) if len(values) > 200 else (0, 1)))
    step = max(finest, round_step((high - low) / MOST_BARS))
    first, last = math.floor(low / step), math.floor(high / step) + 1
    return np.round(np.arange(first, last + 1) * step, 10)


def round_step(least: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is at least ``least``.

    >>> round_step(0.03), round_step(7)
    (0.05, 10.0)
    """
    if least <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(round(factor * power, 12) for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _place(value: float, edges: NDArray[np.float64]) -> float:
    share = (value - edges[0]) / (edges[-1] - edges[0])
    return float(_LEFT + share * (WIDTH - _LEFT - _RIGHT))


def _bars(edges: NDArray[np.float64], counts: NDArray[np.int64], unit: str) -> list[Bar]:
    room = HEIGHT - _TOP - _BOTTOM
    step = float(edges[1] - edges[0])
    bars = []
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        height = room * int(count) / int(counts.max())
        if count:
            height = max(height, 1.0)
        x, right = _place(float(low), edges), _place(float(high), edges)
        text = f"{_text(low, step)} to {_text(high, step)}{unit}: {int(count):,}"
        bars.append(
            Bar(
                round(x, 2),
                round(HEIGHT - _BOTTOM - height, 2),
                round(max(right - x - 1, 0.5), 2),
                round(height, 2),
                text,
            )
        )
    return bars


def _ticks(edges: NDArray[np.float64]) -> list[Tick]:
    step = round_step(float(edges[-1] - edges[0]) / 5)
    first, last = math.ceil(edges[0] / step - 1e-9), math.floor(edges[-1] / step + 1e-9)
    values = [index * step for index in range(first, last + 1)]
    return [Tick(round(_place(value, edges), 1), _text(value, step)) for value in values]


def _text(value: float, step: float) -> str:
    """A number with as many decimals as the step between numbers needs."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{round(float(value), decimals) + 0.0:,.{decimals}f}"
