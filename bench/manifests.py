"""Time ``tcae-prep split`` and the opening of its index on made-up rows of VoxCeleb1 and 2's size.

    python bench/manifests.py                 7,363 identities, 1.28 million clips, 10 million faces
    python bench/manifests.py --scale 0.01   a quick look

The rows have every column of the real tables, in 4096 parts each. Making them is not timed. The split runs in a child
process, whose peak memory is reported; then the train index is opened and pairs are drawn.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
from click.testing import CliRunner
from numpy.typing import NDArray

from tcae.cli.split import command
from tcae.manifests.pairs import PairIndex
from tcae.manifests.rows import Clip, ClipKey, Face
from tcae.manifests.tables import schema_of, write_table
from tcae.manifests.workspace import NUM_SHARDS, Workspace, shard_of

IDENTITIES, VIDEOS, CLIPS, FACES = 7_363, 173_000, 1_280_000, 10_000_000
REJECTED = 0.03
DRAWS = 20_000


def make_rows(workspace: Workspace, scale: float) -> None:
    """Write ``clips`` and ``faces``: every identity has a video and a clip, the rest falls at random."""
    rng = np.random.default_rng(0)
    full = {"i": IDENTITIES, "v": VIDEOS, "c": CLIPS, "f": FACES}
    num = {name: max(2, round(scale * size)) for name, size in full.items()}
    identity_of_video = np.sort(np.append(np.arange(num["i"]), rng.integers(num["i"], size=num["v"] - num["i"])))
    video = np.sort(np.append(np.arange(num["v"]), rng.integers(num["v"], size=num["c"] - num["v"])))
    clip = np.arange(num["c"]) - np.searchsorted(video, video)
    faces = 1 + rng.multinomial(num["f"] - num["c"], rng.dirichlet(np.full(num["c"], 2.0)))
    identity = identity_of_video[video]
    shard = np.array([shard_of(ClipKey(_id(i), _video(v), n)) for i, v, n in zip(identity, video, clip, strict=True)])
    order = np.argsort(shard, kind="stable")
    columns = [array[order] for array in (identity, video, clip, faces)]
    cuts = np.searchsorted(shard[order], np.arange(NUM_SHARDS + 1))
    jobs = [
        (workspace, part, [column[a:b] for column in columns]) for part, (a, b) in enumerate(pairwise(cuts)) if b > a
    ]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_write_part, jobs, chunksize=32))


def _id(number: int) -> str:
    return f"id{10001 + number:05d}"


def _video(number: int) -> str:
    return f"v{number * 2_654_435_761 % 2**40:010x}"


def _write_part(job: tuple[Workspace, int, list[NDArray[np.int64]]]) -> None:
    workspace, shard, (identity, video, clip, faces) = job
    names = {
        "identity": np.array([_id(number) for number in identity]),
        "video": np.array([_video(number) for number in video]),
        "clip": clip,
    }
    size = len(clip)
    path = [f"dev/mp4/{i}/{v}/{n:05d}.mp4" for i, v, n in zip(*names.values(), strict=True)]
    official = np.where(identity % 60 == 0, "test", "dev")
    columns = names | {
        "name": [text.rpartition("/")[2] for text in path],
        "layout": ["voxceleb2"] * size,
        "source": ["/data/voxceleb2"] * size,
        "path": path,
        "media": ["video"] * size,
        "official_split": official,
        "num_bytes": np.full(size, 240_000),
        "modified_ns": np.full(size, 1_700_000_000_000_000_000),
    }
    write_table(_table(columns, Clip, size), workspace.part("clips", shard))
    write_table(_faces(names, faces, shard), workspace.part("faces", shard))


def _faces(names: dict[str, NDArray[Any]], faces: NDArray[np.int64], shard: int) -> pa.Table:
    """One part of ``faces``, 3 % of it rejections, with numbers that compress as badly as real ones."""
    rng = np.random.default_rng(shard)
    size = int(faces.sum())
    frame = np.arange(size) - np.repeat(np.cumsum(faces) - faces, faces)
    columns: dict[str, Any] = {name: np.repeat(values, faces) for name, values in names.items()}
    clip = columns["clip"]
    ids, videos = columns["identity"], columns["video"]
    columns |= {"frame": frame, "source_frame": 25 * frame, "pts_seconds": frame + rng.uniform(0, 0.04, size)}
    columns["file"] = [
        f"faces/{i}/{v}/{n}_folder/img_{n}_{k + 1:03d}.jpg" for i, v, n, k in zip(ids, videos, clip, frame, strict=True)
    ]
    for name in ("score", "face_width_px", "sharpness", "brightness", "yaw_degrees", "pitch_degrees", "roll_degrees"):
        columns[name] = rng.uniform(0, 100, size)
    for name, length in (("box", 4), ("landmarks", 10), ("alignment", 6)):
        offsets = np.arange(0, length * (size + 1), length, dtype=np.int32)
        columns[name] = pa.ListArray.from_arrays(offsets, rng.uniform(0, 224, length * size))
    columns |= {"template": ["tcae"] * size, "margin": np.zeros(size), "detector": ["mtcnn"] * size}
    columns |= {
        "crc32": rng.integers(2**32, size=size),
        "fingerprint": np.repeat([f"{n:016x}" for n in clip[:1]], size),
    }
    rejected = rng.random(size) < REJECTED
    columns["reason"] = pa.array(np.where(rejected, "no_face", ""), mask=~rejected)
    return _table(columns, Face, size)


def _table(columns: dict[str, Any], row_type: type, size: int) -> pa.Table:
    schema = schema_of(row_type)
    arrays = [
        pa.array(columns[name], schema.field(name).type) if name in columns else pa.nulls(size, schema.field(name).type)
        for name in schema.names
    ]
    return pa.table(arrays, schema=schema)


def _split(root: Path) -> tuple[float, str]:
    start = time.perf_counter()
    outcome = CliRunner().invoke(command, ["--root", str(root)], catch_exceptions=False)
    return time.perf_counter() - start, outcome.output


def _train(root: Path) -> tuple[float, str]:
    """Seconds to open the train index, and a line on what it holds and how fast it draws."""
    folder = Workspace(root).manifest("pairs") / "train"
    start = time.perf_counter()
    index = PairIndex.open(folder)
    opened = time.perf_counter() - start
    sizes = {name: getattr(index, f"num_{name}") for name in ("identities", "tracks", "faces", "pairs")}
    text = ", ".join(f"{size:,} {name}" for name, size in sizes.items())
    rng = np.random.default_rng(0)
    for over in ("tracks", "pairs"):
        index.draw(0, rng, over)
        start = time.perf_counter()
        for number in rng.integers(index.num_identities, size=DRAWS).tolist():
            index.draw(number, rng, over)
        text += f"; {DRAWS / (time.perf_counter() - start):,.0f} draws/s uniform over {over}"
    return opened, text


def _in_child(function: Callable[[Path], Any], root: Path) -> tuple[Any, float]:
    """The result, and the child's peak resident memory in gigabytes (10^9 bytes)."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_with_peak, function, root).result()


def _with_peak(function: Callable[[Path], Any], root: Path) -> tuple[Any, float]:
    result = function(root)
    unit = 1 if sys.platform == "darwin" else 1024
    return result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


@click.command()
@click.option("--scale", default=1.0, show_default=True, help="Fraction of the full size.")
@click.option(
    "--root", type=click.Path(path_type=Path), help="Make the rows here and keep them. [default: a temporary folder]"
)
def main(scale: float, root: Path | None) -> None:
    """Make rows, split them, open the index."""
    with tempfile.TemporaryDirectory() as temporary:
        workspace = Workspace(root or Path(temporary))
        if not workspace.manifest("faces").exists():
            start = time.perf_counter()
            make_rows(workspace, scale)
            print(f"made the rows in {time.perf_counter() - start:.1f} s")
        (seconds, output), gigabytes = _in_child(_split, workspace.root)
        print(output)
        (opened, text), train_gigabytes = _in_child(_train, workspace.root)
        print(f"train: {text}; {train_gigabytes:.2f} GB resident at most")
        print(f"seconds {seconds:.1f} gigabytes {gigabytes:.2f} open_seconds {opened:.2f}")


if __name__ == "__main__":
    main()
