"""From real clips at 25 frames a second, bounded, to a training that needs faces close in time."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from tcae.cli.main import learn, prep

CLIPS = ("signing_hungry.mkv", "signing_yes.mkv", "webcam_talking.mp4")
TINY = ("--set", "network.size=16", "--set", "network.planes=[2, 3, 4, 6]", "--set", "network.width=5")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Path:
    root = tmp_path_factory.mktemp("in_time")
    for name in CLIPS:
        folder = root / "videos" / "mp4" / name.partition(".")[0] / "video"
        folder.mkdir(parents=True)
        (folder / f"00001{Path(name).suffix}").symlink_to((media / name).resolve())
    run = ["run", "--fps", "25", "--seconds", "0.52", "--workers", "0"]
    for arguments in (run, ["split", "--ratios", "50/25/25"]):
        result = CliRunner().invoke(prep, [*arguments, "--root", str(root)])
        assert result.exit_code == 0, result.output
    return root


def train(root: Path, *settings: str) -> tuple[int, str]:
    arguments = [
        "train",
        "--method",
        "temporal",
        "--recipe",
        "small",
        "--device",
        "cpu",
        "--workers",
        "0",
        "--steps",
        "3",
    ]
    result = CliRunner().invoke(learn, [*arguments, *TINY, *settings, "--root", str(root)])
    return result.exit_code, result.output


def test_of_each_clip_there_are_the_first_frames_one_after_the_other(prepared: Path) -> None:
    faces = pd.read_parquet(prepared / "manifests" / "faces")
    assert set(faces.groupby("identity").size()) == {13}
    for _, clip in faces.sort_values("frame").groupby("identity"):
        assert clip.pts_seconds.max() < 0.52
        assert clip.pts_seconds.diff().dropna().between(0.03, 0.07).all()


def test_they_are_learned_from(prepared: Path) -> None:
    code, output = train(prepared, "--run", "learned", "--set", "batch_size=2", "--set", "val_pairs=2")
    assert code == 0, output
    assert "3 of 3 done" in output
    assert (prepared / "runs" / "learned" / "checkpoints" / "last.pt").is_file()


def test_where_tracks_are_too_short_one_line_says_so(prepared: Path) -> None:
    code, output = train(prepared, "--run", "refused", "--set", "draw.spacing=2")
    assert code == 1
    assert "Error: no track has the 22 faces that a sample needs; extract at a higher --fps" in output
    assert "Traceback" not in output
