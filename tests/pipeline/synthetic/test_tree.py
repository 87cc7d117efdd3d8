import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tcae.manifests.errors import ConfigError, StoppedError
from tcae.manifests.workspace import Workspace
from tcae.pipeline.encode import encode_mp4
from tcae.pipeline.synthetic import tree
from tcae.pipeline.synthetic.clips import DemoClip, DemoConfig
from tcae.pipeline.synthetic.labels import label_clips
from tcae.pipeline.synthetic.pack import load_pack
from tcae.pipeline.synthetic.tree import make_tree, write_clip

SMALL = DemoConfig(identities=1, clips=2, seconds=0.12, seed=7)


def files(workspace: Workspace) -> dict[str, bytes]:
    return {
        workspace.relative(path): path.read_bytes() for path in sorted(workspace.videos.rglob("*")) if path.is_file()
    }


def test_it_writes_a_voxceleb2_tree_and_its_labels(workspace: Workspace, toy_path: Path) -> None:
    told: list[tuple[int, int]] = []
    made = make_tree(workspace, SMALL, toy_path, workers=0, progress=lambda done, total: told.append((done, total)))
    assert made == 2
    assert told == [(1, 2), (2, 2)]
    assert list(files(workspace)) == [f"videos/mp4/id90000/demo0070000/0000{number}.mp4" for number in (1, 2)]
    labels = pq.read_table(workspace.root / "labels" / "synthetic.parquet")
    assert labels.num_rows == 2 * 3
    assert json.loads(labels.schema.metadata[b"tcae.config"])["seed"] == 7


def test_processes_and_this_process_write_the_same_bytes(tmp_path: Path, toy_path: Path) -> None:
    alone, spread = Workspace(tmp_path / "alone"), Workspace(tmp_path / "spread")
    make_tree(alone, SMALL, toy_path, workers=0)
    make_tree(spread, SMALL, toy_path, workers=2)
    assert files(alone) == files(spread)
    names = "labels/synthetic.parquet", "labels/synthetic.json"
    assert [(alone.root / name).read_bytes() for name in names] == [(spread.root / name).read_bytes() for name in names]


def test_a_clip_made_alone_is_the_clip_of_the_tree(workspace: Workspace, tmp_path: Path, toy_path: Path) -> None:
    make_tree(workspace, SMALL, toy_path, workers=0)
    clip = DemoClip(person=0, number=1, config=SMALL)
    write_clip(tmp_path, clip, toy_path)
    assert (tmp_path / clip.file).read_bytes() == (workspace.root / clip.file).read_bytes()


def test_finished_clips_are_kept_and_missing_ones_made(workspace: Workspace, toy_path: Path) -> None:
    make_tree(workspace, SMALL, toy_path, workers=0)
    before = files(workspace)
    first, *others = before
    times = [(workspace.root / name).stat().st_mtime_ns for name in others]
    (workspace.root / first).unlink()
    assert make_tree(workspace, SMALL, toy_path, workers=0) == 1
    assert files(workspace) == before
    assert [(workspace.root / name).stat().st_mtime_ns for name in others] == times
    assert make_tree(workspace, SMALL, toy_path, workers=0) == 0


def test_other_settings_are_not_mixed_in(workspace: Workspace, toy_path: Path) -> None:
    make_tree(workspace, SMALL, toy_path, workers=0)
    before = files(workspace)
    with pytest.raises(ConfigError, match=r"demo of other settings .*\"seed\": 7.*now .*\"seed\": 8"):
        make_tree(workspace, replace(SMALL, seed=8), toy_path, workers=0)
    assert files(workspace) == before


def test_other_videos_are_left_alone(workspace: Workspace, toy_path: Path) -> None:
    theirs = workspace.videos / "id00012" / "x" / "00001.mp4"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    with pytest.raises(ConfigError, match="holds videos that are no demo; name another workspace"):
        make_tree(workspace, SMALL, toy_path, workers=0)
    assert len(files(workspace)) == 1
    assert not (workspace.root / "labels").exists()


def test_a_linked_data_set_is_left_alone(workspace: Workspace, tmp_path: Path, toy_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    workspace.root.mkdir()
    workspace.videos.symlink_to(tmp_path / "disk")
    with pytest.raises(ConfigError, match="no demo"):
        make_tree(workspace, SMALL, toy_path, workers=0)
    assert list((tmp_path / "disk").iterdir()) == []


def test_a_workspace_that_cannot_be_written_is_refused(workspace: Workspace, toy_path: Path) -> None:
    workspace.root.mkdir()
    (workspace.root / "labels").write_text("a file where a folder must be")
    with pytest.raises(ConfigError, match=r"synthetic\.json cannot be written: .*another --root"):
        make_tree(workspace, SMALL, toy_path, workers=0)


def test_ctrl_c_keeps_finished_clips_and_the_rest_follows(
    workspace: Workspace, tmp_path: Path, toy_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Workspace(tmp_path / "whole")
    make_tree(whole, SMALL, toy_path, workers=0)
    calls = iter(range(10))

    def interrupt(*args: object) -> bytes:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return encode_mp4(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(tree, "encode_mp4", interrupt)
    with pytest.raises(StoppedError, match="the same command renders the others"):
        make_tree(workspace, SMALL, toy_path, workers=0)
    assert len(files(workspace)) == 1
    assert not (workspace.root / "labels" / "synthetic.parquet").exists()
    monkeypatch.undo()
    assert make_tree(workspace, SMALL, toy_path, workers=0) == 1
    assert files(workspace) == files(whole)


def test_ctrl_c_between_two_clips_drops_those_that_wait(workspace: Workspace, toy_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(StoppedError) as stopped:
        make_tree(workspace, DemoConfig(identities=100, seconds=0.4), toy_path, workers=1, progress=interrupt)
    assert isinstance(stopped.value.__cause__, KeyboardInterrupt)  # whose traceback holds the loop's frame
    assert not multiprocessing.active_children()
    assert len(files(workspace)) < 50


def test_ctrl_c_stops_worker_processes(workspace: Workspace, toy_path: Path) -> None:
    """A whole process group gets the signal, as from a terminal."""
    arguments = ["--root", str(workspace.root), "--pack", str(toy_path), "--identities", "200", "--seconds", "0.4"]
    command = [sys.executable, "-c", "from tcae.cli.main import prep; prep()", "demo", *arguments, "--workers", "2"]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stderr is not None
        assert b"1 of 400" in running.stderr.readline()
        os.killpg(running.pid, signal.SIGINT)
        started = time.monotonic()
        said = running.stderr.read().decode()
        assert running.wait(30) == 1
        assert time.monotonic() - started < 20
    assert said.splitlines()[-1].startswith("Error: stopped; the finished clips are kept")
    assert "Traceback" not in said
    assert 1 <= len(files(workspace)) < 400
    assert not [name for name in files(workspace) if name.endswith(".partial")]


def test_labels_are_those_of_the_table_function(workspace: Workspace, toy_path: Path) -> None:
    make_tree(workspace, SMALL, toy_path, workers=0)
    written = pq.read_table(workspace.root / "labels" / "synthetic.parquet").replace_schema_metadata(None)
    assert written.equals(label_clips(SMALL, load_pack(toy_path)))
