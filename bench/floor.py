"""The floor of ``run``: what no arrangement can leave out, each part timed alone, in turn with the whole command.

    OMP_NUM_THREADS=1 python bench/floor.py [--clips FOLDER] [--rounds 7]

CPU time on the 240 kB clips of ``bench/prepare.py``, one process, one thread. The whole is the command's own: list,
plan, run; once with each clip in a shard of its own, as the hash has it, and once with all of them in one, which is
nearer to VoxCeleb's 312 a shard. The floor:

decoding
    Every clip by PyAV, one thread, ``skip_frame=NONREF`` throughout; nothing is converted to RGB, and a kept picture
    that no other refers to is not even decoded.
passes
    The three networks on the windows that ``MTCNN.detect`` gave them in the frames that our reader keeps, recorded
    once. Timed in three arrangements, of which the floor takes the quickest: facenet-pytorch's modules on the windows
    of a frame at a time; on those of a clip at once; our networks, all scales of a frame on one canvas.
encoding
    OpenCV's JPEG of the clip's faces, quality 95.

The last line is the whole over the floor, the median over rounds, the greater of the two.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import av
import cv2
import numpy as np
import torch
from byhand import MIN_FACE_PX, Spent
from clips import NUM_CLIPS, SIZES, make_clips
from facenet_pytorch import MTCNN
from ours import link_clips, make_stage

from tcae.manifests.rows import Clip
from tcae.manifests.workspace import Workspace
from tcae.pipeline.detect import DetectConfig, load_detector
from tcae.pipeline.mtcnn import networks
from tcae.pipeline.pictures import JPEG_QUALITY, Image
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.video import VideoConfig, open_video

Pass: TypeAlias = Callable[[], object]

WHOLES = ("a shard for each clip", "all clips in one shard")
ARRANGEMENTS = ("facenet-pytorch, frame by frame", "facenet-pytorch, a clip at once", "ours")


@dataclass(frozen=True, kw_only=True)
class ClipWork:
    """What is to be timed of one clip."""

    path: Path
    passes: dict[str, list[Pass]]
    """By arrangement."""
    faces: list[Image]
    """BGR, as OpenCV encodes them."""


@dataclass(kw_only=True)
class Floor:
    """CPU time of each part, an entry a clip and round."""

    decoding: Spent = field(default_factory=Spent)
    passes: dict[str, Spent] = field(default_factory=lambda: {name: Spent() for name in ARRANGEMENTS})
    encoding: Spent = field(default_factory=Spent)

    def time(self, work: ClipWork) -> None:
        """Time every part of a clip once."""
        with self.decoding.one():
            decode_references(work.path)
        for name, passes in work.passes.items():
            with self.passes[name].one():
                for call in passes:
                    call()
        with self.encoding.one():
            for face in work.faces:
                cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])

    def parts(self, arrangement: str | None = None) -> dict[str, list[float]]:
        """CPU seconds of each part; the passes in the arrangement named, else in the quickest."""
        name = arrangement or min(ARRANGEMENTS, key=lambda name: sum(self.passes[name].cpu))
        return {"decoding": self.decoding.cpu, "passes": self.passes[name].cpu, "encoding": self.encoding.cpu}

    def rounds(self, arrangement: str | None = None) -> list[float]:
        """CPU seconds a clip of all parts together, by round."""
        clips = [sum(parts) for parts in zip(*self.parts(arrangement).values(), strict=True)]
        return [statistics.mean(clips[start : start + NUM_CLIPS]) for start in range(0, len(clips), NUM_CLIPS)]


@dataclass(kw_only=True)
class Comparison:
    """The floor and the whole command."""

    floor: Floor = field(default_factory=Floor)
    wholes: dict[str, Spent] = field(default_factory=lambda: {name: Spent() for name in WHOLES})

    def ratio(self, whole: str, arrangement: str | None = None) -> float:
        """The whole over the floor, the median over rounds."""
        floors = self.floor.rounds(arrangement)
        seconds = [cpu / NUM_CLIPS for cpu in self.wholes[whole].cpu]
        return statistics.median(ours / least for ours, least in zip(seconds, floors, strict=True))


def measure_floor(tree: Path, rounds: int) -> Comparison:
    """Run the whole command and each part of its floor in turn, a round without count first."""
    result, works = Comparison(), []
    with tempfile.TemporaryDirectory() as name:
        trees = (tree, Path(name) / "links")
        link_clips(sorted(tree.glob("mp4/*/*/*.mp4")), trees[1], num_shards=1)
        for number in range(-1, rounds):
            spent = result if number >= 0 else Comparison()
            for whole, source in zip(WHOLES, trees, strict=True):
                root = Path(name) / f"{number}-{source.name}"
                with spent.wholes[whole].one():
                    stage, clips = make_stage(source, root)
                    run_job(stage, RunnerConfig(workers=0))
            works = works or [list_work(clip, root) for clip in clips]
            for work in works:
                spent.floor.time(work)
    return result


def tell_floor(result: Comparison) -> None:
    """Print the parts and the ratios."""
    parts = {name: statistics.mean(values) for name, values in result.floor.parts().items()}
    told = " + ".join(f"{name} {1e3 * seconds:.1f}" for name, seconds in parts.items())
    print(f"floor {1e3 * sum(parts.values()):.1f} ms of CPU a clip = {told}")
    ways = {name: 1e3 * statistics.mean(spent.cpu) for name, spent in result.floor.passes.items()}
    print("  passes " + ", ".join(f"{name} {took:.1f}" for name, took in ways.items()))
    for whole, spent in result.wholes.items():
        print(
            f"  the whole command, {whole}: {1e3 * statistics.median(spent.cpu) / NUM_CLIPS:.1f} ms, "
            f"{result.ratio(whole):.2f} times that; with facenet-pytorch's passes of a clip at once in the floor "
            f"{result.ratio(whole, ARRANGEMENTS[1]):.2f} times"
        )


def decode_references(path: Path) -> int:
    """Decode a clip's reference pictures and nothing else; returns how many pictures came."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.skip_frame = "NONREF"
        return sum(1 for _ in container.decode(stream))


def list_work(clip: Clip, root: Path) -> ClipWork:
    """Record one clip's windows; ``root`` is a workspace in which our run wrote its faces."""
    path = Path(clip.source) / clip.path
    with open_video(path, VideoConfig(fps=Fraction(1))) as video:
        frames = [frame.image for frame in video]
    mtcnn = MTCNN(keep_all=True, min_face_size=MIN_FACE_PX, device=torch.device("cpu"))
    modules = [mtcnn.pnet, mtcnn.rnet, mtcnn.onet]
    with recorded(modules, "forward") as by_frame:
        for frame in frames:
            mtcnn.detect(frame, landmarks=True)
    with recorded(modules, "forward") as by_clip:
        mtcnn.detect(np.stack(frames), landmarks=True)
    passes = dict(zip(ARRANGEMENTS, (by_frame, by_clip, record_ours(frames)), strict=True))
    faces = sorted(Workspace(root).clip_folder("faces", clip.key).glob("*.jpg"))
    return ClipWork(path=path, passes=passes, faces=[cv2.imread(str(face)) for face in faces])


def record_ours(frames: list[Image]) -> list[Pass]:
    """The passes of our own networks on the same frames."""
    detector = load_detector(DetectConfig(min_face_px=MIN_FACE_PX, device="cpu"))
    with recorded([networks.CellNetwork, networks.PatchNetwork], "__call__") as passes:
        detector(frames)
    return passes


@contextmanager
def recorded(owners: Sequence[Any], name: str) -> Iterator[list[Pass]]:
    """Every call of a method of these modules or classes, to be made again."""
    passes: list[Pass] = []

    def spy(original: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            def again() -> Any:
                with torch.inference_mode():
                    return original(*args)

            passes.append(again)
            return original(*args)

        return called

    with ExitStack() as stack:
        for owner in owners:
            stack.enter_context(patch.object(owner, name, spy(getattr(owner, name))))
        yield passes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, help="Where the clips are kept. [default: a temporary folder]")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        tree = make_clips(options.clips or Path(name), NUM_CLIPS, SIZES[:1])[SIZES[0]]
        result = measure_floor(tree, options.rounds)
    tell_floor(result)
    print(f"whole / floor {max(result.ratio(whole) for whole in WHOLES):.2f}")


if __name__ == "__main__":
    main()
