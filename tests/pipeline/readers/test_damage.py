"""Which damage is noticed, of what the decoders mark and of what they only speak of."""

from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import pytest

from tcae.pipeline.readers.damage import count_damage, is_container_damaged, is_cut_short
from tcae.pipeline.video import READERS, Stopwatch, VideoConfig, open_video
from tests.clips import flip_bytes, remux, truncate, write_clip


def watch() -> Stopwatch:
    return Stopwatch(60, "clip")


def count(path: Path, start_seconds: float | None = None, end_seconds: float | None = None) -> int:
    return count_damage(path, start_seconds, end_seconds, watch())


def counted_by(reader: str, path: Path) -> int:
    with open_video(path, VideoConfig(fps=Fraction(5), reader=reader)) as opened:
        assert list(opened)
    return opened.num_decode_errors


CODECS = {".avi": "mpeg4", ".mpg": "mpeg2video"}


def clip_in(folder: Path, name: str) -> Path:
    """A clip of 60 frames in the container that its name says."""
    if codec := CODECS.get(Path(name).suffix):
        return write_clip(folder / name, 60, codec=codec, options={"bf": "2"})
    source = write_clip(folder / "source.mp4", 60, options={"bf": "3", "g": "20"})
    return remux(source, folder / name)


@pytest.fixture(params=["clip.mp4", "clip.mkv", "clip.ts", "clip.avi", "clip.mpg"])
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return clip_in(tmp_path, request.param)


def test_a_whole_clip_has_no_damage_in_any_container(clip: Path) -> None:
    assert count(clip) == 0
    assert count(clip, 0.5, 1.5) == 0
    assert not is_container_damaged(clip, None, None, watch())
    assert [counted_by(reader, clip) for reader in READERS] == [0, 0]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["clip.avi", "clip.ts", "clip.mkv"])
def test_the_beginning_of_a_clip_says_that_it_is_one(name: str, reader: str, tmp_path: Path) -> None:
    whole = clip_in(tmp_path, name)
    part = truncate(whole, tmp_path / f"part{whole.suffix}", 0.6)
    assert counted_by(reader, part) > 0


def test_an_avi_file_is_cut_short_where_it_is_shorter_than_it_says(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.avi", 10, codec="mpeg4")
    assert not is_cut_short(whole, "avi")
    assert is_cut_short(truncate(whole, tmp_path / "part.avi", 0.99), "avi")
    piped = bytearray(whole.read_bytes())
    piped[4:8] = b"\xff" * 4
    (tmp_path / "piped.avi").write_bytes(piped)
    assert not is_cut_short(tmp_path / "piped.avi", "avi")


@pytest.mark.parametrize("reader", READERS)
def test_packets_that_a_broadcast_stream_lost_are_missed(reader: str, tmp_path: Path) -> None:
    whole = remux(write_clip(tmp_path / "clip.mp4", 100, options={"g": "10", "bf": "0"}), tmp_path / "clip.ts")
    data = whole.read_bytes()
    first = len(data) // 188 // 3 * 188
    (tmp_path / "lost.ts").write_bytes(data[:first] + data[first + 188 * (len(data) // 188 // 3) :])
    assert counted_by(reader, tmp_path / "lost.ts") > 0


def test_a_pause_in_other_containers_is_no_damage(tmp_path: Path) -> None:
    stamps = [*range(20), *range(120, 140)]
    assert count(write_clip(tmp_path / "pause.mkv", stamps)) == 0


def test_hevc_damage_counts_though_no_frame_is_marked(media: Path, tmp_path: Path) -> None:
    path = flip_bytes(media / "face_then_none.mov", tmp_path / "flipped.mov", 60, seed=1)
    with av.open(path) as container:
        assert not any(frame.is_corrupt for frame in islice(container.decode(video=0), 25))
    assert count(path, None, 0.8) > 0
    assert count(media / "face_then_none.mov", None, 0.8) == 0


def test_damage_before_a_cut_counts_where_its_pictures_are_made_from_it(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mp4", 100, options={"bf": "0", "g": "50", "crf": "12", "sc_threshold": "0"})
    with av.open(source) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        places = {packet.pts * packet.time_base: packet.pos for packet in packets if packet.pts is not None}
    data = bytearray(source.read_bytes())
    place = places[Fraction(12, 25)]
    assert place is not None
    data[place + 20 : place + 60] = bytes(40)
    (tmp_path / "damaged.mp4").write_bytes(data)
    assert count(tmp_path / "damaged.mp4", 1.0, 1.8) > 0
    assert count(tmp_path / "damaged.mp4", 2.0, 3.0) == 0
