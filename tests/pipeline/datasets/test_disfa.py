from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.folds import read_folds
from tcae.pipeline.datasets.disfa import read
from tcae.pipeline.datasets.reading import LabelOptions
from tests.label_file_builders import by_frame, lines, write

OPTIONS = LabelOptions()


def intensities(root: Path, identity: str, au: int, text: str | bytes) -> Path:
    return write(root / "ActionUnit_Labels" / identity / f"{identity}_au{au}.txt", text)


def test_files_of_one_person_stand_side_by_side(tmp_path: Path) -> None:
    intensities(tmp_path, "SN001", 1, lines((1, 0), (2, 3)))
    intensities(tmp_path, "SN001", 12, lines((2, 0), (1, 5)))
    labels = read(tmp_path, OPTIONS)
    assert by_frame(labels.table, "AU01", "AU12") == {("SN001", "left", 0, 0): (0, 5), ("SN001", "left", 0, 1): (3, 0)}
    assert labels.notes[:2] == ["frame numbers are taken to count from 1", "labels are put on the left camera's video"]


def test_the_other_camera_gets_the_same_labels(tmp_path: Path) -> None:
    intensities(tmp_path, "SN001", 1, lines((1, 2)))
    assert by_frame(read(tmp_path, LabelOptions(camera="right")).table, "AU01") == {("SN001", "right", 0, 0): 2}


@pytest.mark.parametrize("shorter", [lines((1, 1)), lines((1, 1), end="\r\n") + "\r\n", ""])
def test_a_shorter_file_leaves_its_au_missing(tmp_path: Path, shorter: str) -> None:
    intensities(tmp_path, "SN001", 1, lines((1, 0), (2, 0)))
    intensities(tmp_path, "SN002", 26, lines((1, 0)))
    intensities(tmp_path, "SN001", 26, shorter)
    labels = read(tmp_path, OPTIONS)
    assert by_frame(labels.table, "AU26")["SN001", "left", 0, 1] is None
    assert any(note.startswith("missing labels among 3 frames: ") and "AU26" in note for note in labels.notes)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    text = lines((1, 0), (2, 5))
    intensities(tmp_path / "a", "SN001", 4, text)
    intensities(tmp_path / "b", "SN001", 4, "\ufeff" + text.replace("\n", "\r\n"))
    assert read(tmp_path / "a", OPTIONS).table.equals(read(tmp_path / "b", OPTIONS).table)


def test_a_frame_that_no_file_has_is_no_row(tmp_path: Path) -> None:
    intensities(tmp_path, "SN001", 4, lines((1, 0), (3, 1)))
    assert [key[3] for key in by_frame(read(tmp_path, OPTIONS).table, "AU04")] == [0, 2]


def test_people_without_labels_are_named(tmp_path: Path) -> None:
    for identity in read_folds("disfa"):
        intensities(tmp_path, identity, 1, "" if identity == "SN021" else lines((1, 0)))
    assert "people of the list without labels: 1 of 27, SN021" in read(tmp_path, OPTIONS).notes


def test_a_first_frame_of_0_is_refused_until_the_user_says_so(tmp_path: Path) -> None:
    intensities(tmp_path, "SN001", 1, lines((0, 4), (1, 0)))
    with pytest.raises(ManifestError, match=r"SN001_au1\.txt, line 1: frame is 0; .*--frame-base 0"):
        read(tmp_path, OPTIONS)
    labels = read(tmp_path, LabelOptions(frame_base=0))
    assert by_frame(labels.table, "AU01") == {("SN001", "left", 0, 0): 4, ("SN001", "left", 0, 1): 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines((1, 6)), r"line 1: AU01 is 6; it must be one of 0, 1, 2, 3, 4, 5"),
        (lines((1, 2.5)), r"AU01 is 2\.5"),
        (lines((1, 0), (1, 0)), r"line 2: the frame 1 is there twice, first at .*line 1"),
        (lines((1, 0), (2, "-")), r"line 2: AU01 is '-'; it must be a number"),
        (lines((1, 0), ("one", 0)), r"line 2: frame is 'one'; it must be a number"),
        (lines((1, 0, 0)), r"line 1: 3 cells; every line must have 2"),
        ("1 0\n2 0\n", r"line 1: 1 cells; every line must have 2"),
    ],
)
def test_nonsense_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    intensities(tmp_path, "SN001", 1, text)
    with pytest.raises(ManifestError, match=message):
        read(tmp_path, OPTIONS)


def test_one_file_in_two_folders_is_refused(tmp_path: Path) -> None:
    for copy in ("a", "b"):
        intensities(tmp_path / copy, "SN001", 1, lines((1, 0)))
    with pytest.raises(ManifestError, match=r"are both AU01 of SN001; name the folder of one"):
        read(tmp_path, OPTIONS)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"files like SN001/SN001_au1\.txt"):
        read(tmp_path, OPTIONS)
