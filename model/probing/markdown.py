"""A probe's report as Markdown: its tables, and what must be known to read them."""

import html
import re
from collections.abc import Iterator, Sequence

from tcae.model.probing.display.printed import PrintedTable, warning_of
from tcae.model.probing.display.sheets import printed_sources, printed_tables
from tcae.model.probing.results import ProbeReport

_MARKUP = re.compile(r"([\\|`*\[\]])")


def markdown(report: ProbeReport, figure: str | None = None) -> str:
    """The report for people, every name escaped.

    Args:
        report: What was found.
        figure: The file name of its picture, where there is one.
    """
    return "\n\n".join(_blocks(report, figure)) + "\n"


def _blocks(report: ProbeReport, figure: str | None) -> Iterator[str]:
    yield f"# Probe: {_escaped(report.title)}"
    if warning := warning_of(report):
        yield f"> **{warning}**"
    yield _facts(report)
    yield from (f"Note: {_escaped(note)}" for note in report.notes)
    if figure:
        yield f"![The scores as a figure]({figure})"
    for table in printed_tables(report):
        yield from (f"## {_escaped(table.title)}", _escaped(table.note), _table(table))
    if sources := printed_sources(report):
        yield "## Sources of the published rows"
        yield "\n".join(f"{number}. {_escaped(source)}" for number, source in enumerate(sources, 1))
    if report.protocol:
        yield "## Protocol"
        yield "\n".join(f"- {_escaped(name)}: {_escaped(value)}" for name, value in report.protocol.items())


def _facts(report: ProbeReport) -> str:
    facts = [f"- {_escaped(name)}: {_escaped(value)}" for name, value in report.origin.items()]
    facts.append(
        f"- labelled frames: {report.num_labelled_frames:,}, of which without a face: {report.num_without_face:,}"
    )
    return "\n".join(facts)


def _table(table: PrintedTable) -> str:
    ruler = ["---" if column < table.num_words else "---:" for column in range(len(table.heads))]
    return "\n".join([_line(table.heads), _line(ruler), *(_line(row.cells, row.published) for row in table.rows)])


def _line(cells: Sequence[str], published: bool = False) -> str:
    first, *others = map(_escaped, cells)
    return f"| {' | '.join([f'*{first}*' if published else first, *others])} |"


def _escaped(text: str) -> str:
    """Text on one line in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))
