from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import au_columns, au_name
from tcae.pipeline.datasets.openface_list import DISFA_AUS, OPENFACE_AUS, read
from tcae.pipeline.datasets.reading import LabelOptions
from tests.label_file_builders import by_frame, write

OPTIONS = LabelOptions()
FLAGS = "1,0,1,1,0,0,0,0,0,1,1,1,0,0,0,1,1,0"
"""Of their first line for pre-training."""


@pytest.mark.parametrize("gender", ["0,", ""])
def test_a_list_for_pre_training_has_18_flags(tmp_path: Path, gender: str) -> None:
    path = write(tmp_path / "list.csv", f'm.059w4s_84-FaceId-0.jpg,"(0, 0, 300, 300)",{gender}{FLAGS}\r\n')
    table = read(path, OPTIONS).table
    names = [au_name(number) for number in OPENFACE_AUS]
    assert au_columns(table) == tuple(names)
    assert by_frame(table, *names) == {("m.059w4s_84-FaceId-0", "picture", 0, 0): tuple(map(int, FLAGS.split(",")))}


def test_a_list_for_fine_tuning_has_disfas_12_flags(tmp_path: Path) -> None:
    text = 'RightVideoSN005_00003268.jpg,"(0,0,120,120)",0,0,0,0,0,1,0,0,0,0,0,0\n'
    table = read(write(tmp_path / "fold1_test.csv", text), OPTIONS).table
    assert au_columns(table) == tuple(au_name(number) for number in DISFA_AUS)
    assert by_frame(table, "AU09", "AU12") == {("RightVideoSN005_00003268", "picture", 0, 0): (1, 0)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a.jpg,"(0, 0, 1, 1)",1,0\n', r"list\.csv, line 1: 4 cells; there must be picture, rectangle"),
        (
            f'a.jpg,"(0, 0, 1, 1)",0,{FLAGS}\nb.jpg,"(0, 0, 1, 1)",{FLAGS}\n',
            r"line 2: 20 cells; every line must have 21",
        ),
        (f'a.jpg,"(0, 0, 1, 1)",0,2{FLAGS[1:]}\n', r"line 1: AU01 is 2; it must be one of 0, 1"),
        (f'a.jpg,"(0, 0, 1, 1)",0,x{FLAGS[1:]}\n', r"line 1: AU01 is 'x'; it must be a number"),
        (f'a.jpg,"(0, 0, 1, 1)",0,{FLAGS}\n' * 2, r"line 2: a\.jpg is there twice; it must be once"),
        ("", r"line 1: 0 cells"),
    ],
)
def test_nonsense_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read(write(tmp_path / "list.csv", text), OPTIONS)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no file; name the list, a CSV file"):
        read(tmp_path, OPTIONS)
