"""What a probe says in a terminal: one short table, with the published means under ours."""

from collections.abc import Iterator

from tcae.model.probing.display.printed import PrintedRow, PrintedTable, percent, percent_between, plain
from tcae.model.probing.published import PublishedRow, published
from tcae.model.probing.results import (
    FOLDS,
    MEAN,
    AuScore,
    ClassScore,
    ProbeReport,
    angles_with_mean,
    distinct,
    headline_fold,
    headline_scores,
)

_MEASURES = {"f1": MEAN, "accuracy": "accuracy", "mae_degrees": MEAN}
"""Which printed number of a published row is its summary."""


def brief_table(report: ProbeReport) -> PrintedTable:
    """A row for each representation; a column for each kind of score that the report has."""
    columns = list(_columns(report))
    names = distinct(name for _, cells in columns for name in cells)
    rows = [PrintedRow((name, *(cells.get(name, "") for _, cells in columns))) for name in names]
    rows += [_published(row, len(columns)) for row in published(report.dataset)]
    return PrintedTable(title=report.title, note="", heads=("", *(head for head, _ in columns)), rows=rows)


def _columns(report: ProbeReport) -> Iterator[tuple[str, dict[str, str]]]:
    """Heads, and cells by representation."""
    if report.aus:
        best = headline_scores(report)
        yield f"mean F1, {headline_fold(report)}", {row.representation: _between(row) for row in best}
        folds = [row for row in report.aus if row.au == MEAN and row.fold == FOLDS]
        if folds:
            yield "mean F1 of the folds", {row.representation: percent(row.f1) for row in folds}
        yield "ROC AUC", {row.representation: percent(row.auc) for row in best}
    if report.classes:
        yield "accuracy", {row.representation: _accuracy(row) for row in report.classes if row.name == "accuracy"}
    if report.angles:
        means = [row for row in angles_with_mean(report) if row.angle == MEAN]
        yield "pose MAE, degrees", {row.representation: plain(row.mae_degrees, 2) for row in means}
        yaws = [row for row in report.angles if row.angle == "yaw"]
        yield "yaw R2", {row.representation: plain(row.r2, 2) for row in yaws}


def _between(row: AuScore) -> str:
    return percent_between(row.f1, row.f1_low, row.f1_high)


def _accuracy(row: ClassScore) -> str:
    return percent_between(row.value, row.low, row.high)


def _published(row: PublishedRow, num_columns: int) -> PrintedRow:
    score = row.texts.get(_MEASURES[row.measure], "not available")
    return PrintedRow((f"{row.method} (published)", score, *[""] * (num_columns - 1)), published=True)
