"""The quick way must give what the patient way gives, or nothing."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from tcae.pipeline.readers import pyav
from tcae.pipeline.readers.pyav import EXACT, open_pyav, to_rgb
from tcae.pipeline.video import DecodedFrame, VideoConfig, open_video
from tests.clips import flip_bytes, numbered, remux, write_clip

CODINGS = {
    "pyramid": {"bf": "5", "b-pyramid": "normal", "g": "50"},
    "strict pyramid": {"bf": "3", "b-pyramid": "strict", "g": "12"},
    "no pyramid": {"bf": "2", "b-pyramid": "none"},
    "open gop": {"x264-params": "open-gop=1:keyint=15:bframes=3:scenecut=0"},
    "no b": {"bf": "0"},
    "intra": {"g": "1"},
    "refresh": {"x264-params": "intra-refresh=1:bframes=0"},
    "slices": {"x264-params": "slices=4:bframes=3"},
    "many references": {"refs": "8", "bf": "8", "b-pyramid": "normal"},
}
RATES = [Fraction(1), Fraction(25), Fraction(7, 3), None]


def keys(frames: list[DecodedFrame]) -> list[tuple[int, int, float]]:
    return [(frame.frame, frame.source_frame, frame.pts_seconds) for frame in frames]


def both_ways(path: Path, fps: Fraction | None) -> tuple[list[DecodedFrame] | None, list[DecodedFrame]]:
    config = VideoConfig(fps=fps)
    with open_pyav(path, config, None, None) as opened:
        packets = opened.list_packets()
        assert packets is not None
        quick = opened.read_quickly(packets)
    with open_pyav(path, config, None, None) as opened:
        return quick, list(opened.read_patiently())


@pytest.mark.parametrize("coding", CODINGS)
def test_the_quick_way_gives_the_same_pictures(coding: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 80, options=CODINGS[coding])
    for fps in RATES:
        quick, patient = both_ways(path, fps)
        assert quick is not None
        assert keys(quick) == keys(patient)
        for one, other in zip(quick, patient, strict=True):
            np.testing.assert_array_equal(one.image, other.image)


@pytest.mark.parametrize("target", ["clip.mkv", "clip.ts", "clip.flv", "clip.mov"])
def test_the_quick_way_is_taken_in_every_container(target: str, tmp_path: Path) -> None:
    path = remux(write_clip(tmp_path / "clip.mp4", 80, options=CODINGS["pyramid"]), tmp_path / target)
    quick, patient = both_ways(path, Fraction(1))
    assert quick is not None
    assert keys(quick) == keys(patient)


def test_irregular_time_stamps_are_no_hindrance(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(5).integers(1, 300, 60)).tolist()
    path = write_clip(tmp_path / "clip.mkv", times, time_base=Fraction(1, 1000))
    quick, patient = both_ways(path, Fraction(2))
    assert quick is not None
    assert keys(quick) == keys(patient)


def test_doubt_leaves_it_to_the_patient_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = write_clip(tmp_path / "plain.mp4", 80)
    interlaced = write_clip(tmp_path / "interlaced.mp4", options={"flags": "+ildct+ilme", "x264-params": "tff=1"})
    other_codec = write_clip(tmp_path / "mpeg4.mp4", codec="mpeg4")
    damaged = flip_bytes(plain, tmp_path / "damaged.mp4", 30)
    for path in (interlaced, other_codec, damaged):
        assert both_ways(path, Fraction(1))[0] is None
    monkeypatch.setattr(pyav, "QUICK_BYTES", 2000)
    with open_pyav(plain, VideoConfig(), None, None) as opened:
        assert opened.list_packets() is None
        assert keys(list(opened)) == [(0, 0, 0.0), (1, 25, 1.0), (2, 50, 2.0), (3, 75, 3.0)]


def test_quick_pictures_may_not_exceed_the_memory_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "plain.mp4", 80)
    monkeypatch.setattr(pyav, "QUICK_BYTES", path.stat().st_size + 81 * pyav.PACKET_BYTES)
    quick, patient = both_ways(path, None)
    assert quick is None
    assert len(patient) == 80


def test_pictures_that_change_their_size_keep_their_own(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "first.ts", 30)
    second = write_clip(tmp_path / "second.ts", 30, draw=lambda number: numbered(number, 64, 48))
    second = remux(second, tmp_path / "later.ts", shift_seconds=Fraction(6, 5))
    path = tmp_path / "both.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with open_video(path, VideoConfig(fps=None)) as opened:
        shapes = [frame.image.shape for frame in opened]
    assert shapes == [(64, 96, 3)] * 30 + [(48, 64, 3)] * 30


@pytest.mark.parametrize("kind", pyav.PLANAR)
@pytest.mark.parametrize("size", [(2, 2), (34, 18), (96, 64), (98, 50), (130, 66), (224, 224), (63, 48), (64, 47)])
def test_planes_of_rgb_have_the_bits_that_pixels_of_rgb_have(kind: str, size: tuple[int, int]) -> None:
    frame, generator = VideoFrame(*size, kind), np.random.default_rng(size)
    for plane in frame.planes:
        plane.update(generator.integers(0, 256, plane.buffer_size, np.uint8).tobytes())
    pixels = VideoReformatter().reformat(frame, format="rgb24", interpolation=EXACT).to_ndarray()
    assert np.array_equal(to_rgb(frame, VideoReformatter()), pixels)
