"""Source trees for tests: made-up files of the right names in a folder of the test's own."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


def grow(root: Path, *files: str, data: bytes = b"x") -> Path:
    """Make files with their folders; a name that ends in a slash is an empty folder."""
    for name in files:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(data)
    return root


def track_text(rows: list[str], identity: str = "id10001 ", header: bool = True) -> str:
    """A track file as VoxCeleb writes it, trailing spaces included."""
    head = f"Identity  : \t{identity}\nReference : \tAbC-_123xyz\nOffset    : \t-2\nFV Conf   : \t16.140\t(1)\n"
    head += "ASD Conf  : \t5.142\n\nFRAME \tX \tY \tW \tH \n"
    return (head if header else "") + "".join(f"{row}\n" for row in rows)


def track_rows(first: int, number: int, box: str = "100 \t50 \t80 \t90 ") -> list[str]:
    """Consecutive rows with one box."""
    return [f"{frame:06d} \t{box}" for frame in range(first, first + number)]


@contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that every user of the machine can reach; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with as_nobody():
            reached = os.access(folder, os.X_OK, effective_ids=True)
        if not reached:
            pytest.skip(f"{folder} cannot be reached by other users")
        yield Path(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Lose the rights of root for a while: root reads everything."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(NOBODY)
    except PermissionError:
        pytest.skip("needs the right to become another user")
    try:
        yield
    finally:
        os.seteuid(0)
