"""A probe's report as one page of HTML that loads nothing from anywhere."""

from importlib.resources import files

import jinja2

from tcae.model.probing.display.printed import warning_of
from tcae.model.probing.display.sheets import printed_sources, printed_tables
from tcae.model.probing.results import ProbeReport


def make_page(report: ProbeReport, figure: str | None = None) -> str:
    """The page's HTML, every name escaped.

    Args:
        report: What was found.
        figure: An ``<svg>`` element, trusted; it is set into the page as it is.
    """
    source = files("tcae.model.probing.display").joinpath("probe.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source).render(
        report=report,
        warning=warning_of(report),
        figure=figure,
        tables=printed_tables(report),
        sources=printed_sources(report),
    )
