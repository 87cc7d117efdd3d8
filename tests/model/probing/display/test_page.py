import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tcae.model.probing.display.figures import draw_svg
from tcae.model.probing.display.page import make_page
from tcae.model.probing.results import AuScore, OtherScore, ProbeReport
from tests.report_builders import angle_report, au_report, empty_report, full_report

NASTY = "<b>x</b> & \"y\" --> 'z'"
VOID = {"meta"}


class Reader(HTMLParser):
    """Follows the nesting and collects what a browser would show and fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def shown(page: str) -> str:
    return re.sub(r"\s+", " ", " ".join(read(page).text))


@pytest.mark.parametrize("report", [angle_report(), full_report(), empty_report()])
def test_a_page_is_well_formed_and_fetches_nothing(report: ProbeReport) -> None:
    reader = read(make_page(report, draw_svg(report)))

    assert all(address.startswith("#") for address in reader.fetched)
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert ("svg" in reader.tags) == bool(report.angles)


def test_a_page_sets_our_rows_beside_the_published_ones() -> None:
    text = shown(make_page(au_report()))

    assert "au 43.3 45.3" in text
    assert "TCAE [1] 43.1 32.2" in text
    assert "Sources of the published rows Li et al., CVPR 2019" in text
    assert "146,847 labelled frames, 1,203 of them without a face" in text


def test_rendered_heads_are_loudly_not_comparable() -> None:
    assert 'class="warning">These faces are rendered. These rows are NOT comparable' in make_page(full_report())
    assert "NOT comparable" not in make_page(au_report())


def test_what_a_set_does_not_have_leaves_no_heading() -> None:
    reader = read(make_page(replace(empty_report(), protocol={})))

    assert "h2" not in reader.tags
    assert "table" not in reader.tags


def test_no_name_becomes_markup() -> None:
    report = replace(
        empty_report("bp4d", NASTY),
        origin={NASTY: NASTY},
        protocol={NASTY: NASTY},
        notes=[NASTY],
        aus=[AuScore(representation=NASTY, au="mean", fold="test", f1=0.5)],
        others=[OtherScore(representation=NASTY, name=NASTY, value=0.5, note=NASTY)],
    )

    page = make_page(report, draw_svg(report))

    assert "b" not in read(page).tags
    assert shown(page).count(NASTY) >= 11
