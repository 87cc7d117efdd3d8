"""``--detector whole`` through the commands, and what comes after them."""

from pathlib import Path

import pytest

from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.listing import update_clips
from tcae.pipeline.sources import SourceConfig
from tcae.pipeline.stages.align import describe_faces, face_fingerprint
from tests.clips import numbered
from tests.stage_builders import align, call, extract, faces, fake_detector, files


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two square pictures and one that is not."""
    for name, width in {"train/a.png": 64, "train/b.png": 64, "c.png": 96}.items():
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.encode(numbered(3, width), ".png"))
    return tmp_path / "set"


def test_a_set_of_face_crops_becomes_faces_and_passes_every_check(workspace: Workspace, source: Path) -> None:
    here = ("--workers", "0", "--root", workspace.root)
    result = call("extract", "--source", source, "--layout", "pictures", "--format", "png", *here)
    assert result.exit_code == 0, result.output
    result = call("align", "--detector", "whole", *here)
    assert result.exit_code == 0, result.output
    rows = faces(workspace)
    assert [(row.identity, row.reason) for row in rows] == [("c", "not_square"), ("train-a", None), ("train-b", None)]
    assert {(row.detector, row.weights, row.template) for row in rows if row.file} == {("whole", None, "none")}
    for command in (("verify",), ("status",), ("report", "--out", workspace.root / "report.html")):
        result = call(*command, "--root", workspace.root)
        assert result.exit_code == 0, result.output
    page = (workspace.root / "report.html").read_text()
    assert "Least sharp" in page
    assert "Lowest score" not in page


def test_run_gives_the_faces_that_extract_and_align_give(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "fused")
    tree = ("--source", source, "--layout", "pictures", "--workers", "0")
    assert call("extract", *tree, "--format", "png", "--root", workspace.root).exit_code == 0
    assert call("align", "--detector", "whole", "--workers", "0", "--root", workspace.root).exit_code == 0
    result = call("run", *tree, "--detector", "whole", "--root", other.root)
    assert result.exit_code == 0, result.output
    assert files(other, "faces") == files(workspace, "faces") != {}


def test_changing_the_detector_makes_the_faces_again(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    update_clips(workspace, SourceConfig(sources=(source,), layout="pictures"))
    extract(workspace)
    assert align(workspace).made == 3
    assert align(workspace, detector="whole").made == 3
    assert align(workspace, detector="whole").made == 0


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (FaceConfig(), "7b3bbc3c78cad0a0"),
        (FaceConfig(template="arcface", margin=0.1), "148dea94dcc66d98"),
    ],
)
def test_faces_that_were_made_before_there_was_a_choice_are_kept(config: FaceConfig, expected: str) -> None:
    assert face_fingerprint("0123456789abcdef", config) == expected


def test_whole_faces_depend_on_nothing_that_aligns() -> None:
    assert describe_faces(FaceConfig(detector="whole")) == {
        "detector": "whole", "size_px": 256, "min_face_px": 40.0, "min_sharpness": 0.0, "min_track": 1,
    }  # fmt: skip
