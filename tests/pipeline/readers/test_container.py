"""What counts as damage, measured against the ffmpeg program's own words."""

import subprocess
from pathlib import Path

import av
import pytest

from tcae.pipeline.readers.container import open_container, orientation_of, span_of
from tcae.pipeline.readers.damage import count_damage
from tcae.pipeline.readers.program import ffmpeg_program
from tcae.pipeline.video import Stopwatch
from tests.clips import flip_bytes, remux, set_matrix, truncate, write_clip


def count_with_ffmpeg(path: Path) -> int:
    """Damaged pictures and refused packets that the program reports when it decodes reference pictures only."""
    command = [ffmpeg_program(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "repeat+level+warning"]
    command += ["-threads", "1", "-skip_frame", "noref", "-copyts", "-i", f"file:{path}"]
    answer = subprocess.run([*command, "-fps_mode", "passthrough", "-f", "null", "-"], capture_output=True, check=False)
    return sum(
        b"corrupt decoded frame" in line or b"Error submitting packet to decoder" in line
        for line in answer.stderr.splitlines()
    )


@pytest.mark.parametrize(("num_bytes", "seed"), [(2, 0), (8, 1), (60, 2), (400, 3)])
def test_damage_is_what_ffmpeg_reports_of_reference_pictures(num_bytes: int, seed: int, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mp4", 80, options={"bf": "3", "g": "20", "crf": "12"})
    path = flip_bytes(source, tmp_path / "flipped.mp4", num_bytes, seed)
    count = count_damage(path, None, None, Stopwatch(60, "clip"))
    assert count == count_with_ffmpeg(path)
    assert count > 0 or num_bytes < 10


def test_a_whole_clip_has_no_damage(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 80, options={"bf": "3", "g": "20"})
    assert count_damage(path, None, None, Stopwatch(60, "clip")) == 0


def test_a_container_that_breaks_off_counts_as_one(tmp_path: Path) -> None:
    whole = remux(write_clip(tmp_path / "clip.mp4", 80), tmp_path / "clip.mkv")
    assert count_damage(truncate(whole, tmp_path / "part.mkv", 0.6), None, None, Stopwatch(60, "clip")) == 1


def test_damage_outside_a_cut_does_not_count(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mp4", 100, options={"bf": "0", "g": "25", "crf": "12", "sc_threshold": "0"})
    with av.open(source) as container:
        place = next(
            packet.pos
            for packet in container.demux(video=0)
            if packet.pts and packet.time_base and packet.pts * packet.time_base == 2
        )
    data = bytearray(source.read_bytes())
    assert place is not None
    data[place + 200 : place + 500] = bytes(300)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    assert count_damage(path, None, None, Stopwatch(60, "clip")) > 0
    assert count_damage(path, 0.0, 1.8, Stopwatch(60, "clip")) == 0
    assert count_damage(path, 3.0, None, Stopwatch(60, "clip")) == 0
    assert count_damage(path, 1.9, 2.1, Stopwatch(60, "clip")) > 0


def test_a_cut_is_entered_a_second_early_and_its_edges_forgive_floats(tmp_path: Path) -> None:
    with open_container(write_clip(tmp_path / "clip.mkv", 100)) as stream:
        assert span_of(stream, None, None) == span_of(stream, 0.0, None)
        span = span_of(stream, 38 / 25, 2.52)
    assert (span.start, span.end, span.entry) == (1520, 2520, 520)
    assert 1520 in span
    assert 2520 not in span


def test_an_upright_picture_needs_no_turning(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "clip.mp4", 3)
    expected = {
        (1, 0, 0, 1): (False, False, False),
        (0, 1, -1, 0): (True, True, False),
        (0, -1, 1, 0): (True, False, True),
    }
    for matrix, orientation in expected.items():
        with open_container(set_matrix(plain, tmp_path / "turned.mp4", matrix)) as stream:
            packet = next(stream.container.demux(stream))  # type: ignore[attr-defined]
            frames = [*packet.decode(), *stream.codec_context.decode(None)]
        assert orientation_of(frames[0]) == orientation
