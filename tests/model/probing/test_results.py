import math
from dataclasses import replace
from typing import Any

import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.probing.results import (
    MEAN,
    AngleScore,
    AuScore,
    CurvePoint,
    angles_with_mean,
    headline_fold,
    headline_scores,
    is_defined,
)
from tests.report_builders import angle_report, au_report, au_scores, empty_report


@pytest.mark.parametrize("f1", [48.9, -0.1])
def test_percent_is_refused_where_a_share_is_meant(f1: float) -> None:
    row = AuScore(representation="au", au=MEAN, fold="test", f1=f1)
    point = CurvePoint(pairs_seen=0, step=0, representation="au", f1=f1)

    for changed in ({"aus": [row]}, {"curve": [point]}):
        values: dict[str, Any] = changed
        with pytest.raises(ConfigError, match=rf"a score is {f1}; scores are shares between 0 and 1, not percent"):
            replace(empty_report(), **values)


@pytest.mark.parametrize(("score", "expected"), [(0.0, True), (None, False), (math.nan, False), (1.0, True)])
def test_a_score_exists_unless_it_is_none_or_nan(score: float | None, expected: bool) -> None:
    assert is_defined(score) == expected


@pytest.mark.parametrize(
    ("folds", "expected"),
    [
        (("1", "2", "3", "pooled", "folds"), "pooled"),
        (("val", "test"), "test"),
        (("val",), "val"),
        (("2", "1"), "1"),
        ((), None),
    ],
)
def test_the_pooled_folds_stand_for_a_representation_else_the_test_identities(
    folds: tuple[str, ...], expected: str | None
) -> None:
    assert headline_fold(replace(empty_report(), aus=au_scores(folds))) == expected


def test_each_representation_has_one_headline_in_the_order_of_the_report() -> None:
    rows = headline_scores(au_report())

    assert [row.representation for row in rows][:3] == ["au", "pose", "both"]
    assert len({row.representation for row in rows}) == len(rows)
    assert {(row.au, row.fold) for row in rows} == {(MEAN, "pooled")}


def test_the_mean_of_the_angles_is_added_once() -> None:
    report = angle_report()
    found = angles_with_mean(report)

    assert [row for row in found if row.angle != MEAN] == list(report.angles)
    mean = found[3]
    assert (mean.representation, mean.angle, mean.mae_degrees) == ("au", MEAN, 7.0)
    assert mean.r2 == pytest.approx(0.9)
    assert angles_with_mean(replace(report, angles=found)) == found


def test_the_mean_of_angles_of_which_one_has_no_score_has_none() -> None:
    rows = [
        AngleScore(representation="au", angle="yaw", mae_degrees=5.0, r2=math.nan),
        AngleScore(representation="au", angle="roll", mae_degrees=7.0, r2=0.5),
    ]

    mean = angles_with_mean(replace(empty_report(), angles=rows))[-1]

    assert (mean.mae_degrees, mean.r2) == (6.0, None)
