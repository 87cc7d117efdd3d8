"""The tables of a probe's report, in the order in which they are read; what a set does not have gives no table."""

from collections.abc import Sequence

from tcae.model.probing.display.au_sheets import au_tables
from tcae.model.probing.display.printed import (
    UNDEFINED,
    PrintedRow,
    PrintedTable,
    citations,
    percent,
    percent_between,
    plain,
    published_row,
    side_by_side,
)
from tcae.model.probing.published import PublishedRow, published
from tcae.model.probing.results import (
    ClassScore,
    FewPoint,
    LeakScore,
    OtherScore,
    ProbeReport,
    angles_with_mean,
    distinct,
)

_ACCURACY = "accuracy"
_TASKS = {"au": "AU mean F1", "pose": "yaw and pitch R2"}


def printed_tables(report: ProbeReport) -> list[PrintedTable]:
    """Every table that the report has rows for."""
    tables = au_tables(report, _published(report, "f1"))
    tables += [_classes(report.classes, _published(report, "accuracy"))] if report.classes else []
    tables += [_angles(report, _published(report, "mae_degrees"))] if report.angles else []
    tables += [_leak(report)] if report.leak else []
    tables += [_few(report.few)] if report.few else []
    tables += [_curve(report)] if report.curve else []
    tables += [_others(report.others)] if report.others else []
    return tables


def printed_sources(report: ProbeReport) -> list[str]:
    """Where the published rows in its tables come from; the first is [1]."""
    has_rows = any(row.published for table in printed_tables(report) for row in table.rows)
    return citations(published(report.dataset)) if has_rows else []


def _published(report: ProbeReport, measure: str) -> list[PublishedRow]:
    return [row for row in published(report.dataset) if row.measure == measure]


def _classes(scores: Sequence[ClassScore], others: Sequence[PublishedRow]) -> PrintedTable:
    names = sorted(distinct(row.name for row in scores), key=lambda name: name != _ACCURACY)
    lines = [
        PrintedRow((name, *(_value(found.get(column)) for column in names)))
        for name, found in side_by_side(scores, lambda row: row.name).items()
    ]
    lines += [published_row(row, names, citations(others)) for row in others]
    note = "Percent; accuracy with its 95 % interval, then the recall of each class."
    return PrintedTable(title="Accuracy", note=note, heads=("", *names), rows=lines)


def _value(row: ClassScore | None) -> str:
    return percent_between(row.value, row.low, row.high) if row else UNDEFINED


def _angles(report: ProbeReport, others: Sequence[PublishedRow]) -> PrintedTable:
    scores = angles_with_mean(report)
    names = distinct(row.angle for row in scores)
    lines = []
    for name, found in side_by_side(scores, lambda row: row.angle).items():
        errors = [plain(found[angle].mae_degrees, 2) if angle in found else UNDEFINED for angle in names]
        shares = [plain(found[angle].r2, 2) if angle in found else UNDEFINED for angle in names]
        lines.append(PrintedRow((name, *errors, *shares)))
    heads = [*(f"{angle} MAE" for angle in names), *(f"{angle} R2" for angle in names)]
    lines += [published_row(row, [*names, *heads[len(names) :]], citations(others)) for row in others]
    note = "Mean absolute error in degrees, and R2: 1 is perfect, 0 is the mean angle for every face."
    return PrintedTable(title="Head pose", note=note, heads=("", *heads), rows=lines)


def _leak(report: ProbeReport) -> PrintedTable:
    tasks = distinct(row.task for row in report.leak)
    heads = [head for task in tasks for head in (_TASKS.get(task, task), "chance", "leak")]
    lines = []
    for name, found in side_by_side(report.leak, lambda row: row.task).items():
        lines.append(PrintedRow((name, *(cell for task in tasks for cell in _leak_cells(found.get(task))))))
    note = (
        "F1 in percent, R2 as it is. Leak: what an embedding knows above chance of the movement that it should not "
        "know, as a share of what the other embedding knows of it."
    )
    if report.displacement_ratio is not None:
        note += f" The pose displacement is {plain(report.displacement_ratio, 2)} times as long as the AU displacement."
    return PrintedTable(title="Which embedding knows what", note=note, heads=("", *heads), rows=lines)


def _leak_cells(row: LeakScore | None) -> tuple[str, str, str]:
    if row is None:
        return UNDEFINED, UNDEFINED, UNDEFINED
    score, chance = (
        (percent(row.score), percent(row.chance)) if row.task == "au" else (plain(row.score, 2), plain(row.chance, 2))
    )
    return score, chance, plain(row.leak, 2)


def _few(points: Sequence[FewPoint]) -> PrintedTable:
    counts = [str(count) for count in sorted({point.num_identities for point in points})]
    lines = [
        PrintedRow((name, *(_few_cell(found.get(count)) for count in counts)))
        for name, found in side_by_side(points, lambda point: str(point.num_identities)).items()
    ]
    note = "Mean F1 in percent of a probe fitted on so many identities; behind it the lowest and highest draw of them."
    return PrintedTable(title="With few labels", note=note, heads=("identities", *counts), rows=lines)


def _few_cell(point: FewPoint | None) -> str:
    if point is None:
        return UNDEFINED
    return percent_between(point.f1, point.f1_low, point.f1_high) if point.num_repeats > 1 else percent(point.f1)


def _curve(report: ProbeReport) -> PrintedTable:
    points = sorted(report.curve, key=lambda point: (point.pairs_seen, point.step))
    has_pose = any(point.pose_r2 is not None for point in points)
    lines = []
    for point in points:
        cells = [f"{point.pairs_seen:,}", f"{point.step:,}", percent_between(point.f1, point.f1_low, point.f1_high)]
        cells += [plain(point.pose_r2, 2)] if has_pose else []
        lines.append(PrintedRow((point.representation, *cells)))
    heads = ("", "pairs seen", "step", "mean F1", *(("pose R2",) if has_pose else ()))
    note = "The run's checkpoints, each scored as its end is, from the untrained encoder on."
    return PrintedTable(title="While it learnt", note=note, heads=heads, rows=lines)


def _others(scores: Sequence[OtherScore]) -> PrintedTable:
    lines = []
    for row in scores:
        between = f"{plain(row.low, 3)} to {plain(row.high, 3)}" if row.low is not None else ""
        chance = plain(row.chance, 3) if row.chance is not None else ""
        lines.append(PrintedRow((row.representation, row.name, row.note, plain(row.value, 3), between, chance)))
    heads = ("", "measure", "note", "value", "95 % interval", "chance")
    return PrintedTable(
        title="Other evaluations", note="As they are, not in percent.", heads=heads, rows=lines, num_words=3
    )
