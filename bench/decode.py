"""How long a clip takes to read: the ffmpeg program, PyAV, and PyAV decoding every frame.

    OMP_NUM_THREADS=1 python bench/decode.py [--clips 12] [--rounds 5] [--kilobytes 240]

Writes clips of 8 s, 25 fps, 224x224 H.264 (the shape and mean size of VoxCeleb2) and reads them at one frame a second,
one thread, the three ways in turn. The last line is the ffmpeg reader's time over the PyAV reader's.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from tcae.pipeline.video import VideoConfig, open_video

NUM_FRAMES, FPS, SIZE_PX = 200, 25, 224


def write_clip(path: Path, seed: int, kilobytes: float) -> None:
    """One clip: a smooth blob that moves before a moving texture, under film noise."""
    random = np.random.default_rng(seed)
    texture = random.integers(0, 255, (80, 80, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    noise = random.normal(0, 4, (8, SIZE_PX, SIZE_PX, 1))
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX]
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = SIZE_PX, SIZE_PX, "yuv420p"
        stream.bit_rate = int(kilobytes * 8000 * FPS / NUM_FRAMES)
        for number in range(NUM_FRAMES):
            dx, dy = int(100 + 90 * np.sin(number / 25)), int(100 + 90 * np.cos(number / 31))
            image = texture[dy : dy + SIZE_PX, dx : dx + SIZE_PX] * 0.4
            blob = np.exp(-((x - 112 - 30 * np.sin(number / 9)) ** 2 + (y - 112) ** 2) / 3000)[..., None]
            image = image * (1 - blob) + blob * (180 + 40 * np.sin(y / 9 + number / 5))[..., None] + noise[number % 8]
            frame = av.VideoFrame.from_ndarray(image.clip(0, 255).astype(np.uint8), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def read_kept(path: Path, reader: str) -> int:
    """Read a clip through the project's door."""
    with open_video(path, VideoConfig(reader=reader)) as opened:
        return sum(1 for _ in opened)


def read_all(path: Path) -> int:
    """What a user would write with PyAV: decode all, convert every 25th frame."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        return sum(
            frame.to_ndarray(format="rgb24").ndim // 3
            for index, frame in enumerate(container.decode(stream))
            if index % FPS == 0
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kilobytes", type=float, default=240)
    options = parser.parse_args()
    ways: dict[str, Callable[[Path], int]] = {
        "ffmpeg reader": lambda path: read_kept(path, "ffmpeg"),
        "pyav reader": lambda path: read_kept(path, "pyav"),
        "pyav, decode all": read_all,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number:05d}.mp4" for number in range(options.clips)]
        for seed, path in enumerate(paths):
            write_clip(path, seed, options.kilobytes)
        sizes = [path.stat().st_size / 1000 for path in paths]
        print(f"{len(paths)} clips of {min(sizes):.0f} to {max(sizes):.0f} kB, {options.rounds} rounds")
        for path in paths * options.rounds:
            for name, way in ways.items():
                begun = time.perf_counter()
                num_frames = way(path)
                times[name].append(time.perf_counter() - begun)
                if num_frames != NUM_FRAMES // FPS:
                    raise SystemExit(f"{name} gave {num_frames} frames of {path.name}, not {NUM_FRAMES // FPS}")
    medians = {name: statistics.median(spent) for name, spent in times.items()}
    for name, median in medians.items():
        print(f"{name:>18}: {1000 * median:6.1f} ms a clip (least {1000 * min(times[name]):.1f})")
    print(f"ratio {medians['ffmpeg reader'] / medians['pyav reader']:.1f}")


if __name__ == "__main__":
    main()
