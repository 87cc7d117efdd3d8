"""BIWI: a rotation for each frame becomes three angles by our signs."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.pipeline.datasets.biwi import angles_of, read
from tcae.pipeline.datasets.reading import LabelOptions
from tests.source_builders import grow


def turned(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Our angles in degrees as a rotation of the head's axes into the camera's, x right, y down, z away."""
    (sy, sp, sr), (cy, cp, cr) = np.sin(np.radians([yaw, pitch, roll])), np.cos(np.radians([yaw, pitch, roll]))
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])  # the nose, at -z, goes to +x
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])  # the nose goes to -y, up
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])  # the right side goes to +y, down
    return np.asarray(about_x @ about_y @ about_z)


def text_of(rotation: NDArray[np.float64], end: str = "\n") -> bytes:
    lines = [" ".join(f"{value:.6f}" for value in row) + " " for row in rotation]
    return end.join([*lines, "", "12.5 -30 910.25 ", ""]).encode()


@pytest.mark.parametrize(
    ("angles", "nose", "side"),
    [((30, 0, 0), (0.5, 0), (1, 0)), ((0, 30, 0), (0, -0.5), (1, 0)), ((0, 0, 30), (0, 0), (1, 0.5))],
)
def test_each_angle_moves_the_face_to_where_its_sign_says(
    angles: tuple[float, float, float], nose: tuple[float, float], side: tuple[float, float]
) -> None:
    rotation = turned(*angles)
    assert np.sign((rotation @ (0, 0, -1))[:2].round(9)) == pytest.approx(np.sign(nose))
    assert np.sign((rotation @ (1, 0, 0))[:2].round(9)) == pytest.approx(np.sign(side))
    assert angles_of(rotation) == pytest.approx(angles)


@given(*(st.floats(-80, 80) for _ in range(3)))
def test_angles_are_those_that_the_rotation_was_made_of(yaw: float, pitch: float, roll: float) -> None:
    assert angles_of(turned(yaw, pitch, roll)) == pytest.approx((yaw, pitch, roll), abs=1e-6)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_frame_of_every_recording_has_its_angles(tmp_path: Path, end: str) -> None:
    for name, angles in {
        "01/frame_00003": (10, 5, -3),
        "01/frame_00010": (0, 0, 0),
        "24/frame_00004": (-60, 20, 9),
    }.items():
        grow(tmp_path, f"hpdb/{name}_pose.txt", data=text_of(turned(*angles), end))
    grow(tmp_path, "hpdb/masks/frame_00003_pose.txt", data=b"nothing")
    table, notes = read(tmp_path, LabelOptions())
    rows = [tuple(row.values()) for row in table.to_pylist()]
    assert [row[:4] for row in rows] == [("01", "01", 0, 3), ("01", "01", 0, 10), ("24", "24", 0, 4)]
    assert table.column_names[4:] == ["yaw_degrees", "pitch_degrees", "roll_degrees", "official_split"]
    assert rows[0][4:7] == pytest.approx((10, 5, -3), abs=1e-3)
    assert rows[2][4:7] == pytest.approx((-60, 20, 9), abs=1e-3)
    assert {row[7] for row in rows} == {"test"}
    assert notes == ["frame numbers are taken to count from 0"]


def test_a_frame_base_shifts_the_numbers_and_refuses_zero(tmp_path: Path) -> None:
    grow(tmp_path, "01/frame_00003_pose.txt", data=text_of(np.eye(3)))
    assert read(tmp_path, LabelOptions(frame_base=1)).table.column("source_frame").to_pylist() == [2]
    grow(tmp_path, "01/frame_00000_pose.txt", data=text_of(np.eye(3)))
    with pytest.raises(ManifestError, match=r"frame_00000_pose\.txt: the frame is number 0; .* say --frame-base 0"):
        read(tmp_path, LabelOptions(frame_base=1))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"1 0 0\n0 one 0\n0 0 1\n", "line 2: '0 one 0'; it must be three numbers"),
        (b"1 0 0\n0 1\n", "line 2: 2 numbers; there must be three"),
        (b"1 0 0\n", "1 lines of numbers; there must be three"),
        (text_of(2 * np.eye(3)), "is no rotation; its rows must be orthonormal"),
        (text_of(np.diag([1.0, 1.0, -1.0])), "is no rotation"),
        (text_of(np.full((3, 3), math.nan)), "is no rotation"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    grow(tmp_path, "01/frame_00003_pose.txt", data=data)
    with pytest.raises(ManifestError, match=f"frame_00003_pose.txt.*{words}"):
        read(tmp_path, LabelOptions())


def test_a_recording_that_lies_there_twice_is_refused(tmp_path: Path) -> None:
    grow(tmp_path, "a/01/frame_00003_pose.txt", "b/01/frame_00003_pose.txt", data=text_of(np.eye(3)))
    with pytest.raises(ManifestError, match="are of the same frame; name the folder of one"):
        read(tmp_path, LabelOptions())


@pytest.mark.parametrize("name", ["01/frame_00003_rgb.png", "one/frame_00003_pose.txt"])
def test_a_folder_without_labels_is_refused(tmp_path: Path, name: str) -> None:
    grow(tmp_path, name)
    with pytest.raises(ConfigError, match=r"has no labels: they must be files like 01/frame_00003_pose\.txt"):
        read(tmp_path, LabelOptions())
