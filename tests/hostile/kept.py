"""Cases of damaged files that the project wrote itself: tables, checkpoints and exports."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile import mutations

SEED = 6


def as_it_is(data: bytes) -> bytes:
    """The file is what is damaged."""
    return data


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A file as it should be."""

    name: str
    data: bytes
    """What is damaged."""
    read: Callable[[Path], object]
    """What reads it: from the folder that it lies in to something that can be compared by its ``repr``."""
    file: str
    """Its name in that folder."""
    others: Mapping[str, bytes] = field(default_factory=dict)
    """Files that lie beside it."""
    wrap: Callable[[bytes], bytes] = as_it_is
    """Makes the file of what was damaged, where that is only a part of it: check sums are right then."""


@dataclass(frozen=True, kw_only=True)
class KeptCase:
    """One damaged file."""

    number: int
    file: Kept
    clean: str
    mutation: str
    data: bytes

    @property
    def kind(self) -> str:
        """What was damaged and how."""
        return f"{self.file.name}, {self.mutation}"

    def __str__(self) -> str:
        return f"case {self.number} ({self.kind})"


def draw(number: int, files: list[Kept], clean: list[str]) -> KeptCase:
    """The case of a number: always the same of the same files."""
    random = np.random.default_rng([SEED, number])
    place, other = (int(random.integers(len(files))) for _ in range(2))
    mutation, data = mutations.damage(files[place].data, random, files[other].data)
    return KeptCase(number=number, file=files[place], clean=clean[place], mutation=mutation, data=data)


def read_file(file: Kept, data: bytes, place: Path) -> dict[str, Any]:
    """Read a file from a place that is made, and give a digest of what was read."""
    place.mkdir()
    for name, content in {**file.others, file.file: file.wrap(data)}.items():
        (place / name).write_bytes(content)
    return {"digest": hashlib.sha256(repr(file.read(place)).encode("utf-8", "backslashreplace")).hexdigest()}


def read_case(case: KeptCase, place: Path) -> dict[str, Any]:
    """Read a damaged file.

    Raises:
        TcaeError: it is refused.
    """
    return {"differs": read_file(case.file, case.data, place)["digest"] != case.clean, "tells": False}
