import json
from dataclasses import replace
from pathlib import Path

import pytest

from tcae.manifests.errors import ManifestError, WorkspaceError
from tcae.manifests.tables import read_table, rows_of
from tcae.model.probing.report import read_report, write_report
from tcae.model.probing.results import AuScore, ProbeReport
from tests.report_builders import MEANS, angle_report, au_report, empty_report, full_report

FILES = {"scores.json", "scores.parquet", "probe.md", "probe.html", "figure.png", "figure.svg"}
NUM_UNDEFINED = len(MEANS)


@pytest.fixture(scope="module")
def report() -> ProbeReport:
    """Every kind of score, one of them NaN."""
    return replace(full_report(), aus=au_report().aus)


@pytest.fixture(scope="module")
def written(report: ProbeReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of that report."""
    folder = tmp_path_factory.mktemp("written") / "scores"
    write_report(report, folder)
    return folder


def test_a_report_is_six_files(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == FILES
    assert (written / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (written / "figure.svg").read_text().startswith("<svg")
    assert "<svg" in (written / "probe.html").read_text()
    assert "](figure.png)" in (written / "probe.md").read_text()


def test_what_was_written_is_read_back_and_nan_becomes_none(report: ProbeReport, written: Path) -> None:
    found = read_report(written)

    assert len([row for row in found.aus if row.f1 is None]) == NUM_UNDEFINED
    assert [row for row in found.aus if row.f1 is not None] == [row for row in report.aus if row.f1 == row.f1]
    for name in ("angles", "curve", "few", "leak"):
        assert list(getattr(found, name)) == list(getattr(report, name))
    for name in ("dataset", "title", "origin", "protocol", "displacement_ratio"):
        assert getattr(found, name) == getattr(report, name)


def test_the_json_has_no_nan(written: Path) -> None:
    def refuse(word: str) -> float:
        raise AssertionError(word)

    assert json.loads((written / "scores.json").read_text(), parse_constant=refuse)["dataset"] == "synthetic"


def test_the_table_has_a_row_for_each_representation_action_unit_and_fold(report: ProbeReport, written: Path) -> None:
    table = read_table(written / "scores.parquet", AuScore)
    rows = rows_of(table, AuScore)

    assert [(row.representation, row.au, row.fold) for row in rows] == [
        (row.representation, row.au, row.fold) for row in report.aus
    ]
    assert len([row for row in rows if row.f1 is None]) == NUM_UNDEFINED
    assert json.loads(table.schema.metadata[b"tcae.config"])["checkpoint"] == "best"


def test_equal_reports_give_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(angle_report(), tmp_path / name)

    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_report_without_scores_removes_the_figure_of_the_one_before(tmp_path: Path) -> None:
    write_report(angle_report(), tmp_path)
    write_report(empty_report(), tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == FILES - {"figure.png", "figure.svg"}
    assert "figure" not in (tmp_path / "probe.md").read_text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"aus": [{"f1": 1}]}', "nonsense"])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "scores.json").write_text(text)

    with pytest.raises(ManifestError, match=r"scores\.json is not the report of a probe"):
        read_report(tmp_path)


def test_a_missing_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"scores\.json is not the report of a probe"):
        read_report(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "scores").write_text("a file")

    with pytest.raises(WorkspaceError, match=r"cannot write .*scores\.json"):
        write_report(empty_report(), tmp_path / "scores")
