"""RAF-DB's list gives each aligned picture its expression and its split."""

from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.pipeline.datasets.rafdb import read
from tcae.pipeline.datasets.reading import LabelOptions
from tcae.pipeline.sources import SourceConfig, list_clips
from tests.source_builders import grow

NAMES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


def rafdb_at(folder: Path, text: str) -> Path:
    return grow(folder, "EmoLabel/list_patition_label.txt", data=text.encode())


@pytest.mark.parametrize(("end", "mark"), [("\n", ""), ("\r\n", "\ufeff")])
def test_each_line_is_a_picture(tmp_path: Path, end: str, mark: str) -> None:
    lines = [f"train_{number:05d}.jpg {number}" for number in range(1, 8)]
    rafdb_at(tmp_path, mark + end.join([*lines, "test_0001.jpg 4", "", ""]))
    table, notes = read(tmp_path, LabelOptions())
    assert table.column("expression").to_pylist() == [*NAMES, "happiness"]
    assert table.column("official_split").to_pylist() == [*["train"] * 7, "test"]
    assert tuple(table.to_pylist()[7].values())[:4] == ("test_0001", "picture", 0, 0)
    assert notes == ["7 pictures of train, 1 of test"]


def test_the_list_and_the_pictures_have_the_same_names(tmp_path: Path) -> None:
    rafdb_at(tmp_path, "train_00001.jpg 5\ntest_0001.jpg 1\n")
    grow(tmp_path, "Image/aligned/train_00001_aligned.jpg", "Image/aligned/test_0001_aligned.jpg")
    clips = list_clips(SourceConfig(sources=(tmp_path,), layout="rafdb")).clips
    labels = read(tmp_path, LabelOptions()).table.to_pylist()
    assert {tuple(clip.key) for clip in clips} == {(row["identity"], row["video"], row["clip"]) for row in labels}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train_2.jpg 8", "line 2: 'train_2.jpg 8'; it must be a picture of train_ or test_ and a number from 1 to 7"),
        ("train_2.jpg", "line 2: 'train_2.jpg'"),
        ("val_2.jpg 1", "line 2: 'val_2.jpg 1'"),
        ("train_1.jpg 2", "line 2: train_1.jpg is there twice"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(tmp_path: Path, line: str, words: str) -> None:
    rafdb_at(tmp_path, f"train_1.jpg 1\n{line}\n")
    with pytest.raises(ManifestError, match=words):
        read(tmp_path, LabelOptions())


def test_an_empty_list_and_no_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must be files like EmoLabel/list_patition_label\.txt"):
        read(tmp_path, LabelOptions())
    rafdb_at(tmp_path, "\n")
    with pytest.raises(ManifestError, match="is empty; each line must have a picture and a number"):
        read(tmp_path, LabelOptions())
