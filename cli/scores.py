"""How `tcae probe` shows its scores in a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from tcae.model.probing.display.brief import brief_table
from tcae.model.probing.display.printed import warning_of
from tcae.model.probing.results import ProbeReport


def show(report: ProbeReport) -> None:
    """Print a row for each representation, then what must be known to read them."""
    console = Console(highlight=False)
    brief = brief_table(report)
    console.print(brief.title, soft_wrap=True, markup=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column, head in enumerate(brief.heads):
        table.add_column(head, justify="right" if column else "left", no_wrap=not column)
    for row in brief.rows:
        table.add_row(*row.cells, style="dim" if row.published else None)
    console.print(table)
    for line in [warning_of(report), *report.notes]:
        if line:
            console.print(line, soft_wrap=True, markup=False)
