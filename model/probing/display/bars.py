"""The panels of a probe's figure that are bars: scores of representations side by side, and what leaks."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from tcae.model.probing.display.inks import CHANCE_INK, ink_of, shortened
from tcae.model.probing.display.printed import side_by_side
from tcae.model.probing.results import (
    CHANCE,
    MEAN,
    LeakScore,
    ProbeReport,
    angles_with_mean,
    headline_fold,
    headline_scores,
    is_defined,
)

Bar = tuple[str, float, float, float]
"""Representation, score, and the ends of its interval (the score itself where it has none), in percent or degrees."""

_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
"""Behind a number, so that no line runs through it."""

_TASKS = {"au": "AU mean F1 (%)", "pose": "yaw and pitch R2 (x 100)"}
_LOWEST = -25.0
"""Percent; an R2 below it is cut off, its number still stands there."""


def draw_aus(axes: Axes, report: ProbeReport) -> None:
    """Mean F1 of each representation in the headline fold; chance is a line."""
    bars = [_bar(row.representation, row.f1, row.f1_low, row.f1_high) for row in headline_scores(report)]
    _draw_bars(axes, bars, "% F1, with the 95 % interval over identities")
    axes.set_title(f"Mean F1 over action units ({headline_fold(report)})")


def draw_classes(axes: Axes, report: ProbeReport) -> None:
    """Accuracy of each representation; chance is a line."""
    rows = [row for row in report.classes if row.name == "accuracy"]
    _draw_bars(axes, [_bar(row.representation, row.value, row.low, row.high) for row in rows], "% of the faces")
    axes.set_title("Accuracy")


def draw_angles(axes: Axes, report: ProbeReport) -> None:
    """Mean absolute error of each representation over the angles; chance is a line."""
    rows = side_by_side(angles_with_mean(report), lambda row: row.angle)
    errors = {name: found[MEAN].mae_degrees if MEAN in found else None for name, found in rows.items()}
    bars = [(name, error, error, error) for name, error in errors.items() if is_defined(error)]
    _draw_bars(axes, bars, "degrees, mean of the angles; less is better")
    axes.set_title("Head pose, mean absolute error")


def draw_leak(axes: Axes, report: ProbeReport) -> None:
    """What each embedding knows of each kind of movement; a dashed line is chance."""
    ticks: list[float] = []
    names: list[str] = []
    for task in _TASKS:
        scores = [row for row in report.leak if row.task == task and is_defined(row.score)]
        start = ticks[-1] + 1.8 if ticks else 0.0
        places = [start + place for place in range(len(scores))]
        _draw_group(axes, places, scores)
        ticks += places
        names += [shortened(row.representation).replace(" ", "\n") for row in scores]
        if places:
            axes.text(sum(places) / len(places), 1.0, _TASKS[task], ha="center", transform=axes.get_xaxis_transform())
    axes.set_xticks(ticks, names)
    axes.set_ylim(max(_LOWEST, min(0.0, axes.get_ylim()[0])), axes.get_ylim()[1] * 1.06)
    axes.set_title("Which embedding knows what", pad=20)
    if is_defined(report.displacement_ratio):
        axes.set_xlabel(f"length of the pose displacement / AU displacement: {report.displacement_ratio:.2f}")


def _draw_group(axes: Axes, places: Sequence[float], scores: Sequence[LeakScore]) -> None:
    for place, row in zip(places, scores, strict=True):
        height = 100 * (row.score or 0.0)
        axes.bar(place, height, width=0.8, color=ink_of(row.representation))
        axes.annotate(
            f"{height:.1f}",
            (place, max(height, 0.0)),
            (0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            bbox=_PAPER,
        )
        if is_defined(row.chance):
            axes.hlines(100 * row.chance, place - 0.45, place + 0.45, colors=CHANCE_INK, linestyles="dashed")


def _bar(name: str, score: float | None, low: float | None, high: float | None) -> Bar | None:
    if not is_defined(score):
        return None
    ends = (low, high) if is_defined(low) and is_defined(high) else (score, score)
    return name, 100 * score, 100 * min(ends[0], score), 100 * max(ends[1], score)


def _draw_bars(axes: Axes, offered: Sequence[Bar | None], unit: str) -> None:
    """Horizontal bars from top to bottom, each with its number behind its whisker."""
    found = [bar for bar in offered if bar is not None]
    bars = [bar for bar in found if bar[0] != CHANCE]
    for place, (name, score, low, high) in enumerate(bars):
        axes.barh(place, score, height=0.66, color=ink_of(name))
        if high > low:
            axes.plot([low, high], [place, place], color="#1c1f21", linewidth=1.2, solid_capstyle="butt")
        axes.annotate(f"{score:.1f}", (high, place), (5, 0), textcoords="offset points", va="center", bbox=_PAPER)
    axes.set_yticks(range(len(bars)), [shortened(bar[0]) for bar in bars])
    axes.set_ylim(len(bars) - 0.5, -1.0)
    axes.set_xlim(0, 1.16 * max((bar[3] for bar in found if bar[3] > 0), default=1.0))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(unit)
    _draw_chance(axes, {bar[0]: bar[1] for bar in found}.get(CHANCE))


def _draw_chance(axes: Axes, chance: float | None) -> None:
    if chance is None:
        return
    axes.axvline(chance, color=CHANCE_INK, linestyle="dashed", linewidth=1.2)
    axes.annotate(
        f"{CHANCE} {chance:.1f}", (chance, -0.72), (4, 0), textcoords="offset points", va="center", color=CHANCE_INK
    )
