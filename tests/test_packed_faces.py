"""Whatever reads faces reads packed ones as it reads files: the same results from the same faces."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from tcae.cli.main import learn, prep
from tcae.manifests.pairs import PairIndex
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.model.data.batch import Batch
from tcae.model.data.batches import LoaderConfig, fixed_batches, train_batches
from tcae.model.data.sampler import centred
from tcae.model.probing.pixels import read_grey
from tcae.pipeline.packing import pack_workspace
from tests.label_builders import drawn_angles, drawn_aus, label_faces
from tests.recipe_builders import tiny_recipe
from tests.run_builders import workspace_with_run

CLIP = ClipKey("id1", "v", 0)
FACE = "faces/id1/v/0_folder/img_0_002.jpg"


class Both(NamedTuple):
    """The same workspace twice."""

    loose: Workspace
    packed: Workspace


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """8 people with 6 labelled faces each, and a run."""
    folder = tmp_path_factory.mktemp("both")
    loose, packed = Workspace(folder / "files"), Workspace(folder / "packs")
    workspace_with_run(loose, identities=8)
    label_faces(loose, drawn_aus(48), drawn_angles(48))
    shutil.copytree(loose.root, packed.root)
    assert pack_workspace(packed).num_lost == 0
    assert not any((packed.root / "faces").rglob("*.jpg"))
    return Both(loose, packed)


def call(workspace: Workspace, *arguments: object) -> str:
    """What a command of ``tcae`` says, without the workspace's name."""
    command, *rest = map(str, arguments)
    options = ["--root", str(workspace.root), "--device", "cpu"]
    result: Result = CliRunner().invoke(learn, [command, *options, *rest])
    assert result.exit_code == 0, result.output
    return result.output.replace(str(workspace.root), "ROOT")


def assert_equal(one: list[Batch], other: list[Batch]) -> None:
    assert len(one) == len(other) > 0
    for mine, yours in zip(one, other, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine[:3], yours[:3], strict=True))
        assert mine.broken == yours.broken == []


@pytest.mark.parametrize(
    "loader", [LoaderConfig(workers=0), LoaderConfig(workers=0, cache="ram"), LoaderConfig(workers=2)], ids=str
)
def test_batches_of_pairs(both: Both, loader: LoaderConfig) -> None:
    made = []
    for workspace in both:
        index = PairIndex.open(workspace.manifest("pairs") / "train")
        batches = train_batches(workspace, index, tiny_recipe(), loader, start_step=0, stop_step=4)
        made.append(list(batches))
        batches.close()
    assert_equal(*made)


def test_fixed_batches(both: Both) -> None:
    pairs = PairIndex.open(both.loose.manifest("pairs") / "val").fixed_pairs()
    samples = [centred(pair, tiny_recipe().view) for pair in pairs]
    assert_equal(*(list(fixed_batches(workspace, samples, tiny_recipe(), 3)) for workspace in both))


@pytest.mark.parametrize(
    "arguments", [(), ("--faces", "faces"), ("--faces", "faces/id3"), ("--faces", f"faces/{CLIP}")]
)
def test_embeddings(both: Both, arguments: tuple[str, ...]) -> None:
    tables = []
    for workspace in both:
        said = call(workspace, "embed", *arguments)
        assert "+ 0 unreadable" in said
        folder = workspace.root / "manifests" / "embeddings"
        tables.append({path.relative_to(folder): pq.read_table(path) for path in folder.rglob("*.parquet")})
    assert tables[0].keys() == tables[1].keys()
    assert all(table.equals(tables[1][name]) for name, table in tables[0].items())


@pytest.mark.parametrize("query", [FACE, "ROOT/" + FACE])
def test_retrieval_by_a_face_that_is_packed(both: Both, query: str, tmp_path: Path) -> None:
    said, sheets = [], []
    for workspace in both:
        call(workspace, "embed")
        sheet = tmp_path / f"{workspace.root.name}.png"
        said.append(call(workspace, "retrieve", query.replace("ROOT", str(workspace.root)), "--to", sheet))
        sheets.append(sheet.read_bytes())
    assert said[0].splitlines()[:-1] == said[1].splitlines()[:-1]
    assert FACE not in said[0]
    assert sheets[0] == sheets[1]


@pytest.mark.parametrize(
    ("source", "target"),
    [(FACE, "faces/id2/v/1_folder/img_1_001.jpg"), (FACE, f"faces/{CLIP}"), ("faces/id2/v/1_folder",) * 2],
)
def test_swaps_of_packed_faces_and_clips(both: Both, source: str, target: str, tmp_path: Path) -> None:
    made = []
    for workspace in both:
        folder = tmp_path / workspace.root.name
        call(workspace, "swap", source, target, "--to", folder)
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert made[0] == made[1]


def test_analyses(both: Both) -> None:
    assert call(both.loose, "analyse", "--pairs", "8") == call(both.packed, "analyse", "--pairs", "8")


class EnoughError(Exception):
    """The rest of a probe takes long."""


def test_probes_compare_with_the_pixels_themselves(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    grey: list[NDArray[np.uint8]] = []

    def read(*arguments: Any) -> NDArray[np.uint8]:
        grey.append(read_grey(*arguments))
        raise EnoughError

    monkeypatch.setattr("tcae.model.probe.read_grey", read)
    for workspace in both:
        result = CliRunner().invoke(learn, ["probe", "--root", str(workspace.root), "--device", "cpu"])
        assert isinstance(result.exception, EnoughError), result.output
    assert np.array_equal(grey[0], grey[1])
    assert grey[0].any(axis=(1, 2)).all()


def test_pages_that_show_faces(both: Both, tmp_path: Path) -> None:
    pages = []
    for workspace in both:
        page = tmp_path / "page.html"
        options = ["report", "--root", str(workspace.root), "--out", str(page)]
        assert CliRunner().invoke(prep, options).exit_code == 0
        pages.append(page.read_text().replace(str(workspace.root), "ROOT"))
    assert pages[0].count("data:image/jpeg") > 10
    assert pages[1].count("data:image/jpeg") == pages[0].count("data:image/jpeg")


@pytest.mark.parametrize("command", ["status", "verify"])
def test_what_tells_of_the_workspace(both: Both, command: str) -> None:
    said = []
    for workspace in both:
        result = CliRunner().invoke(prep, [command, "--root", str(workspace.root)])
        said.append((result.exit_code, result.stdout.replace(str(workspace.root), "ROOT")))
    assert said[0] == said[1]


def test_a_face_of_a_damaged_pack_is_a_face_that_cannot_be_read(both: Both, tmp_path: Path) -> None:
    damaged = Workspace(tmp_path / "damaged")
    shutil.copytree(both.packed.root, damaged.root)
    shutil.rmtree(damaged.manifest("embeddings"), ignore_errors=True)
    tar = damaged.pack(shard_of(CLIP))
    with tar.open("r+b") as sink:
        sink.truncate(600)
    result = CliRunner().invoke(learn, ["embed", "--root", str(damaged.root), "--device", "cpu"])
    assert f"{tar} has 600 bytes, and its index is of a tar of" in result.stderr
    assert "48 faces in = 45 embedded" in result.stdout
    result = CliRunner().invoke(learn, ["retrieve", FACE, "--root", str(damaged.root), "--device", "cpu"])
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert f"{tar} has 600 bytes" in result.stderr
