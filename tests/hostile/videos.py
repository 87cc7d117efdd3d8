"""Cases of damaged clips: which clip, how it is damaged, and how it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.rows import Clip
from tcae.pipeline import pictures
from tcae.pipeline.clips import open_clip
from tcae.pipeline.readers import pyav
from tcae.pipeline.video import VideoConfig, inspect_video
from tests.clips import remux, write_clip
from tests.hostile import mutations
from tests.hostile.mutations import Random

SEED = 5
TIMEOUT_SECONDS = 20.0
"""The clip's own time limit."""

MOST_DIFFERENT = 8.0
"""Mean absolute difference of 255 above which a frame is another than the clean one."""

WAYS = ("quick", "patient", "ffmpeg", "cut", "track", "images")
"""How a clip is read: PyAV's quick way, its patient way, the ffmpeg program, a cut of it, with a track file, and a
folder of its frames."""

CHANCES = (0.3, 0.2, 0.2, 0.1, 0.1, 0.1)
"""Of each way."""

CUT: dict[str, Any] = {"start_seconds": 0.4, "end_seconds": 1.6}

MOST_NATIVE_BYTES = 32 << 20
"""Clips with more pixels than this are read at 1 and at 5 frames a second only."""

TRACK = "Identity  : \tid1\nReference : \tv\n\nFRAME \tX \tY \tW \tH\n" + "".join(
    f"{frame:06d} \t{0.1 + frame / 1e3:.3f} \t0.2 \t0.3 \t0.4\n" for frame in range(80)
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A clip that is whole, and its frames."""

    name: str
    data: bytes
    rates: tuple[Fraction | None, ...]
    frames: Path
    """The folder of its frames as arrays (n, H, W, 3), one file for each rate and cut."""

    def clean(self, rate: Fraction | None, is_cut: bool = False) -> NDArray[np.uint8]:
        """Its frames at a rate; a frame is not read from the disk before it is looked at."""
        return np.asanyarray(np.load(self.file(rate, is_cut), mmap_mode="r"))

    def file(self, rate: Fraction | None, is_cut: bool) -> Path:
        """Where its frames lie."""
        return self.frames / f"{self.name}-{rate}-{is_cut}.npy"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One damaged clip."""

    number: int
    source: Source
    way: str
    rate: Fraction | None
    mutation: str
    files: Mapping[str, bytes]
    """By path: what is damaged and what belongs to it."""

    @property
    def kind(self) -> str:
        """What was damaged and how."""
        return f"{'pictures' if self.way == 'images' else self.source.name.rpartition('.')[2]}, {self.mutation}"

    def __str__(self) -> str:
        rate = "all frames" if self.rate is None else f"{self.rate} fps"
        return f"case {self.number} ({self.source.name}, {self.mutation}, {self.way}, {rate})"


def gather(media: Path | None, folder: Path) -> list[Source]:
    """The clips that are damaged: the real ones where they are, and made ones in other containers."""
    made = folder / "made"
    made.mkdir()
    pyramid = write_clip(made / "pyramid.mp4", 75, options={"g": "30", "bf": "3", "b-pyramid": "normal"})
    remux(pyramid, made / "stream.ts")
    write_clip(made / "mpeg4.avi", 75, codec="mpeg4", options={"bf": "2"})
    write_clip(made / "mpeg2.mpg", 75, codec="mpeg2video", options={"bf": "2"})
    write_clip(made / "interlaced.mp4", 75, options={"flags": "+ildct+ilme", "x264-params": "tff=1"})
    write_clip(made / "vp9.webm", 50, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})
    real = [] if media is None else sorted(path for path in media.iterdir() if path.suffix in (".mp4", ".mkv", ".mov"))
    if not real:
        remux(pyramid, made / "clip.mkv")
        write_clip(made / "intra.mp4", 50, options={"g": "1"})
        write_clip(made / "slices.mp4", 75, options={"x264-params": "slices=4:bframes=3"})
        write_clip(made / "open_gop.mkv", 75, options={"x264-params": "open-gop=1:keyint=20:bframes=3:scenecut=0"})
    return [_source(path, folder) for path in (*real, *sorted(made.iterdir()))]


def _source(path: Path, folder: Path) -> Source:
    source = Source(name=path.name, data=path.read_bytes(), rates=(Fraction(1), Fraction(5), None), frames=folder)
    info = inspect_video(path)
    if info.num_frames * info.width_px * info.height_px * 3 > MOST_NATIVE_BYTES:
        source = replace(source, rates=source.rates[:2])
    for rate in source.rates:
        for is_cut in (False, True):
            clip = clip_of(path.parent, path.name, **(CUT if is_cut else {}))
            with open_clip(clip, VideoConfig(fps=rate)) as opened:
                np.save(source.file(rate, is_cut), np.stack([image for _, image in opened]))
    return source


def clip_of(folder: Path, path: str, **more: Any) -> Clip:
    """A clip's row."""
    media = "images" if path == "images" else "video"
    key: dict[str, Any] = {"identity": "id1", "video": "v1", "clip": 0}
    return Clip(**key, name=path, layout="plain", source=str(folder), path=path, media=media, **more)


def draw(number: int, sources: list[Source]) -> Case:
    """The case of a number: always the same of the same clips."""
    random = np.random.default_rng([SEED, number])
    source, other = (sources[int(random.integers(len(sources)))] for _ in range(2))
    way = WAYS[int(random.choice(len(WAYS), p=CHANCES))]
    rate = source.rates[int(random.integers(len(source.rates)))]
    if way == "images":
        rate = Fraction(1)
        mutation, files = _damaged_pictures(source, random)
    elif way == "track":
        mutation, text = mutations.damage(TRACK.encode(), random, TRACK.encode())
        mutation, files = f"track file, {mutation}", {source.name: source.data, "track.txt": text}
    else:
        mutation, data = mutations.damage(source.data, random, other.data)
        files = {source.name: data}
    return Case(number=number, source=source, way=way, rate=rate, mutation=mutation, files=files)


def _damaged_pictures(source: Source, random: Random) -> tuple[str, dict[str, bytes]]:
    """Pictures of the clip's frames; a third of them damaged, and at least one."""
    suffix = (".jpg", ".png")[int(random.integers(2))]
    whole = [pictures.encode(image, suffix) for image in source.clean(Fraction(1))]
    chosen = random.permutation(len(whole))[: max(1, len(whole) // 3)].tolist()
    names = []
    for index in chosen:
        name, whole[index] = mutations.damage(whole[index], random, whole[(index + 1) % len(whole)])
        names.append(name)
    told = f"{suffix[1:]}, {' and '.join(sorted(set(names)))}"
    return told, {f"images/{number:03d}{suffix}": data for number, data in enumerate(whole)}


def read_case(case: Case, folder: Path) -> dict[str, Any]:
    """Write a case's files, read the clip, and compare its frames with the clean ones.

    Raises:
        ItemError: the clip is rejected.
    """
    for name, data in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    if case.way == "patient":
        pyav.QUICK_BYTES = 0
    more = {"track": {"track_path": "track.txt", "track_unit": "fraction"}, "cut": CUT}.get(case.way, {})
    clip = clip_of(folder, "images" if case.way == "images" else case.source.name, **more)
    reader = "ffmpeg" if case.way == "ffmpeg" else "pyav"
    clean = case.source.clean(case.rate, case.way == "cut")
    worst, num_frames = 0.0, 0
    with open_clip(clip, VideoConfig(fps=case.rate, reader=reader, timeout_seconds=TIMEOUT_SECONDS)) as opened:
        for row, image in opened:
            place = row.frame if case.way == "images" and row.frame is not None else num_frames
            worst = max(worst, difference(clean[place], image) if place < len(clean) else 255.0)
            num_frames += 1
    return {
        "num_frames": num_frames,
        "num_missing": len(clean) - num_frames,
        "worst": round(worst, 2),
        "num_decode_errors": opened.num_decode_errors,
        "differs": worst > MOST_DIFFERENT or num_frames != len(clean),
        "tells": opened.num_decode_errors > 0,
    }


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean absolute difference in 0-255; 255 where the sizes differ."""
    if one.shape != other.shape:
        return 255.0
    return float(np.abs(one.astype(np.int16) - other).mean())
