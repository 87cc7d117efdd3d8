"""The ffmpeg program is run once per clip, in bounds, and leaves nothing behind."""

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tcae.pipeline.readers import ffmpeg
from tcae.pipeline.readers.ffmpeg import open_ffmpeg, rule
from tcae.pipeline.video import ClipTimeoutError, DecodeError, VideoConfig, open_video
from tests.clips import numbered, remux, write_clip

CONFIG = VideoConfig(fps=None, reader="ffmpeg")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Every process that a reader starts during the test."""
    processes: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            processes.append(self)

    monkeypatch.setattr("tcae.pipeline.readers.ffmpeg.subprocess.Popen", Noted)
    return processes


def test_the_call_names_a_file_and_nothing_else(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "concat:x.mp4", 3)
    with open_ffmpeg(path, CONFIG, None, None) as opened:
        command = opened.command
    assert f"file:{path}" in command
    assert command[command.index("-protocol_whitelist") + 1] == "file"
    assert "concat" not in command[command.index("-format_whitelist") + 1].split(",")
    assert "-nostdin" in command
    assert "-vf" not in command
    assert not any("fps=" in argument for argument in command)


def test_the_rule_is_written_in_whole_numbers() -> None:
    assert rule(Fraction(1, 25600)) == (
        "isnan(prev_selected_pts)+gt(floor((pts-start_pts)*1/25600),floor((prev_selected_pts-start_pts)*1/25600))"
    )


def test_one_process_reads_a_clip(started: list["subprocess.Popen[bytes]"], tmp_path: Path) -> None:
    with open_video(write_clip(tmp_path / "clip.mp4", 10), CONFIG) as opened:
        assert len(list(opened)) == 10
    assert [process.returncode for process in started] == [0]


def test_a_reader_that_is_left_early_stops_its_process(
    started: list["subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    path = write_clip(tmp_path / "clip.mp4", 60, draw=lambda number: numbered(number, 320, 240))
    with open_video(path, CONFIG) as opened:
        for _ in opened:
            break
    assert [process.returncode for process in started] == [-9]


def test_a_program_that_hangs_is_killed_with_its_children(
    started: list["subprocess.Popen[bytes]"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nsleep 60 &\nwait\n")
    program.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "ffmpeg_program", lambda: str(program))
    path = write_clip(tmp_path / "clip.mp4", 3)
    config = VideoConfig(reader="ffmpeg", timeout_seconds=0.3)
    with open_video(path, config) as opened, pytest.raises(ClipTimeoutError, match=r"clip.mp4 took longer than 0.3 s"):
        list(opened)
    assert [process.returncode for process in started] == [-9]


def test_a_program_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho '[in#0 @ 0x1] [error] no such luck' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "ffmpeg_program", lambda: str(program))
    path = write_clip(tmp_path / "clip.mp4", 3)
    with open_video(path, CONFIG) as opened, pytest.raises(DecodeError, match=r"clip.mp4 has no frame .*no such luck"):
        list(opened)


def test_a_clip_whose_pictures_change_size_is_refused(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "first.ts", 30)
    second = write_clip(tmp_path / "second.ts", 30, draw=lambda number: numbered(number, 64, 48))
    second = remux(second, tmp_path / "later.ts", shift_seconds=Fraction(6, 5))
    path = tmp_path / "both.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with open_video(path, CONFIG) as opened, pytest.raises(DecodeError, match=r"both.ts changes its coding"):
        list(opened)
