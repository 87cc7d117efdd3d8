import re
from dataclasses import replace

import pytest

from tcae.model.probing.markdown import markdown
from tcae.model.probing.results import AuScore, OtherScore, ProbeReport
from tests.report_builders import angle_report, au_report, au_scores, class_report, empty_report, full_report

NASTY = "<script>x</script> a|b `c` *d* [e](f)\nnext"


def row_of(text: str, name: str) -> list[str]:
    """The cells of the first table row that begins with ``name``."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def test_our_rows_stand_beside_the_published_ones_in_percent() -> None:
    text = markdown(au_report())

    assert row_of(text, "au")[1:3] == ["43.3", "45.3"]
    assert row_of(text, "au")[-1] == "54.3 (51.2 to 57.0)"
    assert row_of(text, r"*TCAE \[1\]*")[-1] == "56.1"
    assert row_of(text, r"*TCAE, run again \[2\]*")[1:] == ["-"] * 12 + ["50.80"]
    assert "1. Li et al., CVPR 2019, table of BP4D\n2. github.com/mysee1989/TCAE, issue 11" in text


def test_both_conventions_of_f1_are_printed_and_published_rows_once() -> None:
    text = markdown(au_report())

    assert headings(text)[:3] == [
        "F1 of each action unit, counts of all folds pooled",
        "F1 of each action unit, mean of the folds",
        "Means over the action units",
    ]
    assert text.count("*FAb-Net") == 1


def test_what_has_no_positives_is_a_dash_and_counted() -> None:
    rows = [
        replace(row, fold="test", f1=float("nan"), f1_low=None, f1_high=None) if row.au == "AU24" else row
        for row in au_scores(("2",))
    ]
    text = markdown(replace(empty_report(), aus=[replace(row, fold="test") for row in rows]))

    assert row_of(text, "au")[-2] == "-"
    assert "(1 left out)" in text
    assert "nan" not in text


def test_the_share_of_frames_with_each_action_unit_is_printed() -> None:
    assert row_of(markdown(au_report()), "present in")[1:] == [*(f"{2.5 * (k + 1):.1f}" for k in range(12)), ""]


def test_rendered_heads_are_loudly_not_comparable_and_have_no_published_row() -> None:
    text = markdown(full_report())

    assert "NOT comparable" in text
    assert "NOT comparable" not in markdown(au_report())
    assert not re.search("TCAE|FAb-Net|SplitBrain|Sources of the published", text)


def test_what_is_not_available_says_so() -> None:
    report = replace(empty_report("gft", "GFT"), aus=au_scores(("test",)))

    assert row_of(markdown(report), r"*TCAE \[1\]*")[-1] == "not available"


@pytest.mark.parametrize(
    ("report", "published", "expected"),
    [
        (class_report(), r"*TCAE \[1\]*", ["45.05", *["-"] * 7]),
        (angle_report(), r"*FAb-Net \[1\]*", ["-", "-", "-", "7.65", "-", "-", "-", "-"]),
    ],
)
def test_accuracies_and_angles_stand_beside_published_ones(
    report: ProbeReport, published: str, expected: list[str]
) -> None:
    assert row_of(markdown(report), published)[1:] == expected


def test_every_kind_of_score_has_its_table() -> None:
    assert headings(markdown(full_report())) == [
        "F1 of each action unit, identities that were not fitted on",
        "F1 of each action unit, validation identities",
        "Means over the action units",
        "Head pose",
        "Which embedding knows what",
        "With few labels",
        "While it learnt",
        "Other evaluations",
        "Protocol",
    ]


def test_what_a_set_does_not_have_leaves_no_heading() -> None:
    assert headings(markdown(replace(empty_report(), protocol={}))) == []


def test_every_table_row_has_as_many_cells_as_its_head() -> None:
    for report in (au_report(), class_report(), angle_report(), full_report()):
        for table in re.findall(r"(?:^\|.*\n)+", markdown(report), re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_no_name_becomes_markup() -> None:
    report = replace(
        empty_report("synthetic", NASTY),
        origin={"run": NASTY},
        protocol={NASTY: NASTY},
        notes=[NASTY],
        aus=[AuScore(representation=NASTY, au="mean", fold="test", f1=0.5)],
        others=[OtherScore(representation=NASTY, name=NASTY, value=0.5, note=NASTY)],
    )

    text = markdown(report)

    escaped = r"&lt;script&gt;x&lt;/script&gt; a\|b \`c\` \*d\* \[e\](f) next"
    assert "<script>" not in text
    assert f"| {escaped} | 50.0 |" in text
    assert text.count(escaped) == 10


def test_the_figure_is_named_where_there_is_one() -> None:
    assert "](figure.png)" in markdown(au_report(), "figure.png")
    assert "](" not in markdown(au_report())
