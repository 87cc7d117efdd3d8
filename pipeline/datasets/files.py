"""Which files of a folder are a set's labels."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import au_name

_AU = re.compile(r"(?:AU[ _]?)?0*([1-9]\d?)", re.IGNORECASE)


def find_files(folder: Path, pattern: re.Pattern[str], expected: str) -> list[tuple[Path, re.Match[str]]]:
    """Files below a folder whose whole names match, in the order of their paths.

    Raises:
        ConfigError: there is none, where ``expected`` says what they are called; or a folder cannot be listed.
    """
    found = [
        (Path(parent, name), match)
        for parent, _, names in os.walk(folder, onerror=_refuse, followlinks=True)
        for name in names
        if (match := pattern.fullmatch(name))
    ]
    if not found:
        raise ConfigError(f"{folder} has no labels: they must be files like {expected}")
    return sorted(found, key=lambda each: each[0])


def _refuse(error: OSError) -> None:
    raise ConfigError(f"{error.filename} cannot be listed: {error.strerror}") from error


def au_positions(names: Iterable[str], where: str, pattern: re.Pattern[str] = _AU) -> dict[str, int]:
    """The columns of a header that are AUs: our name, and the position from 0.

    Args:
        names: The header.
        where: File and line, for the message.
        pattern: Its first group is the AU's number; by default ``AU1``, ``AU01``, ``AU 1``, ``1`` and the like.

    Raises:
        ManifestError: an AU has two columns.
    """
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        match = pattern.fullmatch(name)
        if match and positions.setdefault(au_name(int(match[1])), position) != position:
            raise ManifestError(f"{where}: {au_name(int(match[1]))} has two columns; it must have one")
    return positions
