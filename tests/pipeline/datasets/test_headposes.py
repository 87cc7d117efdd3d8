"""300W-LP and AFLW2000: angles out of MATLAB files, by our signs."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.pipeline.datasets.headposes import read_300w_lp, read_aflw2000
from tcae.pipeline.datasets.reading import LabelOptions
from tcae.pipeline.sources import SourceConfig, list_clips
from tests.source_builders import grow


def face(root: Path, name: str, degrees: tuple[float, float, float]) -> None:
    """A picture and its file; pitch, yaw and roll as the set counts them."""
    grow(root, f"{name}.jpg")
    pose = np.array([[*np.radians(degrees), 120.0, 130.0, -60.0, 0.001]], np.float32)
    savemat(root / f"{name}.mat", {"Pose_Para": pose, "pt2d": np.zeros((2, 68)), "Shape_Para": np.zeros((199, 1))})


def rotation_of_3ddfa(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    """The authors' rotation, written out: axes x right, y up, z to the camera."""
    (sp, sy, sr), (cp, cy, cr) = np.sin([pitch, yaw, roll]), np.cos([pitch, yaw, roll])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_x @ about_y @ about_z)


def test_angles_become_ours(tmp_path: Path) -> None:
    face(tmp_path, "image00002", (10, 20, -30))
    (row,) = read_aflw2000(tmp_path, LabelOptions()).table.to_pylist()
    assert (row["identity"], row["video"], row["clip"], row["source_frame"]) == ("image00002", "picture", 0, 0)
    angles = (row["yaw_degrees"], row["pitch_degrees"], row["roll_degrees"])
    assert angles == pytest.approx((-20, 10, -30), abs=1e-4)
    assert row["official_split"] == "test"


@pytest.mark.parametrize("degrees", [(0, 25, 0), (25, 0, 0), (0, 0, 25), (15, -30, 10)])
def test_signs_are_those_of_the_face_that_the_authors_turn(tmp_path: Path, degrees: tuple[float, float, float]) -> None:
    face(tmp_path, "a", degrees)
    (row,) = read_aflw2000(tmp_path, LabelOptions()).table.to_pylist()
    turned = rotation_of_3ddfa(*np.radians(degrees))
    nose, right_side = turned @ (0, 0, 1), rotation_of_3ddfa(0, 0, math.radians(degrees[2])) @ (1, 0, 0)
    assert math.sin(math.radians(row["yaw_degrees"])) == pytest.approx(nose[0], abs=1e-6)  # the picture's right
    assert math.atan2(nose[1], nose[2]) == pytest.approx(math.radians(row["pitch_degrees"]), abs=1e-6)  # up
    assert -right_side[1] == pytest.approx(math.sin(math.radians(row["roll_degrees"])), abs=1e-6)  # sinks: clockwise


def test_only_the_four_sets_and_their_mirrors_are_taken(tmp_path: Path) -> None:
    for name in ("AFW/a_1", "AFW_Flip/a_1", "HELEN/b", "IBUG/c", "LFPW_Flip/d", "Code/sample"):
        face(tmp_path, f"300W_LP/{name}", (0, 1, 2))
    grow(tmp_path, "300W_LP/landmarks/AFW/a_1_pts.mat", "300W_LP/AFW/unlabelled.jpg")
    table, notes = read_300w_lp(tmp_path, LabelOptions())
    assert table.column("identity").to_pylist() == [
        f"300W_LP-{name}" for name in ("AFW-a_1", "AFW_Flip-a_1", "HELEN-b", "IBUG-c", "LFPW_Flip-d")
    ]
    assert set(table.column("official_split").to_pylist()) == {"train"}
    assert notes == ["0 of 5 faces are turned by more than 99 degrees and are left out"]


def test_labels_have_the_names_that_the_pictures_get(tmp_path: Path) -> None:
    for name in ("AFW/a_1", "HELEN/b"):
        face(tmp_path, name, (0, 0, 0))
    clips = list_clips(SourceConfig(sources=(tmp_path,), layout="pictures")).clips
    assert {clip.identity for clip in clips} == set(
        read_300w_lp(tmp_path, LabelOptions()).table.column("identity").to_pylist()
    )


def test_faces_beyond_99_degrees_are_counted_and_left_out(tmp_path: Path) -> None:
    for name, degrees in {"a": (0, 98.9, 0), "b": (0, -99.1, 0), "c": (0, 0, 120)}.items():
        face(tmp_path, name, (degrees[0], degrees[1], degrees[2]))
    table, notes = read_aflw2000(tmp_path, LabelOptions())
    assert table.column("identity").to_pylist() == ["a"]
    assert notes == ["2 of 3 faces are turned by more than 99 degrees and are left out"]


def test_a_file_that_is_none_of_matlabs_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"no matlab", b"MATLAB 5.0 MAT-file" + b" " * 105 + b"\0\1IM" + b"\x0f\0\0\0\x20\0\0\0junk" * 4):
        grow(tmp_path, "a.jpg", "a.mat")
        (tmp_path / "a.mat").write_bytes(data)
        with pytest.raises(ManifestError, match=r"a\.mat cannot be read as a MATLAB file"):
            read_aflw2000(tmp_path, LabelOptions())


@pytest.mark.parametrize("pose", [None, np.zeros((1, 2)), np.full((1, 7), np.nan), np.array(["a", "b", "c"])])
def test_a_pose_that_is_none_is_refused(tmp_path: Path, pose: NDArray[np.float64] | None) -> None:
    grow(tmp_path, "a.jpg")
    savemat(tmp_path / "a.mat", {"other": np.zeros(3)} if pose is None else {"Pose_Para": pose})
    with pytest.raises(ManifestError, match=r"a\.mat: Pose_Para is .*; it must begin with pitch, yaw and roll"):
        read_aflw2000(tmp_path, LabelOptions())


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    grow(tmp_path, "a.jpg", "b.mat")
    with pytest.raises(ConfigError, match=r"each picture must have a file like image00002\.mat beside it"):
        read_aflw2000(tmp_path, LabelOptions())
