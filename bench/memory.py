"""Memory of one worker over 1,000 clips: what ``run`` holds after every hundredth, and the most that it ever held.

    OMP_NUM_THREADS=1 python bench/memory.py [--clips FOLDER] [--num 1000] [--root FOLDER]

The clips are links to those of ``bench/prepare.py`` (240 kB, 8 s, 224x224) in shards of 250; a worker's own work, shard
by shard, in this process: read, detect, align, write files and tables. Resident memory comes from the system. The last
line is the slope of the line through the samples after the first shard, which still fills the allocator's pools.
"""

import argparse
import itertools
import resource
import tempfile
from pathlib import Path

import cv2
import numpy as np
import psutil
import torch
from clips import NUM_CLIPS, SIZES, make_clips
from ours import link_clips, make_stage

from tcae.manifests.workspace import shard_of
from tcae.pipeline.stages.shards import run_shard

EVERY, CLIPS_PER_SHARD = 100, 250
MEGABYTE = 1e6


class Samples:
    """Resident memory of this process, looked at between clips."""

    def __init__(self) -> None:
        self.num_clips = 0
        self.megabytes: dict[int, float] = {}

    def look(self) -> bool:
        """Called before each clip in place of "is the run stopped?": never."""
        if self.num_clips % EVERY == 0:
            self.note()
        self.num_clips += 1
        return False

    def note(self) -> None:
        """Take and print a sample."""
        self.megabytes[self.num_clips] = psutil.Process().memory_info().rss / MEGABYTE
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
        print(f"{self.num_clips:5} clips {self.megabytes[self.num_clips]:7.1f} MB, at most {peak:.1f}", flush=True)

    def growth(self) -> float:
        """Megabytes per 1,000 clips."""
        nums, sizes = np.array([(num, size) for num, size in self.megabytes.items() if num > CLIPS_PER_SHARD]).T
        return float(np.polyfit(nums / 1000, sizes, 1)[0])


def run(tree: Path, folder: Path, num: int) -> Samples:
    """Work through ``num`` clips."""
    paths = sorted(tree.glob("mp4/*/*/*.mp4"))
    source = folder / "source"
    link_clips(itertools.islice(itertools.cycle(paths), num), source, num_shards=-(-num // CLIPS_PER_SHARD))
    stage, clips = make_stage(source, folder / "workspace")
    samples = Samples()
    for shard in sorted({shard_of(clip.key) for clip in clips}):
        run_shard(stage, shard, None, samples.look)
    samples.note()
    return samples


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, help="Where the clips are kept. [default: a temporary folder]")
    parser.add_argument("--num", type=int, default=1000)
    parser.add_argument("--root", type=Path, help="Where to make the workspace. [default: the temporary folder]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=options.root) as name:
        tree = make_clips(options.clips or Path(name), NUM_CLIPS, SIZES[:1])[SIZES[0]]
        samples = run(tree, Path(name), options.num)
    print(f"growth {samples.growth():.1f} MB per 1000 clips")


if __name__ == "__main__":
    main()
