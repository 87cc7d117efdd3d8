"""Write rendered clips as a VoxCeleb2 tree, and their labels beside it."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tcae.manifests.errors import ConfigError, StoppedError
from tcae.manifests.provenance import describe
from tcae.manifests.rows import ClipKey
from tcae.manifests.tables import write_table
from tcae.manifests.workspace import Workspace
from tcae.pipeline.pictures import Image, write
from tcae.pipeline.synthetic.actions import AU_NAMES, intensities
from tcae.pipeline.synthetic.appearance import paint
from tcae.pipeline.synthetic.encode import encode_mp4
from tcae.pipeline.synthetic.identity import draw_person
from tcae.pipeline.synthetic.motion import FPS, Motion, draw_motion
from tcae.pipeline.synthetic.pack import HeadPack, load_pack
from tcae.pipeline.synthetic.render import SIZE, Renderer, move
from tcae.pipeline.synthetic.scene import draw_colour, draw_scene

VERSION = 1
"""Raised by hand when the same settings give other clips or labels."""

CLIPS_OF_VIDEO = 2
"""Clips of an identity that share a video, and so clothes."""

_PERSON, _CLOTHES, _MOTION, _SCENE, _NOISE = range(5)


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """What to render."""

    identities: int = 24
    """People."""
    clips: int = 2
    """Clips of each."""
    seconds: float = 8.0
    """Length of a clip."""
    seed: int = 0
    """Other seeds give other people."""

    def __post_init__(self) -> None:
        """Refuse counts that give no frame and names that would not fit.

        Raises:
            ConfigError: a setting is out of range.
        """
        for name, value in (("identities", self.identities), ("clips", self.clips)):
            if not 1 <= value <= 9999:
                raise ConfigError(f"{name} is {value}; it must be from 1 to 9999")
        if not 1 / FPS <= self.seconds <= 600:
            raise ConfigError(f"seconds is {self.seconds}; it must be from {1 / FPS} (one frame) to 600")
        if not 0 <= self.seed <= 999:
            raise ConfigError(f"seed is {self.seed}; it must be from 0 to 999")

    @property
    def num_frames(self) -> int:
        """Frames of a clip."""
        return round(self.seconds * FPS)


@dataclass(frozen=True, kw_only=True)
class DemoClip:
    """One clip to render: which person, and which of that person's clips, both from 0."""

    person: int
    number: int
    config: DemoConfig

    @property
    def key(self) -> ClipKey:
        """The clip's name; its N is its place in the sorted listing of its video."""
        video = self.person * -(-self.config.clips // CLIPS_OF_VIDEO) + self.number // CLIPS_OF_VIDEO
        name = f"demo{self.config.seed:03d}{video:04d}"
        return ClipKey(f"id{90000 + self.person:05d}", name, self.number % CLIPS_OF_VIDEO)

    @property
    def file(self) -> str:
        """The mp4, relative to the workspace."""
        return f"videos/mp4/{self.key.identity}/{self.key.video}/{self.key.clip + 1:05d}.mp4"

    def generator(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose; the person's and the clothes' are shared by clips."""
        place = {_PERSON: 0, _CLOTHES: self.number // CLIPS_OF_VIDEO}.get(purpose, self.number)
        return np.random.default_rng([self.config.seed, self.person, place, purpose])


def list_clips(config: DemoConfig) -> list[DemoClip]:
    """Every clip, sorted by key."""
    people, numbers = range(config.identities), range(config.clips)
    return [DemoClip(person=person, number=number, config=config) for person in people for number in numbers]


def clip_motion(clip: DemoClip, pack: HeadPack) -> Motion:
    """What the clip does; the labels are read off this."""
    return draw_motion(clip.generator(_MOTION), clip.config.num_frames, pack.action_names)


def render_clip(clip: DemoClip, pack: HeadPack) -> Iterator[Image]:
    """The clip's frames, (224, 224, 3) uint8 RGB each."""
    renderer = Renderer(pack)
    person = draw_person(clip.generator(_PERSON), pack)
    atlas = paint(pack, person, draw_colour(clip.generator(_CLOTHES)))
    scene = draw_scene(clip.generator(_SCENE), atlas, person)
    shape = renderer.with_hair(person.shape, person.hairline, person.hair_volume)
    motion, noise = clip_motion(clip, pack), clip.generator(_NOISE)
    for weights, angles, shift in zip(motion.weights, motion.angles, motion.shift, strict=True):
        yield renderer.draw(move(pack, shape, weights, angles), scene, shift, noise)


def label_clips(config: DemoConfig, pack: HeadPack) -> pa.Table:
    """The labels of every source frame, sorted by clip and frame."""
    return pa.concat_tables(_label_clip(clip, pack) for clip in list_clips(config))


def _label_clip(clip: DemoClip, pack: HeadPack) -> pa.Table:
    motion = clip_motion(clip, pack)
    frames = np.arange(len(motion.weights))
    aus = intensities(motion.weights, pack.action_names)
    columns: dict[str, Any] = {name: [value] * len(frames) for name, value in clip.key._asdict().items()}
    columns |= {"source_frame": frames, "pts_seconds": frames / FPS}
    columns |= {name: aus[:, index].astype(float) for index, name in enumerate(AU_NAMES)}
    columns |= {f"arkit_{name}": motion.weights[:, index].astype(float) for index, name in enumerate(pack.action_names)}
    angles = zip(("yaw_degrees", "pitch_degrees", "roll_degrees"), motion.angles.T.astype(float), strict=True)
    columns |= dict(angles)
    return pa.table(columns | {"mixture": pa.array(motion.mixtures, pa.string())})


def make_tree(
    workspace: Workspace,
    config: DemoConfig,
    pack_path: Path,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Render what is missing of the tree and write the labels.

    Args:
        workspace: Gets ``videos/mp4`` and ``labels/synthetic.parquet``.
        config: What to render.
        pack_path: The head pack's file.
        workers: Processes; 0 renders in this one; at most one for each clip.
        progress: Told how many clips are done and how many there are to do.

    Returns:
        The number of clips that were rendered now.

    Raises:
        ConfigError: the workspace holds other videos, or a demo of other settings.
        StoppedError: the user stopped it; finished clips are kept.
    """
    pack = load_pack(pack_path)
    _claim(workspace, config, pack)
    missing = [clip for clip in list_clips(config) if not (workspace.root / clip.file).is_file()]
    workers = min(os.cpu_count() or 1 if workers is None else workers, len(missing))
    done = (
        _in_process(workspace, missing, pack_path) if workers < 1 else _in_pool(workspace, missing, pack_path, workers)
    )
    try:
        for count, _ in enumerate(done, 1):
            progress(count, len(missing))
    except KeyboardInterrupt as error:
        raise StoppedError("stopped; the finished clips are kept: the same command renders the others") from error
    provenance = describe("demo", {**asdict(config), "version": VERSION, "pack": pack.digest})
    write_table(label_clips(config, pack), workspace.root / "labels" / "synthetic.parquet", provenance)
    return len(missing)


def _claim(workspace: Workspace, config: DemoConfig, pack: HeadPack) -> None:
    """Note the settings beside the labels, or see that they are those of the tree that is there."""
    note = workspace.root / "labels" / "synthetic.json"
    settings = json.dumps({**asdict(config), "version": VERSION, "pack": pack.digest}, sort_keys=True)
    if note.is_file():
        found = note.read_text()
        if found != settings:
            raise ConfigError(
                f"{workspace.root} holds a demo of other settings ({found}; now {settings}); use them again, "
                "or name another workspace with --root"
            )
        return
    if workspace.videos.is_symlink() or (workspace.videos.is_dir() and any(workspace.videos.iterdir())):
        raise ConfigError(f"{workspace.videos} holds videos that are no demo; name another workspace with --root")
    note.parent.mkdir(parents=True, exist_ok=True)
    write(note, settings.encode())


def write_clip(root: Path, clip: DemoClip, pack_path: Path) -> None:
    """Render one clip and write its file beside its name and rename it."""
    path = root / clip.file
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, encode_mp4(render_clip(clip, _pack(pack_path)), (SIZE, SIZE), FPS))


@lru_cache(maxsize=1)
def _pack(path: Path) -> HeadPack:
    return load_pack(path)


def _in_process(workspace: Workspace, clips: list[DemoClip], pack_path: Path) -> Iterator[None]:
    for clip in clips:
        write_clip(workspace.root, clip, pack_path)
        yield


def _in_pool(workspace: Workspace, clips: list[DemoClip], pack_path: Path, workers: int) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker)
    try:
        futures = [pool.submit(write_clip, workspace.root, clip, pack_path) for clip in clips]
        for future in as_completed(futures):
            future.result()
            yield
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Ctrl-C is the parent's business; one thread each, because there is a worker for every core."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
