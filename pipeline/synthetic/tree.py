"""Write rendered clips as a VoxCeleb2 tree, and their labels beside it."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import cv2

from tcae.manifests.errors import ConfigError, StoppedError
from tcae.manifests.interrupts import signals_held_back
from tcae.manifests.provenance import describe
from tcae.manifests.tables import write_table
from tcae.manifests.workspace import Workspace
from tcae.pipeline.encode import encode_mp4
from tcae.pipeline.pictures import write
from tcae.pipeline.synthetic.clips import VERSION, DemoClip, DemoConfig, list_clips, render_clip
from tcae.pipeline.synthetic.labels import label_clips
from tcae.pipeline.synthetic.motion import FPS
from tcae.pipeline.synthetic.pack import HeadPack, load_pack
from tcae.pipeline.synthetic.render import SIZE


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
        ConfigError: the workspace holds other videos, a demo of other settings, or cannot be written.
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
        with closing(done):  # an interrupt may come in here too, and the pool is to hear of it at once
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
    _save(note, settings.encode())


def write_clip(root: Path, clip: DemoClip, pack_path: Path) -> None:
    """Render one clip and write its file beside its name and rename it."""
    _save(root / clip.file, encode_mp4(render_clip(clip, _pack(pack_path)), (SIZE, SIZE), FPS))


def _save(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; make room, or name another --root") from error


@lru_cache(maxsize=1)
def _pack(path: Path) -> HeadPack:
    return load_pack(path)


def _in_process(workspace: Workspace, clips: list[DemoClip], pack_path: Path) -> Generator[None]:
    for clip in clips:
        write_clip(workspace.root, clip, pack_path)
        yield


def _in_pool(workspace: Workspace, clips: list[DemoClip], pack_path: Path, workers: int) -> Generator[None]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker)
    try:
        with signals_held_back(signal.SIGINT):
            futures = [pool.submit(write_clip, workspace.root, clip, pack_path) for clip in clips]
        for future in as_completed(futures):
            future.result()
            yield
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """One thread each, because there is a worker for every core."""
    cv2.setNumThreads(1)
