import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from tcae.manifests.errors import WorkspaceError
from tcae.manifests.workspace import Workspace
from tcae.pipeline.report.page import make_page, write_page
from tcae.pipeline.report.sampling import SampleConfig
from tests.workspaces import Plan, make_workspace

WHEN = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
PLANS = [
    Plan(identity="<b>x<i>", outcomes=(None, None, "no_face")),
    Plan(identity="bob", outcomes=(None,) * 1200, aligned=False),
    Plan(identity="cid", failed="decode"),
]
VOID = {"meta", "img", "input", "br"}


class Reader(HTMLParser):
    """Follows the nesting and collects what a browser would show and fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.fetched: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

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


@pytest.fixture
def page(workspace: Workspace) -> str:
    make_workspace(workspace, [PLANS[0], Plan(identity="bob", aligned=False), PLANS[2]], splits={"<b>x<i>": "train"})
    return make_page(workspace, SampleConfig(), WHEN)


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    reader = read(page)
    assert "script" not in reader.tags
    assert all(value.startswith(("data:image/jpeg;base64,", "#")) for value in reader.fetched)
    assert "://" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_names_are_escaped(page: str) -> None:
    assert "<b>x<i>" not in page
    assert "<b>x<i>" in shown(page)


def test_the_page_says_what_became_of_everything(page: str) -> None:
    text = shown(page)
    assert "2026-03-04 05:06 UTC" in text
    assert "3 clips in · 5 frames out" in text
    assert "no_face 1 20.0 % e.g. no_face in frame 2" in text
    assert "decode 1 33.3 % e.g. decode: 0 of 0 pictures" in text
    assert "Next: run tcae-prep align." in text
    assert "2 to align" in text


def test_every_figure_sheet_and_link_is_there(page: str) -> None:
    links = {value for value in read(page).fetched if value.startswith("#")}
    assert {f"#{name}" for name in re.findall(r'<section id="(\w+)"', page)} == links
    assert page.count('<p class="summary">') == 8
    assert page.count('class="found"') == 5 * (2 + 2 + 1 + 1 + 1)


def test_large_numbers_have_separators(workspace: Workspace) -> None:
    make_workspace(workspace, [PLANS[1]], frames_on_disk=False)
    assert "1,200 frames out" in shown(make_page(workspace, SampleConfig(), WHEN))


def test_the_same_workspace_and_seed_give_the_same_page(workspace: Workspace) -> None:
    make_workspace(workspace, PLANS[:1])
    assert make_page(workspace, SampleConfig(), WHEN) == make_page(workspace, SampleConfig(), WHEN)


def test_an_extracted_workspace_has_a_page_too(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan(aligned=False)])
    text = shown(make_page(workspace, SampleConfig(), WHEN))
    assert "Distributions" not in text
    assert "2 frames in" in text


def test_the_page_is_written_whole_or_not_at_all(workspace: Workspace) -> None:
    make_workspace(workspace, PLANS[:1])
    path = workspace.root / "out" / "page.html"
    assert write_page(workspace, SampleConfig(), WHEN, path) == path.stat().st_size
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]
    (workspace.root / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="cannot write"):
        write_page(workspace, SampleConfig(), WHEN, workspace.root / "file" / "page.html")
