"""Jobs of an array, in any order, some run twice, some killed, leave what one command leaves."""

import random
from itertools import chain
from pathlib import Path

import pytest

from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tests.clips import numbered, write_clip
from tests.cluster.builders import Job, run_in_rounds
from tests.stage_builders import astronaut, call, faces, files, read

NUM_JOBS = 4


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 small clips of 4 people, half with a real face, one broken."""
    root = tmp_path_factory.mktemp("source")
    for number in range(8):
        folder = root / f"id{number % 4}" / f"v{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        draw = astronaut if number < 4 else numbered
        write_clip(folder / f"{number:05d}.mp4", 6 + number % 3, draw=draw)
    (root / "id0" / "v0" / "99999.mp4").write_bytes(b"no video at all")
    return root


def jobs_of(command: str, workspace: Workspace, source: Path, *options: object) -> list[tuple[object, ...]]:
    """The commands of an array, in its order."""
    where = (command, "--root", workspace.root, "--workers", 0)
    sources = () if command == "align" else ("--source", source)
    return [(*where, *sources, *options, "--shard", f"{i}/{NUM_JOBS}") for i in range(1, NUM_JOBS + 1)]


def rounds_of(args: list[tuple[object, ...]], random_: random.Random, longest_seconds: float) -> list[list[Job]]:
    """All jobs at once, three of them killed; then all again in another order, one of them twice."""
    killed = [random_.uniform(0.01, longest_seconds) if number else None for number in range(len(args))]
    again = random_.sample(args, len(args))
    return [
        [Job(arg, kill) for arg, kill in zip(args, killed, strict=True)],
        [Job(arg) for arg in (*again, again[0])],
    ]


def assert_same(found: Workspace, wanted: Workspace) -> None:
    """Same rows in every column, same files, and nothing wrong."""
    for table in ("clips", "frames", "faces"):
        assert sorted(read(found, table), key=repr) == sorted(read(wanted, table), key=repr)
    for kind in ("frames", "faces"):
        assert files(found, kind) == files(wanted, kind)
    result = call("verify", "--root", found.root)
    assert result.exit_code == 0, result.output


def test_arrays_join_to_the_tables_of_one_run(source: Path, workspace: Workspace, tmp_path: Path) -> None:
    """With `run` into one workspace, with `extract` and `align` into another."""
    fused, wanted, fused_wanted = (Workspace(tmp_path / name) for name in ("fused", "wanted", "fused-wanted"))
    extracting, aligning = ("--fps", 5, "--format", "png"), ("--device", "cpu")
    for args in (
        ("extract", "--root", wanted.root, "--source", source, "--workers", 0, *extracting),
        ("align", "--root", wanted.root, "--workers", 0, *aligning),
        ("run", "--root", fused_wanted.root, "--source", source, "--workers", 0, "--fps", 5, *aligning),
    ):
        assert call(*args).exit_code == 0
    assert any(row.file for row in faces(fused_wanted))
    random_ = random.Random(1)
    rounds = [
        *rounds_of(jobs_of("extract", workspace, source, *extracting), random_, longest_seconds=0.3),
        *rounds_of(jobs_of("align", workspace, source, *aligning), random_, longest_seconds=0.4),
        *rounds_of(jobs_of("run", fused, source, "--fps", 5, *aligning), random_, longest_seconds=0.8),
    ]
    statuses = run_in_rounds(rounds)
    assert set(chain(*statuses[::2])) == {0, -9}
    assert set(chain(*statuses[1::2])) == {0}
    assert_same(workspace, wanted)
    assert_same(fused, fused_wanted)


def test_a_job_tells_of_its_own_share(source: Path, workspace: Workspace) -> None:
    call("extract", "--root", workspace.root, "--source", source, "--dry-run")
    tallies = [call(*args) for args in jobs_of("extract", workspace, source, "--fps", 5)]
    clips = [ClipKey(row.identity, row.video, row.clip) for row in read(workspace, "clips")]
    for number, result in enumerate(tallies, 1):
        size = sum(shard_of(key) % NUM_JOBS == number - 1 for key in clips)
        made, conserved = result.stdout.splitlines()
        assert made == f"{size} clips made now, 0 found made (share {number}/{NUM_JOBS} of the shards)"
        assert conserved.startswith(f"{size} clips in = ")
    assert "the clips are taken as they were listed before" not in tallies[0].stderr
    assert all("the clips are taken as they were listed before" in result.stderr for result in tallies[1:])


def test_a_dry_run_tells_of_its_own_share(source: Path, workspace: Workspace) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--dry-run")
    shares = [call(*args, "--shard", f"{number}/3").stdout for number in range(1, 4)]
    sizes = [int(text.split()[0]) for text in shares]
    assert sum(sizes) == 9, shares
    assert not workspace.root.exists()


@pytest.mark.parametrize("share", ["0/4", "5/4", "x"])
def test_a_share_that_is_none_is_one_line(share: str, workspace: Workspace) -> None:
    result = call("extract", "--root", workspace.root, "--shard", share)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: --shard ")
    assert not workspace.root.exists()
