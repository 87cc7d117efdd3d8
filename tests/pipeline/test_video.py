"""What holds for a clip whichever reader reads it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError, ItemError, MissingToolError
from tcae.pipeline.pictures import Image
from tcae.pipeline.readers.program import ffmpeg_program, ffmpeg_version
from tcae.pipeline.trees.walk import UnreadableError
from tcae.pipeline.video import (
    READERS,
    ClipTimeoutError,
    DecodedFrame,
    DecodeError,
    EmptyFileError,
    NoVideoError,
    Stopwatch,
    VideoConfig,
    inspect_video,
    open_video,
    parse_fps,
    shown,
)
from tests.clips import flip_bytes, numbered, read_number, remux, set_matrix, truncate, write_clip, write_sound

Builder = Callable[[Path], Path]
NATIVE, NTSC = None, Fraction(30000, 1001)
INTERLACED = {"flags": "+ildct+ilme", "x264-params": "tff=1"}
IRREGULAR = [40 * i + 17 * (i % 3) + (700 if i > 20 else 0) + (1500 if i > 33 else 0) for i in range(50)]


def pyramid(path: Path) -> Path:
    return write_clip(path, 100, options={"g": "30", "bf": "3", "b-pyramid": "normal"})


def earlier(path: Path) -> Path:
    source = pyramid(path.with_name("source.mp4"))
    return remux(source, path, shift_seconds=Fraction(-2, 5), avoid_negative_ts="disabled")


CLIPS: dict[str, Builder] = {
    "pyramid.mp4": pyramid,
    "without_b.mp4": lambda path: write_clip(path, options={"bf": "0"}),
    "open_gop.mp4": lambda path: write_clip(
        path, 100, options={"x264-params": "open-gop=1:keyint=20:bframes=3:scenecut=0"}
    ),
    "intra.mp4": lambda path: write_clip(path, options={"g": "1"}),
    "irregular.mp4": lambda path: write_clip(path, IRREGULAR, time_base=Fraction(1, 1000)),
    "interlaced.mp4": lambda path: write_clip(path, options=INTERLACED),
    "interlaced_one.mp4": lambda path: write_clip(path, 1, options=INTERLACED),
    "ten_bit.mp4": lambda path: write_clip(path, pix_fmt="yuv420p10le"),
    "grey.mp4": lambda path: write_clip(path, pix_fmt="gray"),
    "full_chroma.mp4": lambda path: write_clip(path, pix_fmt="yuv444p"),
    "bt709.mp4": lambda path: write_clip(path, tags={"colorspace": 1}),
    "full_range.mp4": lambda path: write_clip(path, tags={"color_range": 2}),
    "mpeg4.avi": lambda path: write_clip(path, codec="mpeg4", options={"bf": "2"}),
    "mpeg2.mpg": lambda path: write_clip(path, codec="mpeg2video", options={"bf": "2"}),
    "clip.mkv": lambda path: remux(pyramid(path.with_name("source.mp4")), path),
    "clip.ts": lambda path: remux(pyramid(path.with_name("source.mp4")), path),
    "earlier.mp4": earlier,
    "later.mkv": lambda path: remux(pyramid(path.with_name("source.mp4")), path, shift_seconds=Fraction(3, 2)),
    "one.mp4": lambda path: write_clip(path, 1),
}
FILTERED = {"interlaced.mp4", "interlaced_one.mp4"}
"""Clips whose pictures a filter makes, so that their numbers cannot be read."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder, made = tmp_path_factory.mktemp("clips"), {}

    def build(name: str) -> Path:
        if name not in made:
            place = folder / name.replace(".", "_")
            place.mkdir()
            made[name] = CLIPS[name](place / name)
        return made[name]

    return build


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read(
    path: Path,
    reader: str,
    fps: Fraction | None = Fraction(1),
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> tuple[list[DecodedFrame], int]:
    config = VideoConfig(fps=fps, reader=reader)
    with open_video(path, config, start_seconds=start_seconds, end_seconds=end_seconds) as opened:
        return list(opened), opened.num_decode_errors


def keys(frames: list[DecodedFrame]) -> list[tuple[int, int, float]]:
    return [(frame.frame, frame.source_frame, frame.pts_seconds) for frame in frames]


def difference(one: Image, other: Image) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other).mean())


def assert_readers_agree(path: Path, fps: Fraction | None) -> list[DecodedFrame]:
    (one, one_errors), (other, other_errors) = (read(path, reader, fps) for reader in READERS)
    assert keys(one) == keys(other)
    assert one_errors == other_errors == 0
    assert max(difference(a.image, b.image) for a, b in zip(one, other, strict=True)) < 2
    return one


@pytest.mark.parametrize("name", CLIPS)
def test_readers_agree_on_every_frame_and_its_number_is_right(name: str, clip: Callable[[str], Path]) -> None:
    frames = assert_readers_agree(clip(name), NATIVE)
    assert [frame.source_frame for frame in frames] == list(range(len(frames)))
    assert frames[0].pts_seconds == 0
    if name not in FILTERED:
        dropped = 10 if name == "earlier.mp4" else 0
        assert [read_number(frame.image) - dropped for frame in frames] == [frame.source_frame for frame in frames]


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(25), Fraction(1, 2), NTSC])
@pytest.mark.parametrize("name", ["irregular.mp4", "interlaced.mp4", "clip.mkv"])
def test_readers_agree_at_every_rate(name: str, fps: Fraction, clip: Callable[[str], Path]) -> None:
    assert_readers_agree(clip(name), fps)


@pytest.mark.parametrize("fps", [Fraction(1), NATIVE])
def test_readers_agree_on_real_clips(fps: Fraction | None, media: Path) -> None:
    for name in ("face_then_none.mov", "no_face.mp4") if fps else ("signing_hungry.mkv", "woman_turning.mp4"):
        frames = assert_readers_agree(media / name, fps)
        assert len(frames) == {"face_then_none.mov": 7, "no_face.mp4": 4}.get(name, len(frames))


def test_one_frame_a_second_of_a_25_fps_clip(reader: str, clip: Callable[[str], Path]) -> None:
    frames, num_errors = read(clip("pyramid.mp4"), reader)
    assert keys(frames) == [(0, 0, 0.0), (1, 25, 1.0), (2, 50, 2.0), (3, 75, 3.0)]
    assert num_errors == 0
    assert all(frame.image.dtype == np.uint8 and frame.image.shape == (64, 96, 3) for frame in frames)


def test_variable_rates_are_taken_by_time_stamp(reader: str, clip: Callable[[str], Path]) -> None:
    frames, _ = read(clip("irregular.mp4"), reader)
    assert len(frames) >= 4
    for frame in frames:
        assert frame.pts_seconds == pytest.approx(IRREGULAR[frame.source_frame] / 1000)
        assert frame.frame <= frame.pts_seconds
        assert frame.source_frame == 0 or IRREGULAR[frame.source_frame - 1] / 1000 < frame.frame


def test_frames_before_time_zero_are_dropped(reader: str, clip: Callable[[str], Path]) -> None:
    frames, _ = read(clip("earlier.mp4"), reader, NATIVE)
    assert len(frames) == 90
    assert read_number(frames[0].image) == 10
    assert (frames[0].source_frame, frames[0].pts_seconds) == (0, 0.0)


def test_a_clip_that_starts_late_counts_from_its_first_frame(reader: str, clip: Callable[[str], Path]) -> None:
    frames, _ = read(clip("later.mkv"), reader)
    assert keys(frames) == [(0, 0, 0.0), (1, 25, 1.0), (2, 50, 2.0), (3, 75, 3.0)]


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
        ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
        ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
    ],
    ids=["quarter clockwise", "half", "quarter anticlockwise", "mirrored", "transposed"],
)
def test_pictures_are_turned_as_the_display_matrix_says(
    matrix: tuple[int, ...], turn: Callable[[Image], Image], reader: str, clip: Callable[[str], Path], tmp_path: Path
) -> None:
    upright, _ = read(clip("pyramid.mp4"), reader)
    turned, _ = read(set_matrix(clip("pyramid.mp4"), tmp_path / "turned.mp4", matrix), reader)
    for one, other in zip(upright, turned, strict=True):
        np.testing.assert_array_equal(turn(one.image), other.image)


def test_interlaced_frames_lose_their_comb(reader: str, tmp_path: Path) -> None:
    def combed(number: int) -> Image:
        image = np.full((64, 96, 3), 40, np.uint8)
        image[0::2, 8 + 8 * number : 24 + 8 * number] = 200  # the first field
        image[1::2, 12 + 8 * number : 28 + 8 * number] = 200  # the second, half a frame later
        return image

    def comb(image: Image) -> float:
        rows = image[16:48].astype(int).mean(2)
        return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())

    path = write_clip(tmp_path / "combed.mp4", 8, options=INTERLACED | {"crf": "5"}, draw=combed)
    frames, _ = read(path, reader, NATIVE)
    assert len(frames) == 8
    assert max(comb(frame.image) for frame in frames[1:-1]) < comb(combed(3)) / 4


@pytest.mark.parametrize("name", ["bt709.mp4", "full_range.mp4", "without_b.mp4"])
def test_colours_follow_the_tags(name: str, reader: str, tmp_path: Path) -> None:
    tags = {"bt709.mp4": (1, 1, 0.2126, 0.0722), "full_range.mp4": (5, 2, 0.299, 0.114)}
    matrix, color_range, kr, kb = tags.get(name, (2, 0, 0.299, 0.114))
    rgb = np.array([200, 60, 30])
    luma = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]
    yuv = np.array([luma, (rgb[2] - luma) / (2 - 2 * kb), (rgb[0] - luma) / (2 - 2 * kr)])
    scale, offset = np.ones(3), [0, 128, 128]
    if color_range != 2:
        scale, offset = np.array([219, 224, 224]) / 255, [16, 128, 128]
    planes = yuv * scale + offset
    path = write_flat(
        tmp_path / name, np.rint(planes).astype(np.uint8), {"colorspace": matrix, "color_range": color_range}
    )
    frames, _ = read(path, reader)
    np.testing.assert_allclose(frames[0].image.reshape(-1, 3).mean(0), rgb, atol=4)


def write_flat(path: Path, planes: np.ndarray[tuple[int], np.dtype[np.uint8]], tags: dict[str, int]) -> Path:
    import av

    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        image = np.concatenate([np.full(64 * 48, planes[0]), np.full(32 * 24, planes[1]), np.full(32 * 24, planes[2])])
        frame = av.VideoFrame.from_ndarray(image.reshape(72, 64).astype(np.uint8), format="yuv420p")
        for name, value in tags.items():
            setattr(frame, name, value)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("start", "end", "num_frames"),
    [(None, None, 40), (0.0, None, 40), (1.52, None, 40), (1.52, 2.0, 12), (None, 1.6, 40), (3.8, 99.0, 5)],
)
def test_a_bound_keeps_the_first_seconds_of_a_clip_or_a_cut(
    start: float | None, end: float | None, num_frames: int, reader: str, clip: Callable[[str], Path]
) -> None:
    whole, _ = read(clip("pyramid.mp4"), reader, Fraction(25), start, end)
    config = VideoConfig(fps=Fraction(25), reader=reader, max_seconds=1.6)
    with open_video(clip("pyramid.mp4"), config, start_seconds=start, end_seconds=end) as opened:
        frames = list(opened)
    assert keys(frames) == keys(whole)[:40]
    assert len(frames) == num_frames


@pytest.mark.parametrize(("start", "end"), [(1.52, 2.52), (0.0, 0.4), (0.6, None), (None, 0.4), (3.84, 9.0)])
@pytest.mark.parametrize("name", ["open_gop.mp4", "clip.ts", "later.mkv"])
def test_a_cut_is_a_slice_of_the_whole(
    name: str, start: float | None, end: float | None, reader: str, clip: Callable[[str], Path]
) -> None:
    first, last = round((start or 0) * 25), 100 if end is None else min(100, round(end * 25))
    frames, num_errors = read(clip(name), reader, NATIVE, start, end)
    assert [read_number(frame.image) for frame in frames] == list(range(first, last))
    assert [frame.source_frame for frame in frames] == list(range(last - first))
    assert [frame.pts_seconds for frame in frames] == pytest.approx(
        [index / 25 for index in range(last - first)], abs=2e-3
    )
    assert num_errors == 0


def test_a_cut_is_sampled_from_its_own_start(reader: str, clip: Callable[[str], Path]) -> None:
    frames, _ = read(clip("open_gop.mp4"), reader, start_seconds=1.2)
    assert [(frame.frame, read_number(frame.image)) for frame in frames] == [(0, 30), (1, 55), (2, 80)]


def test_a_cut_outside_the_video_has_no_frame(reader: str, clip: Callable[[str], Path]) -> None:
    with pytest.raises(DecodeError, match=r"pyramid.mp4 has no frame .* in the time asked for"):
        read(clip("pyramid.mp4"), reader, start_seconds=60, end_seconds=61)


def test_a_cut_that_ends_before_it_starts_is_refused(reader: str, clip: Callable[[str], Path]) -> None:
    with pytest.raises(ConfigError, match=r"after its start of 2 s, not at 1 s"):
        read(clip("pyramid.mp4"), reader, start_seconds=2, end_seconds=1)


@pytest.mark.parametrize("name", ["pyramid.mp4", "clip.mkv", "clip.ts", "mpeg4.avi"])
@pytest.mark.parametrize("num_bytes", [3, 40])
def test_damage_is_counted_alike(num_bytes: int, name: str, clip: Callable[[str], Path], tmp_path: Path) -> None:
    for seed in range(2):
        path = flip_bytes(clip(name), tmp_path / name, num_bytes, seed)
        counts = []
        for reader in READERS:
            try:
                counts.append(read(path, reader)[1])
            except DecodeError:
                counts.append(-1)
        assert counts[0] == counts[1]


def test_400_flipped_bytes_are_noticed(reader: str, tmp_path: Path) -> None:
    def noisy(number: int) -> Image:
        noise = np.random.default_rng(number).integers(0, 60, (64, 96, 3))
        return (numbered(number) * 0.7 + noise).astype(np.uint8)

    path = flip_bytes(write_clip(tmp_path / "noisy.mp4", 100, draw=noisy), tmp_path / "flipped.mp4", 400)
    frames, num_errors = read(path, reader)
    assert frames
    assert 0 < num_errors <= 100


@pytest.mark.parametrize("name", ["clip.mkv", "mpeg4.avi"])  # a transport stream does not say how long it is
def test_a_truncated_file_gives_the_frames_it_has_and_says_so(
    name: str, reader: str, clip: Callable[[str], Path], tmp_path: Path
) -> None:
    whole, _ = read(clip(name), reader, NATIVE)
    part, num_errors = read(truncate(clip(name), tmp_path / name, 0.6), reader, NATIVE)
    assert 0 < len(part) < len(whole)
    assert num_errors > 0
    for one, other in zip(whole[: len(part) - 4], part, strict=False):
        np.testing.assert_array_equal(one.image, other.image)


def test_a_title_that_is_not_utf8_is_no_hindrance(reader: str, clip: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "title.mp4"
    path.write_bytes(clip("pyramid.mp4").read_bytes().replace(b"Lavf", b"\xe9\xff\xfe\xe8"))
    assert len(read(path, reader)[0]) == 4


@pytest.mark.parametrize("name", ["pyramid.mp4", "clip.mkv", "clip.ts", "mpeg2.mpg", "mpeg4.avi"])
def test_random_damage_ends_in_frames_or_in_one_of_our_rejections(
    name: str, clip: Callable[[str], Path], tmp_path: Path
) -> None:
    random = np.random.default_rng(len(name))
    whole = np.frombuffer(clip(name).read_bytes(), np.uint8)
    outcomes: set[bool | str] = set()
    for num_bytes in [1, 10, 100, 1000] * 5:
        data = whole.copy()
        data[random.integers(0, len(data), num_bytes)] = random.integers(0, 256, num_bytes)
        (tmp_path / name).write_bytes(data.tobytes())
        try:
            outcomes.add(read(tmp_path / name, "pyav")[1] > 0)
        except (DecodeError, NoVideoError) as error:
            outcomes.add(error.reason)
    assert outcomes - {True, False, "decode", "no_video"} == set()
    assert len(outcomes) > 1


def test_a_file_truncated_before_its_index_is_no_video(
    reader: str, clip: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(DecodeError, match=r"half.mp4 is not a video: .*moov atom not found"):
        read(truncate(clip("pyramid.mp4"), tmp_path / "half.mp4", 0.5), reader)


def test_a_video_without_a_whole_frame_is_rejected(reader: str, clip: Callable[[str], Path], tmp_path: Path) -> None:
    data = bytearray(clip("pyramid.mp4").read_bytes())
    begin = data.index(b"mdat") + 4
    data[begin : data.index(b"moov")] = bytes(data.index(b"moov") - begin)
    (tmp_path / "zeros.mp4").write_bytes(data)
    with pytest.raises(DecodeError, match=r"zeros.mp4 has no frame that can be decoded: .+"):
        read(tmp_path / "zeros.mp4", reader)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello world\n" * 500, "is not a video"),
        (b"#EXTM3U\n#EXTINF:1\nother.mp4\n", "is not a video"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "is not a video"),
        (bytes(4096), "is not a video"),
    ],
    ids=["text", "playlist", "concat list", "zeros"],
)
def test_what_is_no_video_is_rejected(content: bytes, said: str, reader: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "other.mp4", 3)
    (tmp_path / "text.mp4").write_bytes(content)
    with pytest.raises(DecodeError, match=f"text.mp4 {said}"):
        read(tmp_path / "text.mp4", reader)


def test_a_picture_of_no_size_is_rejected(reader: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "flat.avi", 3, codec="rawvideo", pix_fmt="yuv420p")
    data = bytearray(path.read_bytes())
    begin = data.index(b"strf") + 8 + 4
    data[begin : begin + 8] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=r"flat.avi"):
        read(path, reader)


def test_an_8k_picture_is_ordinary(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "8k.avi", 1, codec="mpeg4", draw=lambda _: np.zeros((4320, 7680, 3), np.uint8))
    for reader in READERS:
        assert read(path, reader)[0][0].image.shape == (4320, 7680, 3)


def test_a_file_of_zero_bytes_is_empty(reader: str, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(EmptyFileError, match=r"empty.mp4 has zero bytes"):
        read(tmp_path / "empty.mp4", reader)


def test_sound_alone_is_no_video(reader: str, tmp_path: Path) -> None:
    with pytest.raises(NoVideoError, match=r"sound.m4a has 1 streams and none of them is video"):
        read(write_sound(tmp_path / "sound.m4a"), reader)


def test_what_is_not_a_file_is_unreadable(reader: str, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    for name, said in [
        ("folder", "is not a file"),
        ("pipe", "is not a file"),
        ("loop", "symbolic"),
        ("none", "No such"),
    ]:
        with pytest.raises(UnreadableError, match=f"{name}.mp4 .*{said}"):
            read(tmp_path / f"{name}.mp4", reader)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_forbidden_file_is_unreadable(reader: str, open_folder: Path) -> None:
    path = write_clip(open_folder / "forbidden.mp4", 3)
    path.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        with pytest.raises(UnreadableError, match=r"forbidden.mp4 cannot be opened: Permission denied"):
            read(path, reader)
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    "name",
    [
        b"two words.mp4",
        b"-dash.mp4",
        b"%d.mp4",
        b"a:b.mp4",
        b"concat:a|b.mp4",
        b"[x]'y\\z,=;.mp4",
        b"\xff\xfe.mp4",
        b"img.png",
    ],
)
def test_odd_names_are_ordinary(name: bytes, reader: str, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(write_clip(tmp_path / "plain.mp4", 3).read_bytes())
    assert len(read(path, reader, NATIVE)[0]) == 3


def test_an_odd_name_can_be_printed(reader: str, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.mp4")
    path.write_bytes(b"hello")
    with pytest.raises(DecodeError, match=r"\\xff.mp4 is not a video") as caught:
        read(path, reader)
    str(caught.value).encode("utf-8")
    assert shown(path) == r"\xff.mp4"


def test_a_relative_name_with_a_dash_is_no_option(reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "plain.mp4", 3).rename(tmp_path / "-y.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(read(Path("-y.mp4"), reader, NATIVE)[0]) == 3


def test_a_clip_that_takes_too_long_is_stopped(reader: str, clip: Callable[[str], Path]) -> None:
    config = VideoConfig(reader=reader, timeout_seconds=1e-6)
    with (
        open_video(clip("pyramid.mp4"), config) as opened,
        pytest.raises(ClipTimeoutError, match=r"pyramid.mp4 took longer than 1e-06 s to read"),
    ):
        list(opened)


def test_the_clock_stands_while_the_caller_holds_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("tcae.pipeline.video.time.monotonic", lambda: now[0])
    stopwatch = Stopwatch(10, "clip.mp4")
    frame = DecodedFrame(frame=0, source_frame=0, pts_seconds=0.0, image=np.zeros((2, 2, 3), np.uint8))
    for _ in stopwatch.lend(iter([frame, frame])):
        now[0] += 100
    assert stopwatch.remaining() == 10
    now[0] += 11
    with pytest.raises(ClipTimeoutError, match=r"clip.mp4 took longer than 10 s"):
        stopwatch.remaining()


def test_nothing_is_written_to_the_terminal(
    reader: str, clip: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    read(flip_bytes(clip("pyramid.mp4"), tmp_path / "flipped.mp4", 40), reader)
    read(truncate(clip("clip.mkv"), tmp_path / "part.mkv", 0.6), reader)
    with pytest.raises(ItemError):
        read(truncate(clip("pyramid.mp4"), tmp_path / "half.mp4", 0.5), reader)
    assert capfd.readouterr() == ("", "")


def test_inspecting_reads_the_headers(clip: Callable[[str], Path], tmp_path: Path) -> None:
    info = inspect_video(clip("pyramid.mp4"))
    assert (info.width_px, info.height_px, info.num_frames, info.codec) == (96, 64, 100, "h264")
    assert info.duration_seconds == pytest.approx(4.0, abs=0.05)
    assert inspect_video(clip("clip.mkv")).num_frames == pytest.approx(100, abs=3)
    with pytest.raises(NoVideoError):
        inspect_video(write_sound(tmp_path / "sound.m4a"))
    with pytest.raises(UnreadableError):
        inspect_video(tmp_path)


@pytest.mark.parametrize(
    ("text", "fps"),
    [("1", Fraction(1)), ("0.5", Fraction(1, 2)), ("30000/1001", NTSC), ("25", Fraction(25)), ("native", None)],
)
def test_a_rate_is_read_exactly(text: str, fps: Fraction | None) -> None:
    assert parse_fps(text) == fps


@pytest.mark.parametrize("text", ["0", "-1", "1/0", "fast", "", "nan", "inf"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"fps must be"):
        parse_fps(text)


def test_nonsense_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"fps must be greater than 0, not 0"):
        VideoConfig(fps=Fraction(0))
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match=r"max_seconds must be greater than 0 and finite, not"):
            VideoConfig(max_seconds=wrong)
    with pytest.raises(ConfigError, match=r"reader must be one of pyav, ffmpeg, not 'vlc'"):
        VideoConfig(reader="vlc")
    with pytest.raises(ConfigError, match=r"timeout_seconds must be greater than 0, not 0"):
        VideoConfig(timeout_seconds=0)


def test_every_reason_is_its_own() -> None:
    reasons = {error.reason for error in (DecodeError, EmptyFileError, NoVideoError, UnreadableError, ClipTimeoutError)}
    assert reasons == {"decode", "empty", "no_video", "unreadable", "timeout"}


def test_the_systems_ffmpeg_is_taken_where_it_is_recent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = ffmpeg_program()
    program = tmp_path / "ffmpeg"
    for version, taken in [("7.1-static", True), ("5.1.6-0+deb12u1", True), ("4.4.2", False), ("N-118-g1", True)]:
        program.write_text(f"#!/bin/sh\necho ffmpeg version {version} Copyright\n")
        program.chmod(0o755)
        ffmpeg_version.cache_clear()
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        assert (ffmpeg_program() == str(program)) == taken, version
    assert Path(bundled).is_file()


def test_a_missing_ffmpeg_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", missing)
    with pytest.raises(MissingToolError, match=r"install ffmpeg, or pip install imageio-ffmpeg"):
        ffmpeg_program()
