"""What is installed is what stands in the checkout, and it starts quickly."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import tcae
import tcae.cli
import tcae.manifests
import tcae.model
import tcae.pipeline

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("manifests", "pipeline", "model", "cli")
HEAVY = {"torch", "torchvision", "cv2", "dask", "distributed", "pyarrow", "pandas", "numpy", "av", "jinja2", "anny"}

in_checkout = pytest.mark.skipif(not (ROOT / "src").is_dir(), reason="the suite runs against a wheel")


@in_checkout
@pytest.mark.parametrize("folder", FOLDERS)
def test_each_link_leads_to_its_folder(folder: str) -> None:
    link = ROOT / "src" / "tcae" / folder
    assert link.is_symlink()
    assert not link.readlink().is_absolute()
    assert link.resolve() == ROOT / folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_refuses_to_be_imported_bare(folder: str) -> None:
    init = Path(str(sys.modules[f"tcae.{folder}"].__file__))
    spec = spec_from_file_location(folder, init)
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(ImportError, match=rf"import tcae\.{folder}, not {folder}: the folder is linked"):
        spec.loader.exec_module(module_from_spec(spec))


def files_of_checkout() -> set[str]:
    """Everything that the installed package needs, as the wheel names it."""
    found = {"tcae/__init__.py", "tcae/py.typed"}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                found.add(f"tcae/{path.relative_to(ROOT).as_posix()}")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel of the working tree, built with the setuptools of this environment: no network."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for folder in (*FOLDERS, "src"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=ignored)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(copy / "dist"), str(copy)]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    (path,) = (copy / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


@in_checkout
def test_a_wheel_holds_every_module_and_every_data_file(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if name.startswith("tcae/")}
    assert packed == files_of_checkout()


@in_checkout
def test_a_wheel_carries_the_licence_and_nothing_beside_the_package(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0] for name in wheel.namelist()} == {"tcae", f"tcae-{tcae.__version__}.dist-info"}
    assert any(name.endswith("/licenses/LICENSE") for name in wheel.namelist())


def newest_release(changelog: str) -> str | None:
    """The first version of a changelog in the form of Keep a Changelog; what is unreleased has none."""
    headings = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)
    released = [heading for heading in headings if heading != "Unreleased"]
    return released[0] if released else None


@in_checkout
def test_the_version_is_the_changelogs() -> None:
    assert newest_release((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")) in {tcae.__version__, None}


@pytest.mark.parametrize(
    ("changelog", "release"),
    [
        ("# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-01\n\n## [0.1.0]\n", "0.2.0"),
        ("## [0.1.0]\n", "0.1.0"),
        ("## [Unreleased]\n", None),
    ],
    ids=["unreleased-first", "released", "never-released"],
)
def test_the_newest_release_is_read_from_the_changelog(changelog: str, release: str | None) -> None:
    assert newest_release(changelog) == release


def test_the_version_is_the_installed_ones() -> None:
    assert version("tcae") == tcae.__version__
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == tcae.__version__


def heavy_modules_after(code: str) -> set[str]:
    """Which slow libraries a fresh interpreter has imported after ``code``."""
    script = f"import sys\n{code}\nprint('loaded', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    return HEAVY & set(done.stdout.rpartition("loaded ")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_slow(arguments: list[str]) -> None:
    assert heavy_modules_after(f"from tcae.cli.main import prep; prep({arguments}, standalone_mode=False)") == set()


def test_something_slow_would_be_seen() -> None:
    assert "pyarrow" in heavy_modules_after("import pyarrow")
