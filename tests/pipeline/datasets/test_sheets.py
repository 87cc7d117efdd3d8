from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ManifestError
from tcae.pipeline.datasets.sheets import Columns, read_plain_sheet, read_sheet
from tests.label_file_builders import lines, write


def choose(names: list[str], where: str) -> Columns:
    assert where.endswith("line 1")
    return Columns(numbers={"b": names.index("b")}, texts={"a": names.index("a")})


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nx,1\ny,2\n",
        "a,b\r\nx,1\r\ny,2\r\n",
        "\ufeffa,b\nx,1\ny,2",
        "a,b\nx,1\n\ny,2\n\n\n",
        "\n\na, b\nx, 1\ny,2 \n",
        '"a","b"\n"x","1"\n"y","2"\n',
        "c,a,b\n-,x,1\n-,y,2\n",
    ],
    ids=["plain", "windows", "byte order mark", "blank lines", "spaces", "quotes", "another column"],
)
def test_columns_are_read_whatever_the_line_ends(tmp_path: Path, text: str) -> None:
    sheet = read_sheet(write(tmp_path / "s.csv", text), choose)
    assert sheet.texts == {"a": ["x", "y"]}
    assert sheet.numbers["b"].tolist() == [1.0, 2.0]
    assert sheet.num_rows == 2


@pytest.mark.parametrize(
    ("text", "line"), [("a,b\nx,1\ny,2\n", 3), ("\na,b\n\nx,1\n\r\n\ny,2\n", 7), ("\ufeffa,b\r\nx,1\r\ny,2\r\n", 3)]
)
def test_a_row_knows_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = write(tmp_path / "s.csv", text)
    assert read_sheet(path, choose).where(1) == f"{path}, line {line}"


def test_a_row_of_a_file_without_a_header_knows_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "s.txt", "1,0\n\n2,0\n")
    assert read_plain_sheet(path, Columns(numbers={"n": 0}), 2).where(1) == f"{path}, line 3"


def test_an_empty_cell_is_not_a_number(tmp_path: Path) -> None:
    sheet = read_sheet(write(tmp_path / "s.csv", "a,b\nx,\ny,-1.5e0\n"), choose)
    assert np.isnan(sheet.numbers["b"][0])
    assert sheet.numbers["b"][1] == -1.5


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\n\n", "\ufeffa,b\r\n"])
def test_a_header_alone_is_no_row(tmp_path: Path, text: str) -> None:
    sheet = read_sheet(write(tmp_path / "s.csv", text), choose)
    assert (sheet.num_rows, sheet.texts["a"], len(sheet.numbers["b"])) == (0, [], 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"s\.csv is empty; its first line must name the columns"),
        ("\n\n", r"is empty"),
        ("a,b\nx,1\ny,two\n", r"s\.csv, line 3: b is 'two'; it must be a number"),
        ("a,b\r\nx,1\r\n\r\ny,two\r\n", r"line 4: b is 'two'"),
        ("a,b\nx,nan\n", r"line 2: b is 'nan'"),
        ("a,b\nx,1\ny,inf\n", r"line 3: b is 'inf'"),
        ("a,b\nx,1\ny\n", r"line 3: 1 cells; every line must have 2"),
        ("a,b\nx,1,1\n", r"line 2: 3 cells; every line must have 2"),
        ("a,b\n" + "x" * 200_000 + "\n", r"line 2: field larger than field limit .*; it must be a CSV file"),
        ("a,b\nx,1;2\n", r"line 2: b is '1;2'"),
    ],
)
def test_nonsense_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read_sheet(write(tmp_path / "s.csv", text), choose)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere\.csv cannot be read: No such file"):
        read_sheet(tmp_path / "nowhere.csv", choose)


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"s\.csv cannot be read: .*UTF8"):
        read_sheet(write(tmp_path / "s.csv", b"a,b\n\xff,1\n"), choose)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_numbers_are_what_python_reads(tmp_path_factory: pytest.TempPathFactory, values: list[float], end: str) -> None:
    text = lines(("a", "b"), *[("x", repr(value)) for value in values], end=end)
    path = write(tmp_path_factory.mktemp("sheets") / "s.csv", text)
    assert read_sheet(path, choose).numbers["b"].tolist() == values
