"""Faces from files against faces from packs: pairs that a trainer loads a second, files, bytes and seconds.

    python bench/packs.py                  20 of the 4,096 shards, 50,000 faces of 256 px, 21 kB each
    python bench/packs.py --shards 2       a quick look

A shard has 312 clips of 8 faces, as with VoxCeleb1 and 2. One process decodes, without workers, so that CPU time tells;
the ways take turns, and each round asks for other pairs. ``1 of 16 open`` keeps open as many of the tars as a limit of
1,024 open files leaves of 4,096. Faces were just written, so they are in memory, but for the line that says otherwise.
"""

import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import click
import cv2
from facefiles import made_face

from tcae.manifests import face_files
from tcae.manifests.face_files import FaceFiles, Read
from tcae.manifests.packs import TABLE, Packed, write_pack
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.model.data.faces import read_face
from tcae.pipeline import pictures

CLIPS_PER_SHARD, FACES_PER_CLIP = 312, 8
PICTURES = 400
"""Different pictures; the faces are these, again and again."""
OPEN = 16
"""Tars for each that stays open."""
SIDES = {
    "pairs for a network of 256 px": 256,
    "pairs for a network of 64 px": 128,
    "pairs read, not decoded": 0,
}
"""At which faces are decoded; 0 only reads them."""
COLD = 1000
"""Faces that are read from the disk."""


def pairs_a_second(read: Read, side: int, paths: Sequence[Path], num: int, seed: int) -> float:
    """Pairs a second of CPU time, decoded at a side, or only read where it is 0."""
    rng = random.Random(seed)
    faces = rng.choices(paths, k=2 * num)
    start = time.process_time()
    for path in faces:
        if side:
            read_face(path, side, read)
        else:
            read(path)
    return num / (time.process_time() - start)


def keys_of(num_shards: int) -> dict[int, list[ClipKey]]:
    """Clips that really belong in the first shards, of a few videos an identity."""
    shards: dict[int, list[ClipKey]] = {shard: [] for shard in range(num_shards)}
    keys = (ClipKey(f"id{n // 160:05d}", f"video{n // 8:06d}", n % 8) for n in range(10**9))
    while any(len(some) < CLIPS_PER_SHARD for some in shards.values()):
        for key in islice(keys, 10_000):
            some = shards.get(shard_of(key))
            if some is not None and len(some) < CLIPS_PER_SHARD:
                some.append(key)
    return {shard: sorted(some) for shard, some in shards.items()}


def faces_of(keys: Sequence[ClipKey], jpegs: Sequence[bytes]) -> Iterator[Packed]:
    """The faces of some clips in the order of a pack."""
    for number, key in enumerate(keys):
        for frame in range(FACES_PER_CLIP):
            yield Packed(key, frame, jpegs[(FACES_PER_CLIP * number + frame) % len(jpegs)])


def write_files(workspace: Workspace, shards: dict[int, list[ClipKey]], jpegs: Sequence[bytes]) -> list[Path]:
    """As `align` writes them."""
    paths = []
    for keys in shards.values():
        for key, frame, data in faces_of(keys, jpegs):
            paths.append(workspace.picture("faces", key, frame))
            pictures.write(paths[-1], data)
    return paths


def write_packs(workspace: Workspace, shards: dict[int, list[ClipKey]], jpegs: Sequence[bytes]) -> None:
    """As `align --pack` leaves them."""
    for shard, keys in shards.items():
        write_pack(workspace, shard, faces_of(keys, jpegs))


def usage(folders: Sequence[Path]) -> tuple[int, int]:
    """Inodes and bytes on the disk."""
    found = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return len(found), sum(512 * path.lstat().st_blocks for path in found)


def forget(folder: Path) -> None:
    """Take the bytes of a folder's files out of memory; the names of files stay there."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def from_disk(read: Read, folder: Path, paths: Sequence[Path], seed: int) -> float:
    """Faces a second by the clock, read from the disk."""
    forget(folder)
    some = random.Random(seed).sample(paths, min(COLD, len(paths)))
    start = time.perf_counter()
    for path in some:
        read(path)
    return len(some) / (time.perf_counter() - start)


def in_turn(ways: dict[str, Callable[[int], float]], rounds: int) -> dict[str, list[float]]:
    """Rates, each way once in every round, forwards and backwards by turns."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            rates[name].append(ways[name](turn))
    return rates


def tell(title: str, unit: str, rates: dict[str, list[float]]) -> float:
    """Print medians, and the median ratio to the first way in the same round; returns the worst of these."""
    first = next(iter(rates.values()))
    ratios = {
        name: statistics.median(one / other for one, other in zip(rate, first, strict=True))
        for name, rate in rates.items()
    }
    print(f"\n{title}")
    for name, rate in rates.items():
        print(f"  {name:20} {statistics.median(rate):10,.0f} {unit}   {ratios[name]:.2f}")
    return min(ratios.values())


def write_both(loose: Workspace, packed: Workspace, shards: int) -> list[Path]:
    """Write the same faces as files and packed, and tell what that takes."""
    keys, jpegs = keys_of(shards), [pictures.encode(made_face(number)) for number in range(PICTURES)]
    print(f"{shards * CLIPS_PER_SHARD * FACES_PER_CLIP:,} faces in {shards} shards")
    start = time.process_time()
    paths = write_files(loose, keys, jpegs)
    between = time.process_time()
    write_packs(packed, keys, jpegs)
    spent = (between - start, time.process_time() - between)
    folders = ([loose.root / "faces"], [packed.root / "faces", packed.manifest(TABLE)])
    for name, some, seconds in zip(("files", "packs"), folders, spent, strict=True):
        inodes, size = usage(some)
        print(f"  {name}: {inodes:,} inodes, {size / 1e9:.2f} GB on the disk, written in {seconds:.1f} s of CPU time")
    return paths


@click.command(help=__doc__)
@click.option("--shards", default=20, show_default=True)
@click.option("--rounds", default=61, show_default=True)
@click.option("--pairs", default=60, show_default=True, help="In each round.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to write. [default: the temporary folder]")
def main(shards: int, rounds: int, pairs: int, folder: Path | None) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} cores, {load}")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        loose, packed = Workspace(Path(name) / "files"), Workspace(Path(name) / "packs")
        paths = write_both(loose, packed, shards)
        same = [packed.root / path.relative_to(loose.root) for path in paths]
        with patch.object(face_files, "_most_open", lambda: max(1, shards // OPEN)):
            seldom = FaceFiles(packed)
        readers: dict[str, tuple[Read, Workspace, list[Path]]] = {
            "files": (Path.read_bytes, loose, paths),
            "packs": (FaceFiles(packed).read, packed, same),
            "packs, 1 of 16 open": (seldom.read, packed, same),
        }
        for read, _, some in readers.values():
            if any(read(one) != other.read_bytes() for one, other in zip(some[::97], paths[::97], strict=True)):
                raise SystemExit("packs and files differ")
        ratios = []
        for title, side in SIDES.items():
            ways = {name: partial(pairs_a_second, read, side, some, pairs) for name, (read, _, some) in readers.items()}
            ratios.append(tell(title, "pairs/s of CPU time", in_turn(ways, rounds)))
        cold = {name: partial(from_disk, read, where.root, some) for name, (read, where, some) in readers.items()}
        tell("read from the disk, not decoded", "faces/s by the clock", in_turn(cold, 5))
    print(f"\nratio {min(ratios):.2f}")


if __name__ == "__main__":
    main()
