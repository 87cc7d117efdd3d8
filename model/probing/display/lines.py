"""The panels of a probe's figure that are lines: the learning curve, and scores with few labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from tcae.model.probing.display.inks import ink_of, shortened
from tcae.model.probing.results import CHANCE, ProbeReport, distinct, headline_scores, is_defined

_REFERENCES = ("pixels", CHANCE)
_LABEL_GAP = 0.06
"""Least distance of two names at the right, as a share of the panel's height."""
_STEPS = (1, 2, 5)
_LETTERS = {
    "au": ink_of("au"),
    "both": ink_of("both"),
    "face": ink_of("face"),
    "pose": "#9a5b0c",
    CHANCE: ink_of(CHANCE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points of one representation, in percent, from left to right."""

    name: str
    places: list[float]
    scores: list[float]
    lows: list[float]
    highs: list[float]


def draw_curve(axes: Axes, report: ProbeReport) -> None:
    """Mean F1 against pairs seen; representations that are not trained are level lines."""
    points = [
        (row.representation, float(row.pairs_seen), row.f1, row.f1_low, row.f1_high)
        for row in sorted(report.curve, key=lambda row: (row.pairs_seen, row.step))
    ]
    lines = _lines(points)
    levels = [
        (row.representation, 100 * row.f1)
        for row in headline_scores(report)
        if row.representation in _REFERENCES and is_defined(row.f1)
    ]
    for line in lines:
        axes.fill_between(line.places, line.lows, line.highs, color=ink_of(line.name), alpha=0.13, linewidth=0)
        axes.plot(line.places, line.scores, color=ink_of(line.name), marker="o", markersize=3.5, linewidth=1.6)
    for name, level in levels:
        axes.axhline(level, color=ink_of(name), linestyle="dashed", linewidth=1.2)
    _scale_pairs(axes, [place for line in lines for place in line.places])
    _name_ends(axes, [*((line.name, line.scores[-1]) for line in lines), *levels])
    axes.set_xlabel("pairs seen")
    axes.set_ylabel("% mean F1")
    axes.set_title("While it learnt")


def draw_few(axes: Axes, report: ProbeReport) -> None:
    """Mean F1 against the number of identities that the probe was fitted on; whiskers span the draws."""
    counts = sorted({row.num_identities for row in report.few})
    points = [
        (row.representation, float(counts.index(row.num_identities)), row.f1, row.f1_low, row.f1_high)
        for row in sorted(report.few, key=lambda row: row.num_identities)
    ]
    lines = _lines(points)
    for number, line in enumerate(lines):
        places = [place + 0.05 * (number - (len(lines) - 1) / 2) for place in line.places]
        axes.vlines(places, line.lows, line.highs, colors=ink_of(line.name), linewidth=1.2)
        axes.plot(places, line.scores, color=ink_of(line.name), marker="o", markersize=3.5, linewidth=1.6)
    axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    _name_ends(axes, [(line.name, line.scores[-1]) for line in lines])
    axes.set_xlabel("identities with labels; whiskers from the lowest to the highest draw")
    axes.set_ylabel("% mean F1")
    axes.set_title("With few labels")


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Values moved to be ``gap`` apart, in their order; none above ``high``, nor below ``low`` if all fit."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    placed = [0.0] * len(values)
    floor = low
    for index in order:
        placed[index] = floor = max(values[index], floor)
        floor += gap
    ceiling = high
    for index in reversed(order):
        placed[index] = ceiling = min(placed[index], ceiling)
        ceiling -= gap
    return placed


def pair_ticks(least: int, most: int) -> list[int]:
    """Round numbers from ``least`` to ``most`` for a logarithmic axis, at most some seven.

    >>> pair_ticks(10_000, 100_000)
    [10000, 20000, 50000, 100000]
    """
    decades = range(len(str(least)) - 1, len(str(most)))
    found = [step * 10**decade for decade in decades for step in _STEPS if least <= step * 10**decade <= most]
    return found if len(found) <= 7 else [tick for tick in found if str(tick)[0] == "1"]


def _lines(points: Sequence[tuple[str, float, float | None, float | None, float | None]]) -> list[Line]:
    lines = []
    for name in distinct(point[0] for point in points):
        mine = [
            (place, score, low, high) for own, place, score, low, high in points if own == name and is_defined(score)
        ]
        if mine:
            lines.append(
                Line(
                    name=name,
                    places=[place for place, *_ in mine],
                    scores=[100 * score for _, score, *_ in mine],
                    lows=[100 * (low if is_defined(low) else score) for _, score, low, _ in mine],
                    highs=[100 * (high if is_defined(high) else score) for _, score, _, high in mine],
                )
            )
    return lines


def _scale_pairs(axes: Axes, places: Sequence[float]) -> None:
    """A logarithmic axis whose left end is 0."""
    positive = [place for place in places if place > 0]
    if not positive:
        axes.set_xticks([0], ["0"])
        return
    axes.set_xscale("symlog", linthresh=min(positive), linscale=0.35)
    ticks = pair_ticks(int(min(positive)), int(max(positive))) or [int(max(positive))]
    zero = [0] if min(places) <= 0 else []
    axes.set_xticks([*zero, *ticks], [_compact(tick) for tick in [*zero, *ticks]])
    axes.set_xticks([], minor=True)


def _compact(count: int) -> str:
    """A count in few letters, e.g. 20k or 1M."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= unit:
            return f"{count / unit:g}{letter}"
    return str(count)


def _name_ends(axes: Axes, ends: Sequence[tuple[str, float]]) -> None:
    """Write names beside the right ends of lines, none over another."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    shares = [(score - low) / (high - low) for _, score in ends]
    for (name, score), place in zip(ends, spread(shares, _LABEL_GAP, 0.0, 1.0), strict=True):
        text = f"{shortened(name)} {score:.1f}"
        axes.annotate(text, (1.02, place), xycoords="axes fraction", va="center", color=_legible(name))


def _legible(name: str) -> str:
    """A colour in which small letters can be read on white."""
    return _LETTERS.get(name, "#4b5356")
