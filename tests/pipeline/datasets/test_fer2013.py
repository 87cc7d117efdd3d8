"""FER-2013: labels and pictures out of one file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import read_labels, write_labels
from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tcae.pipeline.datasets.fer2013 import read, unpack
from tcae.pipeline.datasets.reading import LabelOptions
from tcae.pipeline.sources import SourceConfig, list_clips

HEADER = "emotion,pixels,Usage"


def pixels(seed: int) -> str:
    return " ".join(map(str, np.random.default_rng(seed).integers(0, 256, 48 * 48)))


def csv_at(folder: Path, rows: Sequence[str], header: str = HEADER, end: str = "\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fer2013.csv"
    path.write_bytes(end.join([header, *rows, ""]).encode("utf-8-sig" if end == "\r\n" else "utf-8"))
    return path


ROWS = [f"0,{pixels(0)},Training", f"6,{pixels(1)},Training", f"3,{pixels(2)},PublicTest", f"5,{pixels(3)},PrivateTest"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_row_is_a_picture_with_its_expression_and_its_split(tmp_path: Path, end: str) -> None:
    csv_at(tmp_path, [*ROWS, ""], end=end)
    table, notes = read(tmp_path, LabelOptions())
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("fer2013-Training-00000", "picture", 0, 0, "anger", "train"),
        ("fer2013-Training-00001", "picture", 0, 0, "neutral", "train"),
        ("fer2013-PublicTest-00002", "picture", 0, 0, "happiness", "val"),
        ("fer2013-PrivateTest-00003", "picture", 0, 0, "surprise", "test"),
    ]
    assert table.column_names[4:] == ["expression", "official_split"]
    assert notes == ["2 pictures of train, 1 pictures of val, 1 pictures of test"]


def test_the_columns_of_the_second_release_come_in_another_order(tmp_path: Path) -> None:
    path = csv_at(tmp_path, [f"1, Training, {pixels(0)}"], header="emotion, Usage, pixels")
    assert read(path, LabelOptions()).table.column("expression").to_pylist() == ["disgust"]
    assert unpack(path, tmp_path / "out") == 1


def test_what_is_unpacked_and_extracted_has_the_names_of_the_labels(tmp_path: Path, workspace: Workspace) -> None:
    path = csv_at(tmp_path / "set", ROWS)
    assert unpack(path, workspace.videos / "fer2013") == 4
    clips = list_clips(SourceConfig(sources=(workspace.videos,), layout="pictures")).clips
    write_labels(workspace, "fer2013", read(path, LabelOptions()).table, {})
    labels = read_labels(workspace, "fer2013").to_pylist()
    assert {tuple(clip.key) for clip in clips} == {(row["identity"], row["video"], row["clip"]) for row in labels}


def test_pictures_are_unpacked_once_and_exactly(tmp_path: Path) -> None:
    path = csv_at(tmp_path, ROWS)
    assert unpack(path, tmp_path / "out") == 4
    image = pictures.read(tmp_path / "out/Training/00001.png")
    assert image.shape == (48, 48, 3)
    assert image[..., 0].ravel().tolist() == list(map(int, pixels(1).split()))
    (tmp_path / "out/Training/00000.png").unlink()
    assert unpack(path, tmp_path / "out") == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("7,1 2 3,Training", r"fer2013\.csv, line 3: emotion is '7'; it must be 0 to 6"),
        ("happy,1 2 3,Training", r"line 3: emotion is 'happy'"),
        ("0,1 2 3,Test", r"line 3: Usage is 'Test'; it must be one of Training, PublicTest, PrivateTest"),
        ("0,1 2 3", r"line 3: 2 cells; every line must have 3"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, row: str, words: str) -> None:
    path = csv_at(tmp_path, [ROWS[0], row])
    with pytest.raises(ManifestError, match=words):
        read(path, LabelOptions())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("1 2 3", "line 2: 3 pixels from 1 to 3; there must be 2304 from 0 to 255"),
        ("", "line 2: 0 pixels from 0 to 0"),
        (pixels(0) + " 4", "2305 pixels"),
        ("256 " + pixels(0).split(" ", 1)[1], "2304 pixels from .* to 256"),
        ("a b", "pixels are not all numbers"),
    ],
)
def test_pixels_that_are_no_picture_are_refused(tmp_path: Path, values: str, words: str) -> None:
    path = csv_at(tmp_path, [f"0,{values},Training"])
    with pytest.raises(ManifestError, match=words):
        unpack(path, tmp_path / "out")


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = csv_at(tmp_path, ["1,2"], header="a,b")
    with pytest.raises(ManifestError, match=r"line 1: the header is 'a,b'; it must have emotion, pixels, Usage"):
        read(path, LabelOptions())
    with pytest.raises(ConfigError, match=r"has no labels: they must be files like fer2013\.csv"):
        read(workspace_without(tmp_path), LabelOptions())


def workspace_without(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"
