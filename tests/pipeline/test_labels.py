import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.pipeline.datasets.reading import LabelOptions
from tcae.pipeline.labels import _SOURCES, LABEL_SETS, read_label_files, unpack_pictures
from tests.label_file_builders import by_frame, lines, write

OPTIONS = LabelOptions()


def test_a_set_is_read_by_its_name(tmp_path: Path) -> None:
    write(tmp_path / "AU_OCC" / "F001_T1.csv", lines((0, 4), (1, 1)))
    assert by_frame(read_label_files("bp4d", tmp_path, OPTIONS).table, "AU04") == {("F001", "T1", 0, 0): 1}


@pytest.mark.parametrize("layout", LABEL_SETS)
def test_every_set_has_its_reader(layout: str) -> None:
    source = _SOURCES[layout]
    module = importlib.import_module(f"tcae.pipeline.datasets.{source.module}")
    assert callable(getattr(module, source.function))


@pytest.mark.parametrize("layout", LABEL_SETS)
def test_every_set_refuses_an_empty_folder(layout: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_label_files(layout, tmp_path, OPTIONS)


def test_a_set_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no set 'bp5d'; there is bp4d, disfa"):
        read_label_files("bp5d", tmp_path, OPTIONS)
    with pytest.raises(ConfigError, match="nowhere is not there; name the folder that has the labels of disfa"):
        read_label_files("disfa", tmp_path / "nowhere", OPTIONS)


def test_files_without_any_label_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "AU_OCC" / "F001_T1.csv", lines((0, 4)))
    with pytest.raises(ConfigError, match="has label files of bp4d, and not one label in them"):
        read_label_files("bp4d", tmp_path, OPTIONS)


def test_most_sets_have_no_pictures_to_unpack(tmp_path: Path, workspace: Workspace) -> None:
    assert unpack_pictures("bp4d", tmp_path, workspace) == 0
    assert not workspace.root.exists()


def test_the_door_imports_no_reader() -> None:
    code = "import sys, tcae.pipeline.labels as door; print(sorted(m for m in sys.modules if 'datasets.' in m))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['tcae.pipeline.datasets.reading']"
