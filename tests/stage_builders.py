"""Real stages on small made-up sources: list, run, and read what came of it."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from tcae.cli.main import prep
from tcae.manifests.rows import Face, Frame, type_of_table
from tcae.manifests.tables import read_parts, rows_of
from tcae.manifests.workspace import Workspace
from tcae.pipeline.detect import Detection
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.listing import update_clips
from tcae.pipeline.pictures import Image
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.sources import SourceConfig
from tcae.pipeline.stages.align import AlignStage
from tcae.pipeline.stages.base import Tally
from tcae.pipeline.stages.extract import ExtractConfig, ExtractStage
from tcae.pipeline.stages.fused import FusedStage
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.video import VideoConfig
from tests.face_builders import detection

ASTRONAUT = Path(skimage.__file__).parent / "data" / "astronaut.png"
"""A portrait in the public domain (NASA)."""
HERE = RunnerConfig(workers=0)


def listed(workspace: Workspace, source: Path) -> Workspace:
    """A workspace that knows the clips of a source."""
    update_clips(workspace, SourceConfig(sources=(source,)))
    return workspace


def extract_config(fps: int = 1, suffix: str = ".jpg") -> ExtractConfig:
    return ExtractConfig(video=VideoConfig(fps=Fraction(fps)), suffix=suffix)


def extract(workspace: Workspace, fps: int = 1, suffix: str = ".jpg", **options: Any) -> Tally:
    stage = ExtractStage(workspace=workspace, config=extract_config(fps, suffix), **options)
    return run_job(stage, HERE)


def align(workspace: Workspace, retry: str | None = None, **options: Any) -> Tally:
    stage = AlignStage(workspace=workspace, config=FaceConfig(device="cpu", **options))
    return run_job(stage, HERE, retry)


def fused(workspace: Workspace, fps: int = 1, **options: Any) -> Tally:
    faces = FaceConfig(device="cpu", **options)
    return run_job(FusedStage(workspace=workspace, extract=extract_config(fps, ""), faces=faces), HERE)


def frames(workspace: Workspace) -> list[Frame]:
    return sorted(read(workspace, "frames"), key=lambda row: (row.key, row.frame or 0))


def faces(workspace: Workspace) -> list[Face]:
    return sorted(read(workspace, "faces"), key=lambda row: (row.key, row.frame or 0))


def read(workspace: Workspace, table: str) -> list[Any]:
    row_type = type_of_table[table]
    return rows_of(read_parts(workspace.manifest(table), row_type), row_type)


def files(workspace: Workspace, kind: str) -> dict[str, bytes]:
    """Every file below ``frames/`` or ``faces/``, hidden ones too."""
    found = sorted(path for path in (workspace.root / kind).rglob("*") if path.is_file())
    return {workspace.relative(path): path.read_bytes() for path in found}


def call(*args: object) -> Result:
    """A command as a user types it, in this process; an unplanned exception is the test's."""
    return CliRunner().invoke(prep, [str(arg) for arg in args], catch_exceptions=False)


class FakeDetector:
    """Finds one face in the middle of every frame, or what ``answer`` says."""

    name, weights, device = "fake", "0" * 16, "cpu"

    def __init__(self, answer: Callable[[Image], list[Detection]] | None = None) -> None:
        self.answer = answer or in_the_middle

    def __call__(self, images: Sequence[Image]) -> list[list[Detection]]:
        return [self.answer(image) for image in images]


def in_the_middle(image: Image) -> list[Detection]:
    height, width = image.shape[:2]
    return [detection(width / 2, height / 2, 48, centre=True)]


def fake_detector(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Image], list[Detection]] | None = None) -> None:
    """No networks, for stages that run in this process."""
    monkeypatch.setattr("tcae.pipeline.stages.align.load_detector", lambda config: FakeDetector(answer))


def astronaut(number: int, size_px: int = 192) -> NDArray[np.uint8]:
    """A picture of a real face, moved a little from one number to the next."""
    x, y = 130 + 4 * number, 10 + 2 * number
    picture = cv2.imread(str(ASTRONAUT), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        pytest.fail(f"{ASTRONAUT} is not in the scikit-image wheel, which face-alignment needs")
    picture = picture[y : y + 240, x : x + 240]
    return np.asarray(cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)
