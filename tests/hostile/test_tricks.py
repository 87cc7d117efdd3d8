"""Files and names that are made to do harm: code in weights, ways out of the workspace, markup in names."""

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner, Result

from tcae.cli.main import learn, prep
from tcae.manifests.pair_tables import PAIRS
from tcae.manifests.rows import type_of_table
from tcae.manifests.tables import rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.export import WEIGHTS, export
from tcae.model.probing.display.figures import draw_svg
from tcae.model.probing.display.page import make_page as make_probe_page
from tcae.model.probing.results import AuScore, OtherScore
from tcae.model.training.runs import load_trained
from tcae.pipeline.report.page import make_page
from tcae.pipeline.report.sampling import SampleConfig
from tests.clips import write_clip
from tests.report_builders import empty_report
from tests.run_builders import workspace_with_run
from tests.stage_builders import fake_detector
from tests.workspaces import Plan, make_workspace

OUTWARD = "../../outside"
MARKUP = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "{{7*7}}",
    "]]>--><svg>",
]


class Shell:
    """Unpickling it runs a command of the shell."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def _dump(shell: Shell, path: Path) -> None:
    path.write_bytes(pickle.dumps(shell))


PICKLES: dict[str, Callable[[Shell, Path], None]] = {
    "as torch writes": lambda shell, path: torch.save({"model": shell, "state_dict": shell}, path),
    "as torch wrote before 1.6": lambda shell, path: torch.save(
        {"model": shell}, path, _use_new_zipfile_serialization=False
    ),
    "a bare pickle": _dump,
}

COMMANDS: dict[str, tuple[str, ...]] = {
    "embed": ("--device", "cpu"),
    "export": ("--run", "tiny"),
    "swap": ("face.jpg", "face.jpg", "--device", "cpu"),
    "analyse": ("--device", "cpu"),
    "import-released": ("weights.pth",),
}


def one_line(result: Result) -> str:
    """The only line of a command that was refused."""
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = result.stderr.splitlines()
    assert len([line for line in lines if line.startswith("Error")]) == 1, lines
    return lines[-1]


def call(program: Any, command: str, root: Path, *options: object) -> Result:
    return CliRunner().invoke(program, [command, "--root", str(root), *map(str, options)])


@pytest.mark.parametrize("kind", PICKLES)
@pytest.mark.parametrize("command", COMMANDS)
def test_code_in_place_of_weights_never_runs(
    command: str, kind: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace_with_run(workspace)
    monkeypatch.chdir(tmp_path)
    mark = tmp_path / "ran"
    for path in (*(workspace.root / "runs").rglob("*.pt"), tmp_path / "weights.pth"):
        PICKLES[kind](Shell(mark), path)
    said = one_line(call(learn, command, workspace.root, *COMMANDS[command]))
    assert "holds more than tensors and plain values, or is damaged; none of it was run" in said
    assert not mark.exists()


def test_code_in_place_of_an_exports_tensors_never_runs(workspace: Workspace, tmp_path: Path) -> None:
    workspace_with_run(workspace)
    folder = export(load_trained(workspace, "tiny"), tmp_path / "export")
    PICKLES["a bare pickle"](Shell(tmp_path / "ran"), folder / WEIGHTS)
    one_line(call(learn, "embed", workspace.root, "--encoder", folder, "--device", "cpu"))
    assert not (tmp_path / "ran").exists()


def test_the_pickles_would_run(tmp_path: Path) -> None:
    PICKLES["a bare pickle"](Shell(tmp_path / "ran"), tmp_path / "bomb")
    pickle.loads((tmp_path / "bomb").read_bytes())
    assert (tmp_path / "ran").exists()


def rewrite(workspace: Workspace, table: str, **values: object) -> None:
    """Give every row of a table other values."""
    row_type = type_of_table[table]
    for path in workspace.manifest(table).glob("*.parquet"):
        found = pq.read_table(path)
        rows: list[Any] = rows_of(found, row_type)
        rows = [replace(row, **values) for row in rows]
        metadata = {name.decode().removeprefix("tcae."): text.decode() for name, text in found.schema.metadata.items()}
        write_table(table_of(rows, row_type), path, {name: text for name, text in metadata.items() if name != "schema"})


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("clips", {"identity": OUTWARD}),
        ("clips", {"video": ".."}),
        ("frames", {"identity": OUTWARD}),
        ("frames", {"file": f"frames/{OUTWARD}/1.jpg"}),
        ("frames", {"file": "/etc/hostname"}),
        ("faces", {"identity": "/etc"}),
        ("faces", {"file": "../secret.jpg"}),
    ],
)
def test_a_table_cannot_lead_out_of_the_workspace(
    table: str, values: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    workspace = Workspace(tmp_path / "a" / "b" / "workspace")
    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "a.mp4", 30)
    assert call(prep, "run", workspace.root, "--source", tmp_path / "source", "--workers", 0).exit_code == 0
    rewrite(workspace, table, **values)
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(workspace.root)}
    told = []
    commands: list[tuple[Any, ...]] = [
        ("extract", "--source", tmp_path / "source", "--workers", 0),
        ("align", "--workers", 0),
        ("run", "--source", tmp_path / "source", "--workers", 0),
        ("split",),
        ("report",),
        ("status",),
        ("verify",),
    ]
    for command, *options in commands:
        result = call(prep, command, workspace.root, *options)
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        told.append(result.output)
    assert any("would lead out of the workspace" in text for text in told)
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(workspace.root)} == before


def test_pairs_cannot_lead_out_of_the_workspace(workspace: Workspace) -> None:
    workspace_with_run(workspace)
    for path in (workspace.root / "manifests" / "pairs").rglob("pairs.parquet"):
        found = pq.read_table(path)
        names = pa.array([OUTWARD] * len(found), pa.string())
        write = pa.table([names, *found.columns[1:]], schema=PAIRS.with_metadata(found.schema.metadata))
        pq.write_table(write, path)
    assert "would lead out of the workspace" in one_line(call(learn, "analyse", workspace.root, "--device", "cpu"))


@pytest.mark.parametrize("name", ["../run", "/tmp/run", "..", "a/b", "a\nb", "-x"])
@pytest.mark.parametrize("command", ["embed", "export"])
def test_a_runs_name_is_no_path(command: str, name: str, workspace: Workspace) -> None:
    workspace.root.mkdir()
    assert "cannot name a run" in one_line(call(learn, command, workspace.root, f"--run={name}"))


class Reader(HTMLParser):
    """Collects what a browser would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ran: list[str] = []
        self.fetched: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ran += [name for name, _ in attrs if name.startswith("on")]
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


def is_harmless(page: str) -> bool:
    reader = Reader()
    reader.feed(page)
    own = all(address.startswith(("data:image/", "#")) for address in reader.fetched)
    return own and not reader.ran and not {"script", "iframe", "object"} & reader.tags


def test_markup_in_names_stays_text_in_both_reports(workspace: Workspace) -> None:
    names = [name.replace("/", "|") for name in MARKUP]
    plans = [
        Plan(identity=name, video=names[number - 1], outcomes=(None, "blurred"), failed=None)
        for number, name in enumerate(names)
    ]
    make_workspace(workspace, plans, splits=dict.fromkeys(names, "train"))
    pages = [make_page(workspace, SampleConfig(), datetime(2026, 1, 1, tzinfo=UTC))]
    for name in MARKUP:
        report = replace(
            empty_report("bp4d", name),
            protocol={name: name},
            notes=[name],
            aus=[AuScore(representation=name, au="mean", fold="test", f1=0.5)],
            others=[OtherScore(representation=name, name=name, value=0.5, note=name)],
        )
        pages.append(make_probe_page(report, draw_svg(report)))
    for page in pages:
        assert is_harmless(page)
    reader = Reader()
    reader.feed(pages[0])
    assert all(name in reader.text for name in names)
    assert "{{7*7}}" in pages[4]


def test_harm_would_be_seen() -> None:
    for page in ("<img src=x>", "<b onclick='x'>", "<script>1</script>", "<a href='javascript:1'>"):
        assert not is_harmless(page)
    assert is_harmless("<p>&lt;script&gt;</p><img src='data:image/png;base64,AA'>")
