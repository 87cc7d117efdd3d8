"""Which ffmpeg program is run."""

import re
import shutil
import subprocess
from functools import lru_cache

from tcae.manifests.errors import MissingToolError

OLDEST_FFMPEG = (5, 1)
"""The first version that knows ``-fps_mode``."""


def ffmpeg_program() -> str:
    """The system's ffmpeg where it is recent enough, else the one that imageio-ffmpeg brings.

    Raises:
        MissingToolError: there is neither.
    """
    system = shutil.which("ffmpeg")
    if system is not None and ffmpeg_version(system) >= OLDEST_FFMPEG:
        return system
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        oldest = ".".join(map(str, OLDEST_FFMPEG))
        raise MissingToolError(f"no ffmpeg {oldest} or newer; install ffmpeg, or pip install imageio-ffmpeg") from error


@lru_cache
def ffmpeg_version(program: str) -> tuple[int, ...]:
    """Major and minor version of an ffmpeg program; (0,) where it does not run, very high for a build from source."""
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    match = re.match(rb"ffmpeg version n?(\d+)\.(\d+)", answer.stdout)
    if match is None:
        return (999,) if answer.stdout.startswith(b"ffmpeg version") else (0,)
    return tuple(int(part) for part in match.groups())
