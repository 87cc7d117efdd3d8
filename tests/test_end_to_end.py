"""The three commands on a VoxCeleb2 tree of real clips: every clip ends as its description says."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tcae.cli.main import prep
from tcae.manifests.pairs import PairIndex
from tcae.pipeline import pictures

ONE_PERSON = (
    "carphone",
    "man_turning",
    "signing_hungry",
    "signing_sorry",
    "signing_yes",
    "two_people",
    "webcam_talking",
    "woman_turning",
)
"""Clips with a face in every frame; in two_people there are two, and one of them is kept."""


def run(root: Path, *arguments: str) -> str:
    result = CliRunner().invoke(prep, [*arguments, "--root", str(root)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Path:
    """A workspace in which the three commands ran on the real clips."""
    root = tmp_path_factory.mktemp("prepared")
    for path in media.glob("*.m*"):
        if path.suffix != ".md":
            folder = root / "videos" / "dev" / "mp4" / path.stem / "video"
            folder.mkdir(parents=True)
            (folder / f"00001{path.suffix}").symlink_to(path)
    run(root, "extract", "--fps", "1", "--workers", "0")
    run(root, "align", "--workers", "0")
    run(root, "split")
    return root


@pytest.fixture(scope="module")
def faces(prepared: Path) -> pd.DataFrame:
    return pd.read_parquet(prepared / "manifests" / "faces")


@pytest.mark.parametrize("identity", ONE_PERSON)
def test_a_clip_of_a_person_has_a_face_in_every_frame(faces: pd.DataFrame, identity: str) -> None:
    rows = faces[faces.identity == identity]
    assert len(rows) > 0
    assert rows.reason.isna().all()


def test_of_two_people_one_is_kept(faces: pd.DataFrame) -> None:
    rows = faces[faces.identity == "two_people"].sort_values("frame")
    boxes = np.stack(rows.box.to_list())
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    assert (steps < rows.face_width_px.mean()).all()


def test_a_clip_without_a_face_is_rejected_frame_by_frame(faces: pd.DataFrame) -> None:
    rows = faces[faces.identity == "no_face"]
    assert Counter(rows.reason) == {"no_face": len(rows)}
    assert len(rows) > 0


def test_a_face_that_goes_is_rejected_from_then_on(faces: pd.DataFrame) -> None:
    reasons = faces[faces.identity == "face_then_none"].sort_values("frame").reason.isna().to_list()
    assert reasons == sorted(reasons, reverse=True)
    assert 0 < sum(reasons) < len(reasons)


def test_every_frame_is_a_face_or_a_rejection(prepared: Path, faces: pd.DataFrame) -> None:
    frames = pd.read_parquet(prepared / "manifests" / "frames")
    key = ["identity", "video", "clip", "frame"]
    assert sorted(map(tuple, frames[key].to_numpy())) == sorted(map(tuple, faces[key].to_numpy()))


def test_faces_are_crops_of_256_pixels_whose_eyes_are_where_the_template_has_them(
    prepared: Path, faces: pd.DataFrame
) -> None:
    row = faces[(faces.identity == "webcam_talking") & (faces.frame == 0)].iloc[0]
    assert row.file == "faces/webcam_talking/video/0_folder/img_0_001.jpg"
    assert pictures.read(prepared / row.file).shape == (256, 256, 3)
    eyes = row.landmarks.reshape(5, 2)[:2]
    in_crop = eyes @ row.alignment.reshape(2, 3)[:, :2].T + row.alignment.reshape(2, 3)[:, 2]
    assert np.abs(in_crop[:, 1] - 98).max() < 12


def test_a_trainer_can_draw_pairs(prepared: Path) -> None:
    index = PairIndex.open(prepared / "manifests" / "pairs" / "train")
    pair = index.draw(0, np.random.default_rng(0))
    assert pair.source != pair.target
    assert pair.source.identity == pair.target.identity


def test_nothing_is_wrong_with_the_workspace(prepared: Path) -> None:
    assert "nothing is wrong" in run(prepared, "verify")


def test_one_pass_gives_the_faces_of_the_two_commands_with_png_frames(prepared: Path, tmp_path: Path) -> None:
    source = str(prepared / "videos")
    run(tmp_path / "one", "run", "--source", source, "--workers", "0", "--limit", "4")
    run(tmp_path / "two", "extract", "--source", source, "--workers", "0", "--limit", "4", "--format", "png")
    run(tmp_path / "two", "align", "--workers", "0")
    one, two = (contents(tmp_path / name / "faces") for name in ("one", "two"))
    assert one
    assert one == two


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.jpg")}
