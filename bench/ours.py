"""``tcae-prep run --fps 1`` of a tree, as the command makes it."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from byhand import MIN_FACE_PX

from tcae.manifests.rows import Clip, ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.listing import update_clips
from tcae.pipeline.sources import SourceConfig
from tcae.pipeline.stages.extract import ExtractConfig
from tcae.pipeline.stages.fused import FusedStage
from tcae.pipeline.video import VideoConfig


def make_stage(tree: Path, root: Path) -> tuple[FusedStage, list[Clip]]:
    """The stage on a new workspace, as far as listing the tree's clips."""
    workspace = Workspace(root)
    clips = update_clips(workspace, SourceConfig(sources=(tree,))).clips
    extract = ExtractConfig(video=VideoConfig(fps=Fraction(1)), suffix="")
    faces = FaceConfig(min_face_px=MIN_FACE_PX, device="cpu")
    return FusedStage(workspace=workspace, extract=extract, faces=faces), clips


def link_clips(paths: Iterable[Path], tree: Path, num_shards: int) -> None:
    """A VoxCeleb2 tree of links to clips under names whose hashes lie in the first shards.

    A shard of all VoxCeleb has some 312 clips; under names of their own, few clips would have a shard each.
    """
    for number, path in enumerate(paths):
        identity = f"id{number + 1:05d}"
        videos = (f"bench{count:06d}" for count in range(1_000_000))
        video = next(name for name in videos if shard_of(ClipKey(identity, name, 0)) < num_shards)
        link = tree / "mp4" / identity / video / "00001.mp4"
        link.parent.mkdir(parents=True)
        link.symlink_to(path.absolute())
