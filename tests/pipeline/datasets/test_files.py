import re
from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.pipeline.datasets.files import au_positions, find_files
from tests.label_file_builders import write
from tests.source_builders import as_nobody, open_folder

PATTERN = re.compile(r"(\w+)\.csv")


def test_files_are_found_however_deep_and_in_order(tmp_path: Path) -> None:
    for name in ("b.csv", "a/z.csv", "a/y/x.csv", "a/x.csv.bak"):
        write(tmp_path / name, "")
    found = find_files(tmp_path, PATTERN, "x.csv")
    assert [path.relative_to(tmp_path).as_posix() for path, _ in found] == ["a/y/x.csv", "a/z.csv", "b.csv"]
    assert [match[1] for _, match in found] == ["x", "z", "b"]


def test_a_folder_that_cannot_be_listed_is_refused() -> None:
    with open_folder() as folder:
        (folder / "closed").mkdir(mode=0o700)
        with as_nobody(), pytest.raises(ConfigError, match="closed cannot be listed: Permission denied"):
            find_files(folder, PATTERN, "x.csv")


@pytest.mark.parametrize(("name", "au"), [("1", "AU01"), ("01", "AU01"), ("AU 43", "AU43"), ("au_9", "AU09")])
def test_an_au_has_many_spellings(name: str, au: str) -> None:
    assert au_positions(["frame", name], "here") == {au: 1}


@pytest.mark.parametrize("name", ["0", "100", "AU", "AU1_c", "A1", "1.5", "AU1L"])
def test_other_columns_are_no_aus(name: str) -> None:
    assert au_positions([name], "here") == {}


def test_an_au_with_two_columns_is_refused() -> None:
    with pytest.raises(ManifestError, match=r"x\.csv, line 1: AU01 has two columns; it must have one"):
        au_positions(["AU1", "1"], "x.csv, line 1")
