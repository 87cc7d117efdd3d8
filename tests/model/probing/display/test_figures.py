import io
import math
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tcae.model.probing.display.figures import draw_png, draw_svg, panels_of
from tcae.model.probing.results import AuScore, CurvePoint, LeakScore, ProbeReport
from tests.report_builders import angle_report, au_report, class_report, empty_report, full_report


def panel_names(report: ProbeReport) -> list[str]:
    return [getattr(panel, "__name__", "") for panel in panels_of(report)]


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (au_report(), ["draw_aus"]),
        (class_report(), ["draw_classes"]),
        (angle_report(), ["draw_angles"]),
        (full_report(), ["draw_aus", "draw_curve", "draw_leak", "draw_few"]),
        (empty_report(), []),
    ],
)
def test_a_figure_has_a_panel_for_what_there_is(report: ProbeReport, expected: list[str]) -> None:
    assert panel_names(report) == expected


def test_nothing_to_draw_gives_no_figure() -> None:
    assert draw_png(empty_report()) is None
    assert draw_svg(empty_report()) is None


def test_a_figure_is_a_picture_with_ink_on_white() -> None:
    data = draw_png(angle_report())

    assert data is not None
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert picture.shape[0] > 400
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert (picture.min(axis=2) < 128).mean() > 0.01


def test_the_drawing_is_one_element_and_the_same_each_time() -> None:
    svg = draw_svg(angle_report())

    assert svg is not None
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert svg.startswith("<svg")
    assert draw_svg(angle_report()) == svg


@pytest.mark.parametrize(
    "report",
    [
        replace(empty_report(), aus=[AuScore(representation="au", au="mean", fold="test", f1=math.nan)]),
        replace(empty_report(), aus=[AuScore(representation="$x$ <b>", au="mean", fold="test", f1=0.0)]),
        replace(empty_report(), aus=[AuScore(representation="au", au="AU01", fold="test", f1=0.5)]),
        replace(empty_report(), curve=[CurvePoint(pairs_seen=0, step=0, representation="au", f1=0.4)]),
        replace(empty_report(), curve=[CurvePoint(pairs_seen=640, step=10, representation="au", f1=0.4)]),
        replace(empty_report(), curve=[CurvePoint(pairs_seen=640, step=10, representation="au", f1=None)]),
        replace(empty_report(), leak=[LeakScore(representation="au", task="pose", score=-4e9, chance=0.0)]),
        replace(empty_report(), leak=[LeakScore(representation="au", task="au", score=None)]),
    ],
)
def test_odd_scores_are_drawn(report: ProbeReport) -> None:
    assert draw_png(report) is not None
