from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.pipeline.datasets.gft import read
from tcae.pipeline.datasets.reading import LabelOptions
from tests.label_file_builders import by_frame, lines, write

OPTIONS = LabelOptions()


@pytest.mark.parametrize("frame", ["frame", "Frame", "FRAME", "frame_number", "Frame Number", "frames"])
@pytest.mark.parametrize("au", ["AU1", "AU01", "au 1", "1", "AU_01"])
def test_columns_are_found_by_name(tmp_path: Path, frame: str, au: str) -> None:
    write(tmp_path / "001A.csv", lines(("note", au, frame), ("-", 1, 3), ("-", 9, 4), ("-", "", 5)))
    labels = read(tmp_path, OPTIONS)
    assert by_frame(labels.table, "AU01") == {("001A", "video", 0, n): v for n, v in ((2, 1), (3, None), (4, None))}
    assert "no official split: name a list of identity,split with --split-file" in labels.notes


def test_a_list_of_splits_assigns_people(tmp_path: Path) -> None:
    for identity in ("001A", "001B", "002A"):
        write(tmp_path / "labels" / f"{identity}.csv", lines(("frame", "AU1"), (1, 0)))
    splits = write(
        tmp_path / "splits.csv", "identity,split\r\n001A,train\r\n001B,test\r\n002A,excluded\r\n099C,test\r\n"
    )
    labels = read(tmp_path / "labels", LabelOptions(split_file=splits))
    assert [labels.table[name].to_pylist() for name in ("identity", "official_split")] == [
        ["001A", "001B", "002A"],
        ["train", "test", None],
    ]
    assert "people in no split of the list: 1, 002A" in labels.notes
    assert "people of the list without labels: 1, 099C" in labels.notes


def test_a_list_of_other_people_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "labels" / "001A.csv", lines(("frame", "AU1"), (1, 0)))
    splits = write(tmp_path / "splits.csv", "identity,split\n1A,train\n")
    with pytest.raises(ConfigError, match=r"splits\.csv names none of 001A"):
        read(tmp_path / "labels", LabelOptions(split_file=splits))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            lines(("time", "AU1"), (1, 0)),
            r"001A\.csv, line 1: the header begins 'time,AU1'; it must name one column frame",
        ),
        (lines(("frame", "Frame", "AU1"), (1, 1, 0)), r"line 1: the header begins"),
        (lines(("frame", "smile"), (1, 0)), r"line 1: the header begins 'frame,smile'"),
        (lines(("frame", "AU1", "AU01"), (1, 0, 0)), r"line 1: AU01 has two columns"),
        (lines(("frame", "AU1"), (1, -9)), r"line 2: AU01 is -9; it must be one of 0, 1, 9"),
        (lines(("frame", "AU1"), (1, 0), (1, 0)), r"line 3: the frame 1 is there twice"),
        (lines(("frame", "AU1"), (0, 0)), r"line 2: frame is 0; .*--frame-base 0"),
        (lines(("frame", "AU1"), ("a", 0)), r"line 2: frame is 'a'; it must be a number"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path / "001A.csv", text)
    with pytest.raises(ManifestError, match=message):
        read(tmp_path, OPTIONS)


def test_one_person_in_two_folders_is_refused(tmp_path: Path) -> None:
    for copy in ("a", "b"):
        write(tmp_path / copy / "001A.csv", lines(("frame", "AU1"), (1, 0)))
    with pytest.raises(ManifestError, match="are both 001A; name the folder of one"):
        read(tmp_path, OPTIONS)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"files like 001A\.csv"):
        read(tmp_path, OPTIONS)
