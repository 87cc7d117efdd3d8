"""Fixtures that the whole suite shares."""

from pathlib import Path

import pytest

from tcae.manifests.workspace import Workspace

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


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
