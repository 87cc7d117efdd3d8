"""A workspace in an object store has the rows and the files of one on a disk."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tcae.manifests.stores import StorePath
from tcae.manifests.workspace import Workspace
from tests.clips import write_clip
from tests.stage_builders import astronaut, call, fake_detector, files, read
from tests.store_builders import brought, check_name_in, memory, objects, put, s3_server, same_times

EXTRACT = ("--fps", 5, "--workers", 0)
ALIGN = ("--device", "cpu", "--workers", 0, "--min-sharpness", 0)
TABLES = ("clips", "frames", "faces", "identities")


@pytest.fixture(scope="module", params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest) -> Iterator[StorePath]:
    if request.param == "memory":
        with memory() as store:
            yield store
    else:
        with s3_server() as (_, store):
            yield store


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small clips of three people, one of them broken, and a folder of pictures."""
    root = tmp_path_factory.mktemp("source")
    for number in range(5):
        folder = root / f"id{number % 3}" / "v"
        folder.mkdir(parents=True, exist_ok=True)
        write_clip(folder / f"{number}.mp4", 8 + 4 * number, draw=astronaut)
    (root / "id0" / "v" / "99.mp4").write_bytes(b"no video at all")
    return root


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "scratch"))
    return tmp_path / "scratch"


@pytest.fixture
def stored(bucket: StorePath, source: Path, scratch: Path, tmp_path: Path) -> tuple[StorePath, Path]:
    """A source in the store, and one of the same times on the disk."""
    there = put(source, bucket / tmp_path.name / "tree")
    here = tmp_path / "tree"
    shutil.copytree(source, here)
    same_times(here, there)
    return there, here


def told(*args: object) -> str:
    result = call(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


def assert_same(found: Workspace, wanted: Workspace) -> None:
    """Every row and every file; the source's place aside."""
    for table in TABLES:
        rows = [sorted(read(workspace, table), key=repr) for workspace in (found, wanted)]
        if table == "clips":
            rows = [[replace(row, source="") for row in of_one] for of_one in rows]
        assert rows[0] == rows[1], table
    for kind in ("frames", "faces", "manifests/pairs"):
        assert files(found, kind) == files(wanted, kind)


def test_every_stage_gives_what_it_gives_on_a_disk(
    bucket: StorePath, stored: tuple[StorePath, Path], scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    there, here = stored
    root, wanted = there.parent / "workspace", Workspace(tmp_path / "wanted")
    lines: list[list[str]] = []
    for place, source in ((root, there), (wanted.root, here)):
        lines.append([told("extract", "--root", place, "--source", source, *EXTRACT)])
        lines[-1].append(told("align", "--root", place, *ALIGN))
        lines[-1].append(told("split", "--root", place, "--ratios", "50/25/25"))
        lines[-1].append(told("status", "--root", place).replace(str(place), "").strip())
        lines[-1].append(told("extract", "--root", place, *EXTRACT))
        lines[-1].append(told("extract", "--root", place, "--source", source, "--dry-run"))
    assert lines[0] == lines[1]
    assert_same(brought(root, tmp_path / "found"), wanted)
    assert not list(scratch.rglob("*.jpg"))
    assert not list(scratch.rglob("shards/*"))
    names = set(objects(root))
    assert not [name for name in names if "/." in name]


def test_clips_made_anew_leave_nothing_of_what_was(
    stored: tuple[StorePath, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    there, here = stored
    root, wanted = there.parent / "workspace", Workspace(tmp_path / "wanted")
    told("run", "--root", root, "--source", there, *EXTRACT, *ALIGN)
    told("run", "--root", root, "--source", there, *ALIGN, "--fps", 1)
    told("run", "--root", wanted.root, "--source", here, *ALIGN, "--fps", 1)
    assert_same(brought(root, tmp_path / "found"), wanted)


def test_the_shares_of_an_array_of_jobs_join(stored: tuple[StorePath, Path], tmp_path: Path) -> None:
    there, here = stored
    root, wanted = there.parent / "workspace", Workspace(tmp_path / "wanted")
    for share in ("3/3", "1/3", "2/3", "1/3"):
        told("extract", "--root", root, "--source", there, *EXTRACT, "--shard", share)
    told("extract", "--root", wanted.root, "--source", here, *EXTRACT)
    assert_same(brought(root, tmp_path / "found"), wanted)


@pytest.mark.parametrize("name", ["a::b", "a?b", "a#b", "a%20b", "a b", "a*", "[a]", "ä\u0301", "a&b=c", "{a}"])
def test_any_name_is_only_a_name(name: str, bucket: StorePath, tmp_path: Path) -> None:
    check_name_in(bucket / "names", name, tmp_path)
