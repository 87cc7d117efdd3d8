"""The tables of action units: every representation beside the published rows, and its means over the folds."""

from collections.abc import Mapping, Sequence

from tcae.model.probing.display.printed import (
    UNDEFINED,
    PrintedRow,
    PrintedTable,
    citations,
    percent,
    percent_between,
    published_row,
    side_by_side,
)
from tcae.model.probing.published import PublishedRow
from tcae.model.probing.results import FOLDS, MEAN, POOLED, AuScore, ProbeReport, distinct, headline_fold

_TITLES = {
    POOLED: "F1 of each action unit, counts of all folds pooled",
    FOLDS: "F1 of each action unit, mean of the folds",
    "test": "F1 of each action unit, identities that were not fitted on",
    "val": "F1 of each action unit, validation identities",
}
_POSITIVES = "present in"


def au_tables(report: ProbeReport, others: Sequence[PublishedRow]) -> list[PrintedTable]:
    """One table for each way to take the folds together, the published rows in the first; then the means."""
    if not report.aus:
        return []
    found = distinct(row.fold for row in report.aus)
    first = headline_fold(report)
    folds = [fold for fold in found if fold == first] + [fold for fold in _TITLES if fold in found and fold != first]
    tables = [_au_table(report, fold, others if fold == first else []) for fold in folds]
    return [*tables, _means(report, folds[0])]


def _au_table(report: ProbeReport, fold: str, others: Sequence[PublishedRow]) -> PrintedTable:
    rows = [row for row in report.aus if row.fold == fold]
    names = [*sorted({row.au for row in rows} - {MEAN}), MEAN]
    lines = [
        PrintedRow((name, *(_f1(scores.get(au)) for au in names)))
        for name, scores in side_by_side(rows, lambda row: row.au).items()
    ]
    lines += [published_row(row, names, citations(others)) for row in others]
    counted = {row.au: row for row in reversed(rows) if row.num_labelled}
    note = "Percent; behind a mean its 95 % interval over identities."
    if counted:
        lines.append(PrintedRow((_POSITIVES, *(_share_present(counted, au) for au in names))))
        note += f" The last line, '{_POSITIVES}', is the share of labelled frames with the action unit."
    return PrintedTable(
        title=_TITLES.get(fold, f"F1 of each action unit, {_fold_name(fold)}"),
        note=note,
        heads=("", *names),
        rows=lines,
    )


def _f1(row: AuScore | None) -> str:
    if row is None:
        return UNDEFINED
    return percent_between(row.f1, row.f1_low, row.f1_high) if row.au == MEAN else percent(row.f1)


def _share_present(counted: Mapping[str, AuScore], au: str) -> str:
    row = counted.get(au)
    if au == MEAN or row is None or row.num_positives is None or not row.num_labelled:
        return ""
    return percent(row.num_positives / row.num_labelled)


def _means(report: ProbeReport, first: str) -> PrintedTable:
    """F1 of every fold, and the other measures of the headline fold."""
    rows = [row for row in report.aus if row.au == MEAN]
    folds = distinct(row.fold for row in rows)
    lines = []
    for name, scores in side_by_side(rows, lambda row: row.fold).items():
        headline = scores.get(first)
        others = (headline.auc, headline.accuracy) if headline else (None, None)
        lines.append(PrintedRow((name, *(_counted(scores.get(fold)) for fold in folds), *map(percent, others))))
    return PrintedTable(
        title="Means over the action units",
        note="Percent; F1 by fold, then ROC AUC and accuracy of the fold named behind them. An action unit without "
        "positives has no F1: it is left out of the mean, and counted here.",
        heads=(
            "",
            *(f"F1 {_fold_name(fold)}" for fold in folds),
            f"ROC AUC {_fold_name(first)}",
            f"accuracy {_fold_name(first)}",
        ),
        rows=lines,
    )


def _fold_name(fold: str) -> str:
    if fold == FOLDS:
        return "mean of folds"
    return f"fold {fold}" if fold.isdecimal() else fold


def _counted(row: AuScore | None) -> str:
    """A mean F1, and how many action units it leaves out."""
    if row is None:
        return UNDEFINED
    return percent(row.f1) + (f" ({row.num_undefined} left out)" if row.num_undefined else "")
