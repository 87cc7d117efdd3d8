"""What Dask and the tables cost at VoxCeleb's size: stages whose clips take no time.

    python bench/cluster.py                 410 of the 4,096 shards, 128,000 clips, two local workers
    python bench/cluster.py --scale 0.01    a quick look

Every shard has the 312 clips that it has with VoxCeleb1 and 2, and a task is one shard, as it is there, so that figures
grow with the number of shards. A clip gives the 8 frames and 8 faces that a clip of 8 s gives; nothing is decoded.
CPU seconds are of all processes, workers from their start to their end.
"""

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import click

from tcae.manifests.rows import Clip, ClipKey, Face, Frame
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import NUM_SHARDS, Workspace
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.runner import Crew, RunnerConfig, run_tasks
from tcae.pipeline.stages.base import Item, Rows, Tally
from tcae.pipeline.stages.extract import ExtractConfig
from tcae.pipeline.stages.fused import FusedStage
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.stages.planning import plan_job

CLIPS, CLIPS_PER_SHARD, FACES_PER_CLIP = 1_280_000, 312, 8
CLIP_SECONDS = 0.113
"""CPU time of a clip of 240 kB on this kind of core; results/2026-11-22-two-cores.md."""
CORES = 32
IDLE_SECONDS, IDLE_WORKERS = 35.0, 8
"""As long as a task of 312 clips takes; more workers than there are cores, because they only sleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleStage(FusedStage):
    """``run`` whose clips take no time: their rows are made up, and kept or dropped."""

    keeps_rows: bool = True

    def make(self, item: Item) -> Rows:
        """Rows as a clip of 8 s gives them."""
        rows = make_rows(item)
        return rows if self.keeps_rows else {}


def make_rows(item: Item) -> Rows:
    """8 frames and 8 faces."""
    frames, faces = [], []
    for k in range(FACES_PER_CLIP):
        common: dict[str, Any] = item.key._asdict() | {"frame": k, "source_frame": 25 * k, "pts_seconds": k + 0.01}
        size = {"width_px": 224, "height_px": 224, "num_decode_errors": 0}
        frames.append(Frame(**common, **size, fingerprint=item.fingerprints["frames"]))
        file = f"faces/{item.key}/img_{item.key.clip}_{k + 1:03d}.jpg"
        faces.append(
            Face(
                **common,
                file=file,
                crc32=hash((item.key, k)) % 2**32,
                **shape(k),
                fingerprint=item.fingerprints["faces"],
            )
        )
    return {"frames": frames, "faces": faces}


@cache
def shape(k: int) -> dict[str, Any]:
    """The columns of a face that say where it is and how it looks."""
    numbers = [0.1 + 0.7 * n + 1.3 * k for n in range(20)]
    names = ("sharpness", "brightness", "yaw_degrees", "pitch_degrees", "roll_degrees", "face_width_px", "score")
    arrays = {"box": tuple(numbers[:4]), "landmarks": tuple(numbers[:10]), "alignment": tuple(numbers[:6])}
    texts = {"template": "tcae", "margin": 0.0, "detector": "mtcnn", "weights": "0" * 16}
    return dict(zip(names, numbers, strict=False)) | arrays | texts


def make_clips(workspace: Workspace, num_shards: int) -> None:
    """The table of clips, 312 to a part."""
    for shard in range(num_shards):
        keys = [ClipKey(f"id{10001 + shard:05d}", f"v{n // 8:09d}", n % 8) for n in range(CLIPS_PER_SHARD)]
        clips = [
            Clip(
                **key._asdict(),
                name=f"{key.clip:05d}.mp4",
                layout="voxceleb2",
                source="/data/voxceleb2",
                path=f"dev/mp4/{key.identity}/{key.video}/{key.clip:05d}.mp4",
                media="video",
                official_split="dev",
                num_bytes=240_000,
                modified_ns=1_700_000_000_000_000_000,
            )
            for key in keys
        ]
        write_table(table_of(clips, Clip), workspace.part("clips", shard))


def stage_in(workspace: Workspace, *, keeps_rows: bool) -> IdleStage:
    """The stage with the options of a real run."""
    extract, faces = ExtractConfig(suffix=""), FaceConfig(device="cpu")
    return IdleStage(workspace=workspace, extract=extract, faces=faces, keeps_rows=keeps_rows)


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took."""

    cpu_seconds: float
    """Of this process and of its children that have ended."""
    wall_seconds: float


def cost_of(function: Callable[[], object]) -> Cost:
    """Run something once."""
    start, before = time.perf_counter(), cpu_seconds()
    function()
    return Cost(cpu_seconds() - before, time.perf_counter() - start)


def cpu_seconds() -> float:
    """User and system time."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def forget_rows(workspace: Workspace) -> None:
    """Take what a run wrote away."""
    for table in ("frames", "faces", ".locks"):
        shutil.rmtree(workspace.manifest(table), ignore_errors=True)


def do_nothing(seconds: float, task: list[int], stop: Path) -> Tally:
    """A task of no work at all, which takes this long."""
    time.sleep(seconds)
    return Tally(clips=len(task))


def tasks_alone(workspace: Workspace, num: int, workers: int, seconds: float = 0.0) -> Cost:
    """Nothing but ``num`` tasks through Dask."""
    config, crew = RunnerConfig(workers=workers), Crew(num=workers, bound="this bench")
    work, tasks, seen = partial(do_nothing, seconds), [[number] for number in range(num)], Tally()
    cost = cost_of(lambda: run_tasks(work, tasks, config, crew, workspace.root, seen.add))
    if seen.clips != num:
        raise SystemExit(f"{seen.clips} of {num} tasks were done")
    return cost


def tell(what: str, cost: Cost, factor: float) -> None:
    """One line: as measured, and at full size."""
    print(
        f"{what:<58} {cost.cpu_seconds:8.1f} s of CPU, {cost.wall_seconds:7.1f} s; "
        f"at full size {cost.cpu_seconds * factor:7.0f} s of CPU"
    )


@click.command()
@click.option("--scale", default=0.1, show_default=True, help="Fraction of the 4,096 shards.")
@click.option("--workers", default=2, show_default=True, help="Local worker processes.")
def main(scale: float, workers: int) -> None:
    """Run stages without work, in this process and on workers."""
    num_shards = max(workers, round(scale * NUM_SHARDS))
    factor = CLIPS / (num_shards * CLIPS_PER_SHARD)
    projected = CLIPS * CLIP_SECONDS
    print(
        f"{num_shards} shards, {num_shards * CLIPS_PER_SHARD:,} clips; {os.cpu_count()} cores; the work of all "
        f"{CLIPS:,} clips is projected at {projected:,.0f} s of CPU"
    )
    with tempfile.TemporaryDirectory() as name:
        workspace = Workspace(Path(name) / "workspace")
        make_clips(workspace, num_shards)
        costs: dict[tuple[bool, int], Cost] = {}
        for keeps_rows in (False, True):
            stage = stage_in(workspace, keeps_rows=keeps_rows)
            for num in (0, workers):
                forget_rows(workspace)
                costs[keeps_rows, num] = cost_of(partial(run_job, stage, RunnerConfig(workers=num)))
                where = f"{num} workers" if num else "this process"
                tell(f"run_job, rows {'written' if keeps_rows else 'dropped'}, {where}", costs[keeps_rows, num], factor)
        tell("planning again, all made", cost_of(lambda: plan_job(stage)), factor)
        forget_rows(workspace)
        tell("planning, nothing made", cost_of(lambda: plan_job(stage)), factor)
        start = tasks_alone(workspace, workers, workers)
        alone = tasks_alone(workspace, NUM_SHARDS, workers)
        asleep = [tasks_alone(workspace, IDLE_WORKERS, IDLE_WORKERS, seconds) for seconds in (0.0, IDLE_SECONDS)]
    for keeps_rows, what in ((False, "dropped"), (True, "written")):
        extra = costs[keeps_rows, workers].cpu_seconds - costs[keeps_rows, 0].cpu_seconds - start.cpu_seconds
        print(
            f"workers instead of this process, rows {what}, but for their start: {extra * factor:.0f} s of CPU at full "
            f"size, {100 * extra * factor / projected:.3f} % of the work"
        )
    print(f"start and end of {workers} workers: {start.cpu_seconds:.1f} s of CPU, {start.wall_seconds:.1f} s")
    dispatch, pace = alone.cpu_seconds - start.cpu_seconds, NUM_SHARDS / (alone.wall_seconds - start.wall_seconds)
    print(
        f"{NUM_SHARDS:,} empty tasks: {dispatch:.1f} s of CPU, {100 * dispatch / projected:.3f} % of the work; "
        f"{pace:.0f} a second, of which {CORES} cores ask for {CORES * NUM_SHARDS / projected:.1f}"
    )
    idle = (asleep[1].cpu_seconds - asleep[0].cpu_seconds) / (IDLE_WORKERS * IDLE_SECONDS)
    print(f"beside tasks of {IDLE_SECONDS:g} s Dask takes {100 * idle:.3f} % of each worker's core, scheduler included")
    print(f"overhead {100 * (dispatch / projected + idle):.3f} %")


if __name__ == "__main__":
    main()
