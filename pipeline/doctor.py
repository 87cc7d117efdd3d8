"""What this machine has for the pipeline: decoders, weights, devices, room; and what to do about what is missing."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from tcae.manifests.errors import MissingToolError
from tcae.manifests.workspace import Workspace
from tcae.pipeline.detect import describe_device, hash_weights
from tcae.pipeline.landmarks import weight_path
from tcae.pipeline.readers.codecs import decodable, pyav_version
from tcae.pipeline.readers.program import ffmpeg_program, ffmpeg_version
from tcae.pipeline.runner import RunnerConfig, crew_for, num_cores
from tcae.pipeline.synthetic.pack import cached_pack_path
from tcae.pipeline.video import VideoConfig

PACKAGES = ("torch", "opencv-python", "facenet-pytorch", "face-alignment", "pyarrow", "dask")
"""Those whose version can change a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: str
    """``ok``, ``absent`` (something optional is not there) or ``missing`` (the pipeline cannot run)."""
    detail: str


def examine(workspace: Workspace, weights: str | None = None) -> list[Finding]:
    """Look at everything that the pipeline uses here.

    Args:
        workspace: Where files would be written.
        weights: The folder that ``align --weights`` would name.
    """
    return [
        Finding(name="versions", state="ok", detail=", ".join(f"{name} {version(name)}" for name in PACKAGES)),
        _tool("frame reader", lambda: f"{VideoConfig().reader} by default; {pyav_version()}: {', '.join(decodable())}"),
        _tool("ffmpeg", _describe_ffmpeg),
        _tool("MTCNN weights", lambda: f"in facenet-pytorch, SHA-256 {hash_weights()}..."),
        _optional("FAN weights", weight_path(weights), "align --landmarks fan needs this file"),
        _tool("device", lambda: f"auto means {describe_device()}"),
        Finding(name="workers", state="ok", detail=_describe_workers()),
        Finding(name="workspace", state="ok", detail=_describe_room(workspace.root)),
        _optional("head pack", cached_pack_path(), "`demo` makes it once, with the extra tcae[demo]"),
    ]


def _tool(name: str, describe: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, state="ok", detail=describe())
    except MissingToolError as error:
        return Finding(name=name, state="missing", detail=str(error))


def _optional(name: str, path: Path, otherwise: str) -> Finding:
    if path.is_file():
        return Finding(name=name, state="ok", detail=str(path))
    return Finding(name=name, state="absent", detail=f"{path} is not there; {otherwise}")


def _describe_ffmpeg() -> str:
    program = ffmpeg_program()
    return f"{program}, version {'.'.join(map(str, ffmpeg_version(program)))}"


def _describe_workers() -> str:
    crew = crew_for(RunnerConfig(workers=num_cores()), num_items=10**9)
    gigabytes = psutil.virtual_memory().available / 1e9
    return f"{num_cores()} cores, {gigabytes:.1f} GB of free memory: {crew}"


def _describe_room(root: Path) -> str:
    there = next(path for path in (root, *root.parents) if path.exists())
    return f"{root}, {shutil.disk_usage(there).free / 1e9:,.1f} GB free"
