"""Two workers against one, in steady state: after the first task, while every worker has one."""

import math
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from tcae.manifests.workspace import Workspace
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.listing import update_clips
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.sources import SourceConfig
from tcae.pipeline.stages.extract import ExtractConfig
from tcae.pipeline.stages.fused import FusedStage
from tcae.pipeline.stages.job import Watch, run_job
from tcae.pipeline.video import VideoConfig


def scaling(tree: Path, seconds: float, clip_seconds: float) -> str:
    """Run ``seconds`` of work with one worker and with two; returns a sentence with both rates and their ratio."""
    rates = {workers: steady_rate(tree, workers, math.ceil(workers * seconds / clip_seconds)) for workers in (1, 2)}
    told = ", ".join(f"--workers {workers} {rate:.1f} clips/s" for workers, rate in rates.items())
    return f"steady state over {seconds:g} s of work: {told}; two are {rates[2] / rates[1]:.2f} times one"


def steady_rate(tree: Path, workers: int, num: int) -> float:
    """Clips per second between the end of the first task and the first moment at which a worker has none left.

    A clip counts as done when its last face was written, by the file's time.
    """
    with tempfile.TemporaryDirectory() as name:
        source, workspace = Path(name) / "source", Workspace(Path(name) / "workspace")
        copy_clips(tree, source, num)
        update_clips(workspace, SourceConfig(sources=(source,)))
        ends: list[float] = []
        stage = FusedStage(
            workspace=workspace,
            extract=ExtractConfig(video=VideoConfig(fps=Fraction(1)), suffix=""),
            faces=FaceConfig(device="cpu"),
        )
        run_job(stage, RunnerConfig(workers=workers), watch=Watch(on_tally=lambda tally: ends.append(time.time())))
        start, end = ends[0], ends[-workers]
        folders = (workspace.root / "faces").glob("*/*/*")
        done = sorted(max(file.stat().st_mtime for file in folder.iterdir()) for folder in folders)
    return sum(start < moment <= end for moment in done) / (end - start)


def copy_clips(tree: Path, source: Path, num: int) -> None:
    """A tree of ``num`` clips with as many names, linked to the few that there are."""
    paths = sorted(tree.glob("mp4/*/*/*.mp4"))
    for number in range(num):
        path = paths[number % len(paths)]
        copy = source / "mp4" / path.parts[-3] / f"copy{number // len(paths):05d}" / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(path.absolute())
