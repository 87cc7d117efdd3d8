"""Our ``run`` against what a user would write with the same packages, on the same clips, in one process, one thread.

    OMP_NUM_THREADS=1 python bench/prepare.py [--clips FOLDER] [--rounds 5] [--seconds 60]

The user's way: the ffmpeg program takes a frame a second to JPEG (``select``, so that the frames are ours),
``MTCNN.detect`` frame by frame with the same smallest face, ``estimateAffinePartial2D``, ``warpAffine``, ``imwrite``.
Ours is the command's own shard runner, one clip at a time: read, detect, follow, align, measure, encode, write, and
rewrite the two tables of the clip's shard, which here holds this clip alone.

Clips: 24 rendered heads of 8 s, 25 fps, 224x224, 240 +- 40 kB each (VoxCeleb2's mean), and again of 30 kB; kept in
``--clips`` for the next time. The two ways take turns clip by clip, after a clip each to warm up. CPU time is that of
the process and of the ffmpeg processes it waited for. Then: where our time goes, the floor and the whole over it
(``bench/floor.py``), two workers against one in steady state (``--seconds`` of work each; 0 leaves it out), and what
all of VoxCeleb1 and 2 would take on 32 cores. The last line is how many times faster we are on the 240 kB clips: the
median over rounds of CPU time or of the clock, whichever is less.
"""

import argparse
import os
import platform
import statistics
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import cv2
import numpy as np
import torch
from byhand import Spent, UsersWay
from clips import NUM_CLIPS, SECONDS, SIDE_PX, SIZES, clip_path, make_clips
from floor import measure_floor, tell_floor
from ours import make_stage
from phases import Phases
from scaling import scaling

from tcae.manifests.rows import Clip, Face
from tcae.manifests.tables import read_parts, rows_of
from tcae.manifests.workspace import shard_of
from tcae.pipeline.readers.program import ffmpeg_program, ffmpeg_version
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.stages.shards import run_shard
from tcae.pipeline.video import VideoConfig, open_video

VOX_CLIPS, VOX_HOURS, VOX_CORES = 1_280_000, 2_794, 32
LEAST_IOU = 0.95

Boxes: TypeAlias = dict[tuple[str, int], Any]
"""By identity and frame; None for no face."""


@dataclass(frozen=True)
class Comparison:
    """Both ways on one tree."""

    users: Spent
    ours: Spent
    reading: Spent
    """The ffmpeg program's part of the user's way."""
    job: Spent
    """The whole command in one go: list, plan, run."""
    ious: dict[str, list[float]]
    """Of every frame in which either has a face; 0 where only one has."""
    ratios: dict[str, float]


def compare(tree: Path, rounds: int) -> Comparison:
    """Both ways in turn, clip by clip."""
    by_hand, users, ours, job = UsersWay(), Spent(), Spent(), Spent()
    boxes: Boxes = {}
    for number in range(-1, rounds):  # the round before the first warms up on one clip
        with tempfile.TemporaryDirectory() as name:
            stage, clips = make_stage(tree, Path(name) / "ours")
            spent = (Spent(), Spent()) if number < 0 else (users, ours)
            for clip in clips[: None if number >= 0 else 1]:
                folder = Path(name) / "users" / clip.identity
                folder.mkdir(parents=True)
                with spent[0].one():
                    found = by_hand(Path(clip.source) / clip.path, folder)
                boxes |= {(clip.identity, frame): box for frame, box in enumerate(found)}
                with spent[1].one():
                    run_shard(stage, shard_of(clip.key), None, lambda: False)
            rows = rows_of(read_parts(stage.workspace.manifest("faces"), Face), Face)
            if number >= 0:
                with job.one():
                    run_job(make_stage(tree, Path(name) / "job")[0], RunnerConfig(workers=0))
    ours_boxes, pixels = {(row.identity, row.frame): row.box for row in rows}, detect_same_pixels(clips, by_hand)
    ious = {
        "ours and MTCNN.detect on the same pixels": overlaps(ours_boxes, pixels),
        "ours and the user's, whose frames went through JPEG": overlaps(ours_boxes, boxes),
        "MTCNN.detect before and after that JPEG": overlaps(pixels, boxes),
    }
    per_round = {
        kind: [
            sum(a) / sum(b) for a, b in zip(_rounds(getattr(users, kind)), _rounds(getattr(ours, kind)), strict=True)
        ]
        for kind in ("cpu", "wall")
    }
    ratios = {kind: statistics.median(values) for kind, values in per_round.items()}
    return Comparison(users, ours, by_hand.reading, job, ious, ratios)


def detect_same_pixels(clips: list[Clip], by_hand: UsersWay) -> Boxes:
    """``MTCNN.detect``'s boxes in the frames as our reader gives them."""
    boxes: Boxes = {}
    for clip in clips:
        with open_video(Path(clip.source) / clip.path, VideoConfig(fps=Fraction(1))) as video:
            for frame in video:
                found = by_hand.detect(frame.image)
                boxes[clip.identity, frame.frame] = None if found is None else found[0]
    return boxes


def overlaps(some: Boxes, others: Boxes) -> list[float]:
    """The IoU of every frame in which either has a face."""
    values = [iou(some.get(key), others.get(key)) for key in sorted({*some, *others})]
    return [value for value in values if value is not None]


def _rounds(values: list[float]) -> list[list[float]]:
    return [values[start : start + NUM_CLIPS] for start in range(0, len(values), NUM_CLIPS)]


def iou(a: Any, b: Any) -> float | None:
    """Of two boxes; 0 where there is but one, None where there is none."""
    if a is None or b is None:
        return None if a is None and b is None else 0.0
    a, b = np.asarray(a), np.asarray(b)
    shared = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))


def shares(tree: Path, rounds: int) -> dict[str, float]:
    """Our CPU seconds a clip, by phase."""
    phases, num = Phases(), 0
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            stage, clips = make_stage(tree, Path(name))
            with (phases if number else Phases()).watching():
                for clip in clips:
                    run_shard(stage, shard_of(clip.key), None, lambda: False)
            num += len(clips) if number else 0
    return {phase: seconds / num for phase, seconds in sorted(phases.spent.items())}


def tell(name: str, spent: Spent) -> None:
    """Medians a clip, and the mean."""
    wall, cpu = (1e3 * statistics.median(values) for values in (spent.wall, spent.cpu))
    mean = 1e3 * statistics.mean(spent.cpu)
    print(f"  {name:28} {wall:7.1f} ms a clip, {cpu:7.1f} ms of CPU (mean {mean:.1f})")


def tell_comparison(tree: Path, result: Comparison) -> None:
    """Both ways on one tree."""
    paths = [clip_path(tree, number) for number in range(NUM_CLIPS)]
    sizes = [path.stat().st_size / 1e3 for path in paths]
    print(f"\n{len(paths)} clips of {SECONDS} s, {min(sizes):.0f} to {max(sizes):.0f} kB, mean {np.mean(sizes):.0f} kB")
    tell("user's way", result.users)
    tell("  of it ffmpeg", result.reading)
    tell("ours, clip by clip", result.ours)
    per_clip = 1e3 * np.median(result.job.wall) / NUM_CLIPS, 1e3 * np.median(result.job.cpu) / NUM_CLIPS
    print(
        f"  {'ours, the whole command':28} {per_clip[0]:7.1f} ms a clip, {per_clip[1]:7.1f} ms of CPU (list, plan, run)"
    )
    for name, ious in result.ious.items():
        same = np.mean(np.array(ious) >= LEAST_IOU)
        print(f"  {name}: IoU of at least {LEAST_IOU} in {same:.1%} of {len(ious)} frames (least {min(ious):.4f})")
    print(f"  ratio of CPU time {result.ratios['cpu']:.2f}, of the clock {result.ratios['wall']:.2f}")


def tell_shares(tree: Path, rounds: int) -> None:
    """Our phases."""
    spent = shares(tree, rounds + 1)
    total = sum(spent.values())
    print(f"\nwhere our {1e3 * total:.1f} ms of CPU a clip go")
    groups: Counter[str] = Counter()
    for phase, seconds in spent.items():
        groups[phase.partition(":")[0]] += seconds  # type: ignore[assignment]
    for group, seconds in groups.most_common():
        parts = [
            f"{phase.partition(': ')[2]} {1e3 * part:.1f}"
            for phase, part in spent.items()
            if phase.startswith(f"{group}:")
        ]
        print(f"  {group:8} {seconds / total:6.1%} {1e3 * seconds:6.1f} ms  {', '.join(parts)}")


def tell_projection(result: Comparison) -> None:
    """All of VoxCeleb1 and 2, from CPU time a clip."""
    hours = {
        name: statistics.mean(spent.cpu) * VOX_CLIPS / VOX_CORES / 3600
        for name, spent in (("ours", result.ours), ("user's way", result.users))
    }
    read = VOX_CLIPS * SIZES[0] / 1e3 / (hours["ours"] * 3600)
    print(
        f"\nVoxCeleb1 and 2 ({VOX_CLIPS / 1e6:.2f} million clips, {VOX_HOURS:,} hours) on {VOX_CORES} such cores: "
        + ", ".join(f"{name} {value:.2f} h" for name, value in hours.items())
        + f" (CPU time only; the disk must then give us {read:.0f} MB/s)"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, help="Where the clips are kept. [default: a temporary folder]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60, help="Of work for each number of workers; 0: leave out.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    version = ".".join(map(str, ffmpeg_version(ffmpeg_program())))
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, OpenCV {cv2.__version__}, "
        f"PyAV {av.__version__}, ffmpeg {version} ({Path(ffmpeg_program()).name}); frames of {SIDE_PX}x{SIDE_PX}"
    )
    with tempfile.TemporaryDirectory() as name:
        trees = make_clips(options.clips or Path(name), NUM_CLIPS, SIZES)
        results = {size: compare(tree, options.rounds) for size, tree in trees.items()}
        for size, tree in trees.items():
            tell_comparison(tree, results[size])
        main_result, main_tree = results[SIZES[0]], trees[SIZES[0]]
        tell_shares(main_tree, options.rounds)
        print()
        tell_floor(measure_floor(main_tree, options.rounds))
        if options.seconds:
            print(f"\n{scaling(main_tree, options.seconds, statistics.mean(main_result.ours.cpu))}")
        tell_projection(main_result)
    print(f"ratio {min(main_result.ratios.values()):.1f}")


def cpu_name() -> str:
    """The processor in words, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
