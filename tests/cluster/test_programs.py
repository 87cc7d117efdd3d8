"""A scheduler and workers that are programs, each on a machine of its own, give what this process gives."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tcae
from tcae.manifests.rows import type_of_table
from tcae.manifests.tables import read_parts
from tcae.manifests.workspace import Workspace
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.base import Item, Rows
from tcae.pipeline.stages.job import run_job
from tests.clips import numbered, write_clip
from tests.cluster.network import Machine, machines
from tests.cluster.programs import Cluster, scheduler
from tests.stage_builders import astronaut, call, faces, files, read
from tests.toys import ToyStage, frames_of, toy_workspace

FPS, CPU = ("--fps", 5), ("--device", "cpu")
QUIET = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
GPU_LINE = "--nthreads 1 --resources GPU=1`"


@pytest.fixture(scope="module")
def places() -> Iterator[list[Machine]]:
    """Three machines: for the scheduler, and for two workers."""
    with machines(3) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(places: list[Machine], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler, a worker that says it has a GPU and one that has another resource."""
    with (
        scheduler(places[0], tmp_path_factory.mktemp("dask")) as running,
        running.worker(places[1], "--resources", "GPU=1", CUDA_VISIBLE_DEVICES="0", **QUIET),
        running.worker(places[2], "--resources", "disk=1", **QUIET),
    ):
        yield running


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 small clips of 4 people, most of them with a real face, and one broken file."""
    root = tmp_path_factory.mktemp("source")
    for number in range(8):
        folder = root / f"id{number % 4}" / "v"
        folder.mkdir(parents=True, exist_ok=True)
        write_clip(folder / f"{number:05d}.mp4", 12 + number % 3, draw=astronaut if number < 6 else numbered)
    (root / "id0" / "v" / "99999.mp4").write_bytes(b"no video at all")
    return root


def assert_same(found: Workspace, wanted: Workspace) -> None:
    """Same rows in every column, same files."""
    for table in ("clips", "frames", "faces", "identities"):
        rows = [read_parts(each.manifest(table), type_of_table[table]) for each in (found, wanted)]
        assert rows[0].equals(rows[1]), table
    for kind in ("frames", "faces"):
        assert files(found, kind) == files(wanted, kind)


def test_extract_align_run_and_split_on_machines_give_what_this_process_gives(
    cluster: Cluster, places: list[Machine], source: Path, tmp_path: Path
) -> None:
    assert cluster.hosts() == sorted(place.address for place in places[1:])
    there, here = ("--scheduler", cluster.address), ("--workers", 0)
    for where, root in ((there, "there"), (here, "here")):
        two, one = tmp_path / f"{root}-two", tmp_path / f"{root}-one"
        for command in (
            ("extract", "--root", two, "--source", source, *where, *FPS, "--format", "png"),
            ("align", "--root", two, *where, *CPU),
            ("split", "--root", two),
            ("run", "--root", one, "--source", source, *where, *FPS, *CPU),
            ("split", "--root", one),
        ):
            result = call(*command)
            assert result.exit_code == 0, result.stderr
            assert "profiler" not in result.stderr
            assert ("some workers offer a GPU" in result.stderr) == (where is there and command[0] != "split")
    for number in ("two", "one"):
        found, wanted = Workspace(tmp_path / f"there-{number}"), Workspace(tmp_path / f"here-{number}")
        assert sum(row.file is not None for row in faces(wanted)) >= 12
        assert_same(found, wanted)
    assert call("verify", "--root", tmp_path / "there-two").exit_code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotingStage(ToyStage):
    """Writes into each row's detail which device its worker shows."""

    def make(self, item: Item) -> Rows:
        """A row that tells who made it."""
        rows = ToyStage.make(self, item)
        (self.workspace.root / f"made-on-{os.environ.get('CUDA_VISIBLE_DEVICES', 'none')}").touch()
        return rows


def test_work_for_a_gpu_goes_to_workers_that_offer_one_and_passes_over_others(
    cluster: Cluster, workspace: Workspace
) -> None:
    stage = NotingStage(workspace=toy_workspace(workspace))
    tally = run_job(stage, RunnerConfig(scheduler=cluster.address, on_gpu=True))
    assert (tally.made, len(frames_of(workspace))) == (12, 12)
    assert [path.name for path in workspace.root.glob("made-on-*")] == ["made-on-0"]


def test_two_workers_of_a_machine_on_one_device_are_refused(
    cluster: Cluster, places: list[Machine], source: Path, workspace: Workspace
) -> None:
    args = ("run", "--root", workspace.root, "--source", source, "--scheduler", cluster.address, "--device", "cuda")
    with cluster.worker(places[1], "--resources", "GPU=1", CUDA_VISIBLE_DEVICES="0"):
        result = call(*args)
    assert result.exit_code == 1
    assert "of one machine both take its GPU 0; start one for each device: `CUDA_VISIBLE_DEVICES=0" in result.stderr
    assert read(workspace, "clips") == []


def test_a_worker_with_other_code_of_the_same_release_is_refused_before_anything_is_listed(
    cluster: Cluster, places: list[Machine], source: Path, workspace: Workspace, tmp_path: Path
) -> None:
    copy = tmp_path / "src" / "tcae"
    shutil.copytree(Path(tcae.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "pipeline" / "align.py").open("a") as module:
        module.write("# one line more\n")
    with cluster.worker(places[2], PYTHONPATH=str(copy.parent)):
        result = call("extract", "--root", workspace.root, "--source", source, "--scheduler", cluster.address)
    assert result.exit_code == 1
    message = "has this release of tcae with other code; install there what is here\n"
    assert result.stderr.startswith(f"Error: the worker tcp://{places[2].address}:"), result.stderr
    assert result.stderr.endswith(message)
    assert result.stderr.count("\n") == 1
    assert read(workspace, "clips") == []


@pytest.mark.parametrize(
    ("num_threads", "device", "message"),
    [
        (1, "cuda", GPU_LINE),
        (2, "cpu", " has 2 threads, and clips want a process each; start it with `dask worker "),
        (1, "cuda:1", "--device cuda:1 names a GPU of one machine; with --scheduler say --device cuda"),
    ],
)
def test_workers_that_cannot_do_the_work_are_an_error_at_once(
    num_threads: int, device: str, message: str, source: Path, workspace: Workspace
) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=num_threads, processes=False, dashboard_address=":0") as made:
        where = ("--scheduler", made.scheduler_address, "--device", device)
        result = call("run", "--root", workspace.root, "--source", source, *where)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert read(workspace, "clips") == []
