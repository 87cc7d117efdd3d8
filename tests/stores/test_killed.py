"""Killed at any change of the store or the scratch and run again: the result of an undisturbed run."""

import shutil
import zlib
from functools import partial
from pathlib import Path

import fsspec
import pytest

from tcae.manifests import stores
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.stores import StorePath
from tcae.manifests.workspace import Workspace, find_workspace
from tcae.pipeline import pictures
from tests.fault_builders import run_and_die
from tests.stage_builders import astronaut, call, faces, fake_detector, files, read

RUN = ("--device", "cpu", "--workers", 0, "--min-sharpness", 0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A clip of two pictures, one of one, and one without any picture that can be read."""
    for video, num_pictures in {"v": 2, "w": 1}.items():
        for number in range(num_pictures):
            path = tmp_path / "source" / "id" / video / "1" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pictures.encode(astronaut(number, 64), ".png"))
    (tmp_path / "source/id/v/2").mkdir()
    (tmp_path / "source/id/v/2/0.png").write_bytes(b"no picture")
    return tmp_path / "source"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorePath:
    """A store that is a folder, so that it outlives the process that writes to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setitem(fsspec.config.conf, "local", {"auto_mkdir": True})
    monkeypatch.setattr(stores, "NUM_AT_ONCE", 1)
    monkeypatch.setattr(stores, "WAITS_SECONDS", ())
    return StorePath("local://store")


def run(root: StorePath | Path, source: Path, *options: object) -> None:
    result = call("run", "--root", root, "--source", source, *RUN, *options)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("before", "options"),
    [(None, ()), (("--margin", 0.1), ()), (("--limit", 1), ("--pack",)), (("--pack", "--margin", 0.1), ())],
    ids=["new", "stale", "to be packed", "packed and stale"],
)
def test_killed_at_any_change_and_run_again_is_undisturbed(
    before: tuple[object, ...] | None,
    options: tuple[object, ...],
    root: StorePath,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_detector(monkeypatch)
    for module in ("workspace", "face_files"):
        monkeypatch.setattr(f"tcae.manifests.{module}.NUM_SHARDS", 1)  # clips that are kept beside some that are made
    wanted = tmp_path / "wanted"
    for place in (root, wanted):
        if before is not None:
            run(place, source, *before)
    run(wanted, source, *options)
    found = Workspace(tmp_path / "store")
    at = 0
    while run_and_die(partial(run, root, source, *options), found.root, at):
        reader = FaceFiles(found)
        for row in faces(found):  # what the rows say is there at every moment
            assert row.file is None or zlib.crc32(reader.read(found.root / row.file)) == row.crc32
        for locks in find_workspace(root, may_be_stored=True).root.rglob(".locks"):
            shutil.rmtree(locks)  # else clips are made in processes apart
        at += 1
    assert at > 5
    for table in ("clips", "frames", "faces"):
        assert sorted(read(found, table), key=repr) == sorted(read(Workspace(wanted), table), key=repr)
    for kind in ("faces", "manifests/packs"):
        assert files(found, kind) == files(Workspace(wanted), kind)
