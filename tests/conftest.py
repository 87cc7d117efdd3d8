"""Fixtures that the whole suite shares."""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tcae.manifests.workspace import Workspace

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")  # a machine that others use too is no failure

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs are started without


@pytest.fixture(scope="session")
def media() -> Path:
    """Real clips that lie beside the project on some machines."""
    if not MEDIA.is_dir():
        pytest.skip(f"needs the real clips in {MEDIA}")
    return MEDIA


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "workspace")
