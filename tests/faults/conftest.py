"""One source for the tests that kill and interrupt, and what it gives when nobody disturbs it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tcae.manifests.workspace import Workspace
from tests.clips import write_clip
from tests.fault_builders import EXTRACT
from tests.stage_builders import call


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 small clips in 6 videos of 3 identities, and one that is broken."""
    root = tmp_path_factory.mktemp("source")
    for number in range(18):
        folder = root / f"id{number % 3}" / f"v{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        write_clip(folder / f"{number:05d}.mp4", 30 + number % 7)
    (root / "id0" / "v0" / "99999.mp4").write_bytes(b"no video at all")
    return root


@pytest.fixture(scope="session")
def undisturbed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """What extraction gives when nobody disturbs it."""
    workspace = Workspace(tmp_path_factory.mktemp("undisturbed"))
    assert call("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT).exit_code == 0
    return workspace


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a disk of so many bytes; called again, gives the same disk another size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or shutil.which("mount") is None or not mounted(folder, "size=64k"):
        pytest.skip("needs the right to mount a small disk")

    def resize(num_bytes: int) -> Path:
        assert mounted(folder, f"remount,size={num_bytes}")
        return folder

    yield resize
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mounted(folder: Path, options: str) -> bool:
    """Mount a disk in memory, or change one."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0
