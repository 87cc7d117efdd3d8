"""Clips for the benches: rendered talking heads of 8 s, 25 fps, 224x224, as large as VoxCeleb2's files.

The heads are those of ``tcae-prep demo``, film noise included, encoded with x264 at its default preset (B-frames,
CABAC), which VoxCeleb2's files look like. Quality is chosen clip by clip so that the size is the one asked for.
"""

import io
import math
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

FPS, SECONDS, SIDE_PX = 25, 8, 224
NUM_CLIPS = 24
SIZES = (240, 30)
"""Kilobytes a clip."""
SPREAD = 1 / 6
"""Of the size: 240 +- 40 kB."""
TRIES = 12


def make_clips(folder: Path, num: int, kilobytes: tuple[int, ...]) -> dict[int, Path]:
    """Write what is missing of a VoxCeleb2 tree for each size; returns the trees."""
    from tcae.pipeline.synthetic.source import find_pack

    trees = {size: folder / f"{size}kB" for size in kilobytes}
    missing = [n for n in range(num) if not all(clip_path(tree, n).is_file() for tree in trees.values())]
    if missing:
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
            list(pool.map(partial(_make_clip, trees, find_pack(), num), missing))
    return trees


def clip_path(tree: Path, number: int) -> Path:
    """Where a clip lies in a tree."""
    return tree / "mp4" / f"id{number + 1:05d}" / "bench" / "00001.mp4"


def _make_clip(trees: dict[int, Path], pack_path: Path, num: int, number: int) -> None:
    from tcae.pipeline.synthetic.clips import DemoConfig, list_clips, render_clip
    from tcae.pipeline.synthetic.pack import load_pack

    clips = list_clips(DemoConfig(identities=num, clips=1, seconds=SECONDS))
    frames = list(render_clip(clips[number], load_pack(pack_path)))
    for kilobytes, tree in trees.items():
        data = encode_near(frames, kilobytes)
        path = clip_path(tree, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).rename(path)


def encode_near(frames: list[NDArray[np.uint8]], kilobytes: float) -> bytes:
    """An mp4 within a sixth of a size; of x264's crf some 6 steps halve it, fewer where noise drops out."""
    crf, step = 25.0, 6.0
    for _ in range(TRIES):
        data = encode(frames, crf)
        error = math.log2(len(data) / 1000 / kilobytes)
        if abs(len(data) / 1000 / kilobytes - 1) < 0.8 * SPREAD:
            return data
        crf = min(51.0, max(1.0, crf + step * error))
        step *= 0.85
    raise SystemExit(f"no quality gives {kilobytes} kB; crf {crf:.1f} gives {len(data) / 1000:.0f} kB")


def encode(frames: list[NDArray[np.uint8]], crf: float) -> bytes:
    """H.264 in mp4, x264's default preset."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": f"{crf:.2f}", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = SIDE_PX, SIDE_PX, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()
