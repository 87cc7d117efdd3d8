"""Options of the commands that run a stage; each group reaches its command as one config object."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeAlias

import click

from tcae.manifests.places import Place, place
from tcae.manifests.workspace import Workspace
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.listing import sources_of
from tcae.pipeline.runner import RunnerConfig, num_cores
from tcae.pipeline.shares import parse_share
from tcae.pipeline.sources import LAYOUTS, TRACKS, SourceConfig
from tcae.pipeline.stages.base import Selection
from tcae.pipeline.stages.shards import ANY_REASON
from tcae.pipeline.templates import template_names
from tcae.pipeline.video import READERS, VideoConfig, parse_fps

Command: TypeAlias = Callable[..., None]

FACES = FaceConfig()
VIDEO = VideoConfig()


class Source(NamedTuple):
    """What the user said of the source; which trees that means depends on the workspace."""

    named: tuple[Place, ...]
    layout: str
    tracks: str

    def config(self, workspace: Workspace) -> SourceConfig:
        """The trees that were named, else the workspace's own."""
        return SourceConfig(sources=sources_of(workspace, self.named), layout=self.layout, tracks=self.tracks)


def source(command: Command) -> Command:
    """``--source --layout --tracks`` as ``source``, which makes a ``SourceConfig`` for a workspace's trees."""

    @click.option(
        "--source",
        "sources",
        multiple=True,
        type=place,
        metavar="PATH",
        help="A source tree, or its URL in an object store; may be given several times. [default: videos/ in the "
        "workspace]",
    )
    @click.option(
        "--layout",
        type=click.Choice(LAYOUTS),
        default="auto",
        show_default=True,
        help="What the tree looks like; auto looks and says what it took it for.",
    )
    @click.option(
        "--tracks",
        type=click.Choice(TRACKS),
        default="auto",
        show_default=True,
        help="VoxCeleb's txt track files; auto passes over those of VoxCeleb2's crops, which they do not fit.",
    )
    @wraps(command)
    def with_source(*args: Any, sources: tuple[Place, ...], layout: str, tracks: str, **rest: Any) -> None:
        command(*args, source=Source(sources, layout, tracks), **rest)

    return with_source


def video(command: Command) -> Command:
    """``--fps --seconds --reader --timeout`` as ``video``, a ``VideoConfig``."""

    @click.option("--fps", default="1", show_default=True, help="Frames kept per second; `native` keeps all.")
    @click.option("--seconds", type=float, help="Only so many seconds of each clip, the first. [default: all]")
    @click.option("--reader", type=click.Choice(READERS), default=VIDEO.reader, show_default=True)
    @click.option("--timeout", default=VIDEO.timeout_seconds, show_default=True, help="Seconds for one clip.")
    @wraps(command)
    def with_video(*args: Any, fps: str, seconds: float | None, reader: str, timeout: float, **rest: Any) -> None:
        video = VideoConfig(fps=parse_fps(fps), max_seconds=seconds, reader=reader, timeout_seconds=timeout)
        command(*args, video=video, **rest)

    return with_video


def faces(command: Command) -> Command:
    """``--device --detector --landmarks --template ...`` as ``faces``, a ``FaceConfig``."""

    @click.option(
        "--device",
        default=FACES.device,
        show_default=True,
        help="auto, cpu, cuda or cuda:N. With --scheduler auto is cpu, and cuda the workers that offer a GPU.",
    )
    @click.option(
        "--detector",
        type=click.Choice(["mtcnn", "whole"]),
        default=FACES.detector,
        show_default=True,
        help="whole: each frame is a face crop already, and is only resized.",
    )
    @click.option(
        "--landmarks",
        type=click.Choice(["mtcnn", "fan"]),
        default=FACES.landmarks,
        show_default=True,
        help="5 points of the detector, or 68 of face-alignment.",
    )
    @click.option("--weights", type=click.Path(), help="Folder with face-alignment's weights. [default: its own cache]")
    @click.option("--template", type=click.Choice(template_names), default=FACES.template, show_default=True)
    @click.option("--margin", default=FACES.margin, show_default=True, help="Extra room, a fraction of the crop.")
    @click.option("--min-face", default=FACES.min_face_px, show_default=True, help="Least box width in frame pixels.")
    @click.option("--min-sharpness", default=FACES.min_sharpness, show_default=True, help="Below it: blurred.")
    @click.option("--min-track", default=FACES.min_track, show_default=True, help="Fewer faces: short_track.")
    @wraps(command)
    def with_faces(*args: Any, min_face: float, **rest: Any) -> None:
        names = ("device", "detector", "landmarks", "weights", "template", "margin", "min_sharpness", "min_track")
        given = {name: rest.pop(name) for name in names}
        command(*args, faces=FaceConfig(min_face_px=min_face, **given), **rest)

    return with_faces


pack = click.option(
    "--pack",
    is_flag=True,
    help="Put the faces of each shard into one tar, faces/<shard>.tar; a shard that is packed stays so in any case.",
)


def selection(command: Command) -> Command:
    """``--ids --limit`` as ``selection``, and ``--retry-failed`` as ``retry``."""

    @click.option("--ids", help="Only these identities, separated by commas.")
    @click.option("--limit", type=int, help="Only so many clips, the first by identity, video and number.")
    @click.option(
        "--retry-failed",
        "retry",
        is_flag=False,
        flag_value=ANY_REASON,
        metavar="[REASON]",
        help="Take rejected clips again: all, or those with this reason.",
    )
    @wraps(command)
    def with_selection(*args: Any, ids: str | None, limit: int | None, **rest: Any) -> None:
        chosen = frozenset(name.strip() for name in ids.split(",")) if ids is not None else None
        command(*args, selection=Selection(ids=chosen, limit=limit), **rest)

    return with_selection


def running(command: Command) -> Command:
    """``--workers --scheduler --shard`` as ``running``, a ``RunnerConfig``."""

    @click.option("--workers", type=int, default=num_cores, show_default="cores", help="0 works in this process.")
    @click.option("--scheduler", metavar="ADDRESS", help="A running Dask scheduler, e.g. tcp://host:8786.")
    @click.option(
        "--shard",
        "share",
        default="1/1",
        metavar="I/N",
        help="Only the I-th of N shares of the clips, in an array of N jobs without a scheduler; such jobs take the "
        "sources as they were first listed.",
    )
    @wraps(command)
    def with_running(*args: Any, workers: int, scheduler: str | None, share: str, **rest: Any) -> None:
        running = RunnerConfig(workers=workers, scheduler=scheduler, share=parse_share(share))
        command(*args, running=running, **rest)

    return with_running
