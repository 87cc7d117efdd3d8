"""A dry run says how much there is and how much it will become."""

from fractions import Fraction
from pathlib import Path

import pytest

from tcae.manifests.rows import Clip
from tcae.manifests.workspace import Workspace
from tcae.pipeline.forecast import Forecast, forecast
from tcae.pipeline.stages.extract import ExtractConfig
from tcae.pipeline.video import VideoConfig
from tests.clips import numbered, write_clip
from tests.source_builders import grow
from tests.stage_builders import extract, files, listed, read


def make(seconds: float, num_bytes: int, num_headers: int = 2) -> Forecast:
    return Forecast(
        num_clips=2, num_refused=0, seconds=seconds, num_files=7, num_bytes=num_bytes, num_headers=num_headers
    )


@pytest.mark.parametrize(
    ("seconds", "num_bytes", "words"),
    [
        (4.5, 70_400, "4.5 seconds of video; expect 7 files in 70 kB"),
        (600, 3_456_789, "10.0 minutes of video; expect 7 files in 3.5 MB"),
        (8_640_000, 1_234_000_000, "2,400.0 hours of video; expect 7 files in 1.2 GB"),
        (8_640_000, 1_234_000_000_000, "2,400.0 hours of video; expect 7 files in 1.2 TB"),
    ],
)
def test_sizes_are_said_in_units_that_fit(seconds: float, num_bytes: int, words: str) -> None:
    assert str(make(seconds, num_bytes)) == f"2 clips (0 refused), {words} (estimated from all headers)"


def test_an_estimate_says_what_it_rests_on() -> None:
    assert str(make(1, 1, num_headers=1)).endswith("(estimated from the headers of 1 clips)")


def clips_of(workspace: Workspace, source: Path) -> list[Clip]:
    clips: list[Clip] = read(listed(workspace, source), "clips")
    return clips


def test_a_forecast_of_few_clips_comes_true(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    for name, num_frames in {"a.mp4": 75, "b.mp4": 50}.items():
        write_clip(folder / name, num_frames)
    grow(folder, "c.mp4", data=b"no video at all")
    (folder / "d.mp4").symlink_to("d.mp4")
    expected = forecast(clips_of(workspace, tmp_path / "source"), ExtractConfig())
    assert (expected.num_clips, expected.num_refused, expected.num_headers) == (4, 1, 3)
    assert expected.seconds == pytest.approx(5, abs=0.2)
    extract(workspace)
    made = files(workspace, "frames")
    assert expected.num_files == len(made) == 5
    assert expected.num_bytes == pytest.approx(sum(map(len, made.values())), rel=0.01)


def test_every_frame_is_expected_at_the_native_rate(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "a.mp4", 60)
    config = ExtractConfig(video=VideoConfig(fps=None))
    assert forecast(clips_of(workspace, tmp_path / "source"), config).num_files == 60


def test_a_cut_counts_its_own_length(workspace: Workspace, tmp_path: Path) -> None:
    from dataclasses import replace

    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "a.mp4", 100)
    (clip,) = clips_of(workspace, tmp_path / "source")
    cut = replace(clip, start_seconds=1.0, end_seconds=3.0)
    found = forecast([cut], ExtractConfig(video=VideoConfig(fps=Fraction(2))))
    assert (found.seconds, found.num_files) == (2.0, 4)


@pytest.mark.parametrize(("fps", "num_files"), [(Fraction(5), 8), (None, 40)])
def test_of_a_bounded_clip_only_its_first_seconds_count(
    fps: Fraction | None, num_files: int, workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "a.mp4", 100)
    config = ExtractConfig(video=VideoConfig(fps=fps, max_seconds=1.6))
    found = forecast(clips_of(workspace, tmp_path / "source"), config)
    assert found.seconds == pytest.approx(1.6)
    assert found.num_files == num_files


def test_images_have_files_and_no_length(workspace: Workspace, tmp_path: Path) -> None:
    from tcae.pipeline import pictures

    folder = tmp_path / "source" / "id1" / "v1" / "c"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(pictures.encode(numbered(number), ".png"))
    found = forecast(clips_of(workspace, tmp_path / "source"), ExtractConfig())
    assert (found.seconds, found.num_files) == (0.0, 3)
    assert found.num_bytes > 1000


def test_nothing_is_expected_of_nothing() -> None:
    found = forecast([], ExtractConfig())
    assert (found.num_clips, found.num_files, found.num_bytes) == (0, 0, 0)
