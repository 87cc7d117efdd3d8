"""Stages and decoders that end the process that runs them, and ways to run them all the same."""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count, islice
from pathlib import Path

from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.alarms import Alarm
from tcae.pipeline.readers import pyav
from tcae.pipeline.stages.base import Item, Rows, Stage
from tcae.pipeline.stages.extract import ExtractConfig, ExtractStage
from tcae.pipeline.stages.shards import run_shard
from tcae.pipeline.video import OpenVideo, VideoConfig
from tests.fault_builders import PATIENCE_SECONDS, ROOT
from tests.toys import ToyStage, toy_clip, write_clips

PAUSE_SECONDS = 0.05
BUG = 70
"""How a process ends at an error that nobody expects."""
LIMIT_SECONDS = 0.01
"""Of a hang; the alarm's own slack comes on top."""


def crash() -> None:
    """Read what is at address 0."""
    ctypes.string_at(0)


def hang() -> None:
    """Sleep in C and keep Python's lock, as a decoder does that loops for ever."""
    ctypes.PyDLL(None).sleep(1000)


def hang_while_reading() -> None:
    """The same where a clip is read."""
    with Alarm(LIMIT_SECONDS).armed():
        hang()


def grow() -> None:
    """Take a gigabyte, and more, bit by bit."""
    taken = []
    for _ in range(400):
        taken.append(b"x" * (8 << 20))
        time.sleep(0.01)
    sys.exit(f"nobody stopped it at {len(taken)}")


def swell() -> None:
    """Take a gigabyte for a moment, which a machine has and a worker has not."""
    taken = [b"x" * (8 << 20) for _ in range(125)]
    time.sleep(1.0)
    taken.clear()


def demand() -> None:
    """Ask for more than there is on earth."""
    bytearray(1 << 60)


def kill() -> None:
    """What the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    """A library that calls exit."""
    os._exit(3)


FATES: Mapping[str, Callable[[], None]] = {
    run.__name__: run for run in (crash, hang, hang_while_reading, grow, swell, demand, kill, leave)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlyStage(ToyStage):
    """Meets a fate at some clips: always, or only the first time."""

    fates: Mapping[int, str] = field(default_factory=dict)
    is_once: bool = False

    def make(self, item: Item) -> Rows:
        fate = self.fates.get(item.key.clip)
        mark = self.workspace.root / f"met-{item.key.clip}"
        if fate and not (self.is_once and mark.exists()):
            with mark.open("a") as log:
                log.write("met\n")
            FATES[fate]()
        return ToyStage.make(self, item)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestlessStage(ToyStage):
    """Ends its process when the files of a shard are to come to rest."""

    def settle(self, shard: int, found: dict[ClipKey, Rows]) -> None:
        kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrickedStage(ExtractStage):
    """Extracts with a decoder that crashes at ``crash.mp4`` and hangs at ``hang.mp4``."""

    def make(self, item: Item) -> Rows:
        trick_decoder()
        return ExtractStage.make(self, item)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowStage(ExtractStage):
    """Extracts with a pause before each clip, so that kills hit the middle of the work."""

    def make(self, item: Item) -> Rows:
        time.sleep(PAUSE_SECONDS)
        return ExtractStage.make(self, item)


def slow_stage(workspace: Workspace, which: int) -> SlowStage:
    """The stage with the settings that are wanted in the end, 0, or with others, 1."""
    fps = None if which == 0 else Fraction(5)
    return SlowStage(workspace=workspace, config=ExtractConfig(video=VideoConfig(fps=fps), suffix=".png"))


def trick_decoder() -> None:
    """Make the in-process reader of this process meet the fate that a file is named for."""
    pyav.open_pyav = open_tricked  # type: ignore[assignment]


ORIGINAL = pyav.open_pyav


@contextmanager
def open_tricked(
    path: Path, config: VideoConfig, start_seconds: float | None, end_seconds: float | None
) -> Iterator[OpenVideo]:
    with ORIGINAL(path, config, start_seconds, end_seconds) as video:
        fate = FATES.get(path.stem)
        if fate:
            next(iter(video))
            fate()
        yield video


def one_shard(workspace: Workspace, num_clips: int) -> tuple[int, list[int]]:
    """Toy clips that lie in one shard: the shard and their numbers, which are even."""
    shard = shard_of(ClipKey("id", "v", 0))
    numbers = list(islice((n for n in count(0, 2) if shard_of(ClipKey("id", "v", n)) == shard), num_clips))
    write_clips(workspace, [toy_clip(number) for number in numbers])
    return shard, numbers


def run_until_done(stage: Stage, *shards: int) -> list[int]:
    """Run shards in a process, and again in another when that one dies; gives how each ended."""
    program = "from tests.faults.deadly import fork_until_done; fork_until_done()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        input=pickle.dumps((stage, shards)),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr.decode()
    return [int(status) for status in done.stdout.split()]


def fork_until_done() -> None:
    """The other side of ``run_until_done``; forks, so that no time goes into imports."""
    stage, shards = pickle.load(sys.stdin.buffer)
    status = -1
    while status:
        pid = os.fork()
        if pid == 0:
            run_all(stage, shards)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(status, flush=True)  # noqa: T201 (the parent reads it)
        if status == BUG:
            sys.exit("a bug")


def run_all(stage: Stage, shards: tuple[int, ...]) -> None:
    """Run shards and leave this process."""
    status = BUG
    try:
        for shard in shards:
            run_shard(stage, shard, None, lambda: False)
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)
