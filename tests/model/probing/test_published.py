from pathlib import Path

import pytest

from tcae.manifests.folds import fold_lists
from tcae.model.probing.protocols import PROTOCOLS, protocol_of
from tcae.model.probing.published import PublishedRow, published

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference" / "models.md"
SETS = [name for name in PROTOCOLS if published(name)]


@pytest.fixture
def reference() -> str:
    """The facts that were read in the papers; they lie beside the project on some machines."""
    if not REFERENCE.is_file():
        pytest.skip(f"needs {REFERENCE}")
    return REFERENCE.read_text()


def cells_of(text: str, corner: str) -> tuple[list[str], dict[str, list[str]]]:
    """Headings and rows of the table whose first heading is ``corner``."""
    lines = text[text.index(f"| {corner} |") :].split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return rows[0][1:], {row[0]: row[1:] for row in rows[2:]}


def by_method(dataset: str) -> dict[str, PublishedRow]:
    return {row.method: row for row in published(dataset)}


@pytest.mark.parametrize(("dataset", "corner"), [("bp4d", "BP4D F1"), ("disfa", "DISFA F1")])
def test_every_f1_is_that_of_the_reference(reference: str, dataset: str, corner: str) -> None:
    heads, rows = cells_of(reference, corner)
    names = [head.replace("avg", "mean") if head == "avg" else f"AU{int(head):02d}" for head in heads]

    found = by_method(dataset)

    assert set(rows) <= set(found)
    for method, texts in rows.items():
        assert found[method].texts == dict(zip(names, texts, strict=True))


@pytest.mark.parametrize(("dataset", "column"), [("fer2013", 0), ("rafdb", 1)])
def test_every_accuracy_is_that_of_the_reference(reference: str, dataset: str, column: int) -> None:
    _, rows = cells_of(reference, "Linear protocol accuracy [paper]")

    found = {method: row.texts["accuracy"] for method, row in by_method(dataset).items()}

    assert found == {method: texts[column] for method, texts in rows.items()}


@pytest.mark.parametrize(
    ("dataset", "method", "name", "score"),
    [
        ("bp4d", "TCAE", "mean", 56.1),
        ("bp4d", "TCAE, run again", "mean", 50.8),
        ("bp4d", "FAb-Net", "AU15", 26.5),
        ("disfa", "TCAE", "mean", 45.0),
        ("disfa", "SplitBrain", "AU26", 40.3),
        ("disfa-fg2020", "Fung and McDuff", "mean", 60.0),
        ("fer2013", "TCAE", "accuracy", 45.05),
        ("rafdb", "FaceCycle", "accuracy", 71.01),
        ("aflw2000", "FAb-Net", "mean", 7.65),
    ],
)
def test_a_published_number_is_found_by_set_method_and_name(dataset: str, method: str, name: str, score: float) -> None:
    assert by_method(dataset)[method].scores[name] == score


@pytest.mark.parametrize("dataset", ["bp4d", "disfa"])
def test_a_printed_mean_is_that_of_its_action_units(dataset: str) -> None:
    for row in published(dataset):
        aus = [score for name, score in row.scores.items() if name != "mean"]
        if aus:
            assert sum(aus) / len(aus) == pytest.approx(row.scores["mean"], abs=0.1)


@pytest.mark.parametrize("dataset", ["bp4d", "disfa"])
def test_published_rows_have_the_action_units_of_the_protocol(dataset: str) -> None:
    assert dataset in fold_lists()
    assert tuple(by_method(dataset)["TCAE"].scores) == (*protocol_of(dataset).aus, "mean")


@pytest.mark.parametrize("dataset", SETS)
def test_every_row_has_a_source_and_those_of_a_set_one_measure(dataset: str) -> None:
    rows = published(dataset)

    assert all(row.source for row in rows)
    assert len({row.measure for row in rows}) == 1


def test_the_row_of_gft_is_known_but_not_available() -> None:
    (row,) = published("gft")

    assert row.scores == {}
    assert "not available" in row.note


@pytest.mark.parametrize("dataset", ["synthetic", "openface", "no such set"])
def test_other_sets_have_no_published_row(dataset: str) -> None:
    assert published(dataset) == []
