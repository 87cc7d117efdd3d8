from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.pipeline.datasets.emotionet import read
from tcae.pipeline.datasets.reading import LabelOptions
from tests.label_file_builders import by_frame, lines, write

OPTIONS = LabelOptions()


def workbook(path: Path, *rows: Sequence[object]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_spreadsheet_with_quoted_names_is_read(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "emotionet_facs_24600.xlsx",
        ("URL", "'AU 1'", "'AU 43'"),
        ("'http://host/a%20b/N_1/N_000_1.jpg?x=y/z.png'", 1, 0),
        ("http://host/second.one.jpg", 999, None),
        (None, None, None),
        ("http://host/third.jpg", "'0'", 1.0),
    )
    labels = read(path, OPTIONS)
    assert by_frame(labels.table, "AU01", "AU43") == {
        ("N_000_1", "picture", 0, 0): (1, 0),
        ("second.one", "picture", 0, 0): (None, None),
        ("third", "picture", 0, 0): (0, 1),
    }
    assert "missing labels among 3 frames: AU01 1, AU43 1" in labels.notes


def test_lists_with_paths_are_read_and_keep_their_folders(tmp_path: Path) -> None:
    write(tmp_path / "image_list_1.csv", "\ufeff" + lines(("path", "AU1", "AU2"), ("a/x.jpg", 1, ""), end="\r\n"))
    write(tmp_path / "image_list_2.csv", lines(("path", "AU1", "AU2"), ("b/x.jpg", 999, 0)) + "\n")
    labels = read(tmp_path, OPTIONS)
    assert by_frame(labels.table, "AU01", "AU02") == {
        ("a-x", "picture", 0, 0): (1, None),
        ("b-x", "picture", 0, 0): (None, 0),
    }


def test_rows_that_share_a_pictures_name_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [(f"http://{host}/photo.jpg", 1) for host in "ab"]
    path = write(tmp_path / "list.csv", lines(("URL", "AU1"), *rows, ("http://a/other.jpg", 0)))
    labels = read(path, OPTIONS)
    assert labels.table["identity"].to_pylist() == ["other"]
    assert labels.notes == ["2 rows share a picture's name with another and are left out: photo"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2", "AU01 is 2; it must be one of 0, 1, 999"),
        ("-1", "AU01 is -1"),
        ("yes", "AU01 is 'yes'; it must be a number"),
    ],
)
def test_another_value_is_refused_with_its_line(tmp_path: Path, value: str, message: str) -> None:
    path = write(tmp_path / "list.csv", lines(("URL", "AU1"), ("http://a/x.jpg", 0), ("http://a/y.jpg", value)))
    with pytest.raises(ManifestError, match=rf"list\.csv, line 3: {message}"):
        read(path, OPTIONS)
    book = workbook(tmp_path / "book.xlsx", ("URL", "AU 1"), (), ("x.jpg", 0), ("y.jpg", value))
    with pytest.raises(ManifestError, match=rf"book\.xlsx, row 4: {message}"):
        read(book, OPTIONS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(("URL", "AU1"), ("http://host/", 1)), r"line 2: the url 'http://host/' names no picture"),
        (lines(("URL", "AU1"), ("", 1)), r"line 2: the url '' names no picture"),
        (lines(("URL", "AU1"), ("a.jpg",)), r"line 2: 1 cells; every line must have 2"),
        (lines(("name", "AU1"), ("a.jpg", 1)), r"line 1: the header begins 'name,AU1'; it must name URL or path"),
        (lines(("URL", "1"), ("a.jpg", 1)), r"line 1: the header begins 'URL,1'"),
        (lines(("URL", "AU 1", "AU1"), ("a.jpg", 1, 1)), r"line 1: AU01 has two columns"),
    ],
)
def test_nonsense_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read(write(tmp_path / "list.csv", text), OPTIONS)


def test_a_damaged_or_empty_spreadsheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"damaged\.xlsx is not a readable spreadsheet"):
        read(write(tmp_path / "damaged.xlsx", b"PK no"), OPTIONS)
    with pytest.raises(ManifestError, match=r"empty\.xlsx is empty; its first row must name the columns"):
        read(workbook(tmp_path / "empty.xlsx"), OPTIONS)


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no labels: they must be a file like emotionet_facs_24600\.xlsx"):
        read(tmp_path, OPTIONS)
