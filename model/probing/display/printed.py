"""How scores are printed: numbers as text, tables as headings and cells, for Markdown and for the page alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tcae.model.probing.published import PublishedRow
from tcae.model.probing.results import ProbeReport, is_defined

UNDEFINED = "-"
"""Stands where a score does not exist."""

RENDERED = "synthetic"
"""The name of the rendered heads among the labelled sets."""

NOT_COMPARABLE = (
    "These faces are rendered. These rows are NOT comparable to any score on BP4D, DISFA or other real faces, "
    "and no published row is set beside them."
)


class _OfRepresentation(Protocol):
    @property
    def representation(self) -> str: ...


Score = TypeVar("Score", bound=_OfRepresentation)


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """A line of a table."""

    cells: tuple[str, ...]
    """The first ones are words, the others numbers."""
    published: bool = False
    """Not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTable:
    """A table as people read it."""

    title: str
    note: str
    heads: tuple[str, ...]
    rows: Sequence[PrintedRow]
    num_words: int = 1
    """Columns, from the left, that hold words."""


def percent(share: float | None) -> str:
    """A share in percent with one decimal.

    >>> percent(0.4887)
    '48.9'
    """
    return f"{100 * share:.1f}" if is_defined(share) else UNDEFINED


def percent_between(share: float | None, low: float | None, high: float | None) -> str:
    """A share with its interval, where there is one.

    >>> percent_between(0.5, 0.4, 0.61)
    '50.0 (40.0 to 61.0)'
    """
    if not is_defined(share) or not is_defined(low) or not is_defined(high):
        return percent(share)
    return f"{percent(share)} ({percent(low)} to {percent(high)})"


def plain(value: float | None, decimals: int) -> str:
    """A number that is no share.

    >>> plain(0.5, 2)
    '0.50'
    """
    return f"{value:.{decimals}f}" if is_defined(value) else UNDEFINED


def side_by_side(scores: Iterable[Score], column: Callable[[Score], str]) -> dict[str, dict[str, Score]]:
    """Scores by representation and then by column, both in the order in which they come."""
    found: dict[str, dict[str, Score]] = {}
    for score in scores:
        found.setdefault(score.representation, {})[column(score)] = score
    return found


def published_row(row: PublishedRow, names: Sequence[str], sources: Sequence[str]) -> PrintedRow:
    """A published row under the columns ``names``, with the number of its source among ``sources``."""
    cells = [row.texts.get(name, UNDEFINED) for name in names]
    if not row.texts:
        cells[-1] = "not available"
    return PrintedRow((f"{row.method} [{sources.index(_citation(row)) + 1}]", *cells), published=True)


def citations(rows: Sequence[PublishedRow]) -> list[str]:
    """Where published rows come from, each source with its note once, in the order of the rows."""
    return list(dict.fromkeys(_citation(row) for row in rows))


def warning_of(report: ProbeReport) -> str:
    """What must be read before any number; empty for real faces."""
    return NOT_COMPARABLE if report.dataset == RENDERED else ""


def _citation(row: PublishedRow) -> str:
    return f"{row.source}: {row.note}" if row.note else row.source
