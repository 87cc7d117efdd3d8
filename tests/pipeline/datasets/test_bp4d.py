from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.folds import read_folds
from tcae.manifests.labels import au_columns, write_labels
from tcae.manifests.workspace import Workspace
from tcae.pipeline.datasets.bp4d import read
from tcae.pipeline.datasets.reading import LabelOptions
from tests.label_file_builders import by_frame, lines, write

OPTIONS = LabelOptions()
TWO_FRAMES = lines((0, 1, 2, 27), (2440, 0, 1, 9), (2442, 1, 9, 9))


def occurrences(root: Path, name: str, text: str | bytes) -> Path:
    return write(root / "AUCoding" / "AU_OCC" / name, text)


def test_numbers_count_from_1_and_only_coded_frames_have_a_row(tmp_path: Path) -> None:
    occurrences(tmp_path, "F001_T1.csv", TWO_FRAMES)
    labels = read(tmp_path, OPTIONS)
    assert by_frame(labels.table, "AU01", "AU02") == {
        ("F001", "T1", 0, 2439): (0, 1),
        ("F001", "T1", 0, 2441): (1, None),
    }
    assert "frame numbers are taken to count from 1" in labels.notes


def test_an_au_that_was_never_coded_has_no_column(tmp_path: Path) -> None:
    occurrences(tmp_path, "F001_T1.csv", TWO_FRAMES)
    assert au_columns(read(tmp_path, OPTIONS).table) == ("AU01", "AU02")


def test_missing_numbers_are_counted(tmp_path: Path) -> None:
    occurrences(tmp_path, "F001_T1.csv", TWO_FRAMES)
    assert "missing labels among 2 frames: AU02 1" in read(tmp_path, OPTIONS).notes


@pytest.mark.parametrize("below", ["", "AUCoding", "AUCoding/AU_OCC"])
def test_the_folder_may_be_the_set_or_that_of_the_files(tmp_path: Path, below: str) -> None:
    occurrences(tmp_path, "F001_T1.csv", TWO_FRAMES)
    assert len(read(tmp_path / below, OPTIONS).table) == 2


def test_other_files_of_the_same_name_do_not_matter_beside_occurrences(tmp_path: Path) -> None:
    occurrences(tmp_path, "F001_T1.csv", TWO_FRAMES)
    write(tmp_path / "2DFeatures" / "F001_T1.csv", "x,y\n1,2\n")
    write(tmp_path / "AUCoding" / "AU_INT" / "F001_T1_AU06.csv", "1,5\n")
    assert len(read(tmp_path, OPTIONS).table) == 2


def test_one_clip_in_two_folders_is_refused(tmp_path: Path) -> None:
    for copy in ("a", "b"):
        write(tmp_path / copy / "F001_T1.csv", TWO_FRAMES)
    with pytest.raises(ManifestError, match=r"b/F001_T1\.csv and .*a/F001_T1\.csv are both F001/T1"):
        read(tmp_path, OPTIONS)


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_change_nothing(tmp_path: Path) -> None:
    occurrences(tmp_path / "a", "F001_T1.csv", TWO_FRAMES)
    strange = "\ufeff" + TWO_FRAMES.replace("\n", "\r\n") + "\r\n\r\n"
    occurrences(tmp_path / "b", "F001_T1.csv", strange)
    assert read(tmp_path / "a", OPTIONS).table.equals(read(tmp_path / "b", OPTIONS).table)


def test_a_column_that_a_file_lacks_is_missing_there(tmp_path: Path) -> None:
    occurrences(tmp_path, "F001_T1.csv", lines((0, 1), (1, 1)))
    occurrences(tmp_path, "M001_T8.csv", lines((0, 1, 45), (7, 0, 1)))
    table = read(tmp_path, OPTIONS).table
    assert by_frame(table, "AU01", "AU45") == {("F001", "T1", 0, 0): (1, None), ("M001", "T8", 0, 6): (0, 1)}


def test_people_without_labels_are_named(tmp_path: Path) -> None:
    for identity in read_folds("bp4d"):
        occurrences(tmp_path, f"{identity}_T1.csv", lines((0, 1)) if identity == "F003" else lines((0, 1), (1, 0)))
    labels = read(tmp_path, OPTIONS)
    assert "people of the list without labels: 1 of 41, F003" in labels.notes
    assert len(labels.table) == 40


def test_a_first_frame_of_0_is_refused_until_the_user_says_so(tmp_path: Path) -> None:
    occurrences(tmp_path, "F001_T1.csv", lines((0, 1), (1, 0), (0, 1)))
    with pytest.raises(
        ManifestError, match=r"F001_T1\.csv, line 3: frame is 0; .*from 1; if from 0, say --frame-base 0"
    ):
        read(tmp_path, OPTIONS)
    labels = read(tmp_path, LabelOptions(frame_base=0))
    assert by_frame(labels.table, "AU01") == {("F001", "T1", 0, 1): 0, ("F001", "T1", 0, 0): 1}
    assert "frame numbers are said to count from 0" in labels.notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines((0, 1), (5, 0), (6, 0), (5, 0)), r"line 4: the frame 5 is there twice, first at .*line 2"),
        (lines((0, 1), (5, 2)), r"line 2: AU01 is 2; it must be one of 0, 1, 9"),
        (lines((0, 1), (5, 0), (6, "x")), r"line 3: AU01 is 'x'; it must be a number"),
        (lines((0, 1), (5.5, 0)), r"line 2: frame is 5.5; it must be a whole number"),
        (lines((0, 1), (1e300, 0)), r"line 2: frame is 1e\+300; it must be a whole number"),
        (lines((0, 1), (-3, 0)), r"line 2: frame is -3; it must be a whole number, 0 or above"),
        (lines((0, 1), ("", 0)), r"line 2: frame is nan; every line must name its frame"),
        (lines((0, 1), (5,)), r"line 2: 1 cells; every line must have 2"),
        (lines((0, 1, "01"), (5, 0, 0)), r"line 1: AU01 has two columns"),
        (lines(("frame", "AU1"), (5, 0)), r"line 1: the header begins 'frame,AU1'; it must be 0 \(the frame\)"),
        (lines((5, 0, 1), (6, 0, 1)), r"line 1: the header begins '5,0,1'"),
        ("", "is empty"),
    ],
)
def test_nonsense_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    occurrences(tmp_path, "F001_T1.csv", text)
    with pytest.raises(ManifestError, match=message):
        read(tmp_path, OPTIONS)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "F001" / "T1" / "0001.jpg", b"")
    with pytest.raises(ConfigError, match=r"has no labels: they must be files like AU_OCC/F001_T1\.csv"):
        read(tmp_path, OPTIONS)


def test_the_table_can_be_written(tmp_path: Path, workspace: Workspace) -> None:
    occurrences(tmp_path, "F001_T1.csv", TWO_FRAMES)
    write_labels(workspace, "bp4d", read(tmp_path, OPTIONS).table, {})
