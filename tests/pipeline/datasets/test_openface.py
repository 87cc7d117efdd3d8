import math
from pathlib import Path

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import KEYS, au_columns
from tcae.pipeline.datasets.openface import read
from tcae.pipeline.datasets.reading import LabelOptions
from tests.label_file_builders import by_frame, lines, write

OPTIONS = LabelOptions()
POSE = ("pose_Tx", "pose_Rx", "pose_Ry", "pose_Rz")
AUS = ("AU01_r", "AU12_r", "AU01_c", "AU12_c", "AU28_c")
HEADER = ("frame", "face_id", "timestamp", "confidence", "success", *POSE, "x_0", *AUS)


def row(
    frame: object, success: object = 1, pose: tuple[float, float, float] = (0, 0, 0), au1: object = 0
) -> tuple[object, ...]:
    return (frame, 0, 0.04, 0.98, success, -3.5, *pose, 310.2, 1.25, 0, au1, 0, 1)


def test_presences_and_intensities_have_columns_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "interview.csv", lines(HEADER, row(1, au1=1), row(2)))
    table = read(path, OPTIONS).table
    assert au_columns(table) == ("AU01", "AU12", "AU28")
    assert by_frame(table, "AU01", "AU28", "AU01_intensity") == {
        ("interview", "interview", 0, 0): (1, 1, 1.25),
        ("interview", "interview", 0, 1): (0, 1, 1.25),
    }
    assert table.column_names[:4] == list(KEYS)


def test_frames_in_which_the_face_was_lost_have_no_labels_and_are_counted(tmp_path: Path) -> None:
    lost = ("2", 0, "0.04", "0", "0", *["-nan(ind)"] * 4, "nan", *[0] * 5)
    path = write(tmp_path / "c.csv", lines(HEADER, row(1), lost, row(4)))
    labels = read(path, OPTIONS)
    assert [key[3] for key in by_frame(labels.table, "AU01")] == [0, 3]
    assert "1 frames in which OpenFace lost the face have no labels" in labels.notes


def test_openface_1_puts_spaces_after_its_commas(tmp_path: Path) -> None:
    plain = write(tmp_path / "a" / "c.csv", lines(HEADER, row(1), row(2)))
    spaced = write(tmp_path / "b" / "c.csv", plain.read_text().replace(",", ", ").replace("\n", "\r\n"))
    assert read(plain, OPTIONS).table.equals(read(spaced, OPTIONS).table)


def test_clips_are_numbered_in_natural_order(tmp_path: Path) -> None:
    for name, au1 in (("2", 0), ("10", 1)):
        write(tmp_path / "id1" / "video" / f"{name}.csv", lines(HEADER, row(1, au1=au1)))
    table = read(tmp_path, OPTIONS).table
    assert by_frame(table, "AU01") == {("id1", "video", 0, 0): 0, ("id1", "video", 1, 0): 1}


def test_a_flat_folder_has_a_person_for_each_file(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path / f"{name}.csv", lines(HEADER, row(1)))
    assert {key[:3] for key in by_frame(read(tmp_path, OPTIONS).table, "AU01")} == {("a", "a", 0), ("b", "b", 0)}


def rotation(rx: float, ry: float, rz: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """OpenFace's R = Rx Ry Rz, written out."""
    about_x = np.array([[1, 0, 0], [0, math.cos(rx), -math.sin(rx)], [0, math.sin(rx), math.cos(rx)]])
    about_y = np.array([[math.cos(ry), 0, math.sin(ry)], [0, 1, 0], [-math.sin(ry), 0, math.cos(ry)]])
    about_z = np.array([[math.cos(rz), -math.sin(rz), 0], [math.sin(rz), math.cos(rz), 0], [0, 0, 1]])
    return np.asarray(about_x @ about_y @ about_z)


@pytest.mark.parametrize("sign", [1, -1])
def test_angles_turn_the_nose_to_the_pictures_right_up_and_clockwise(tmp_path: Path, sign: int) -> None:
    pitch, yaw, roll = (sign * value for value in (0.1, 0.2, 0.3))
    pose = (pitch, 0.0, 0.0), (0.0, yaw, 0.0), (0.0, 0.0, roll)
    path = write(tmp_path / "c.csv", lines(HEADER, *[row(n, pose=each) for n, each in enumerate(pose, 1)]))
    angles = by_frame(read(path, OPTIONS).table, "pitch_degrees", "yaw_degrees", "roll_degrees")
    ours = np.array([angles["c", "c", 0, n] for n in range(3)])
    assert np.abs(ours) == pytest.approx(np.degrees(np.diag([0.1, 0.2, 0.3])))
    nose, eyes = np.array([0, 0, -1]), np.array([1, 0, 0])  # x to the right, y down, z away from the camera
    assert np.sign(-(rotation(*pose[0]) @ nose)[1]) == np.sign(ours[0, 0])  # up is positive
    assert np.sign((rotation(*pose[1]) @ nose)[0]) == np.sign(ours[1, 1])  # the picture's right is positive
    assert np.sign((rotation(*pose[2]) @ eyes)[1]) == np.sign(ours[2, 2])  # clockwise is positive


def test_a_first_frame_of_0_is_refused_until_the_user_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", lines(HEADER, row(0), row(1)))
    with pytest.raises(ManifestError, match=r"c\.csv, line 2: frame is 0; .*--frame-base 0"):
        read(path, OPTIONS)
    assert [key[3] for key in by_frame(read(path, LabelOptions(frame_base=0)).table, "AU01")] == [0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(HEADER, row(1), row(1)), r"line 3: the frame 1 is there twice"),
        (lines(HEADER, row(1, au1=2)), r"line 2: AU01 is 2; it must be one of 0, 1"),
        (lines(HEADER, row(1, success=3)), r"line 2: success is 3; it must be one of 0, 1"),
        (lines(HEADER, row(1, au1="x")), r"line 2: AU01 is 'x'; it must be a number"),
        (lines(("frame", "AU01_r"), (1, 5), (2, 5.5)), r"line 3: AU01_intensity is 5\.5; it must be within 0 and 5"),
        (lines(("face", "AU01_c"), (0, 1)), r"line 1: the header begins 'face,AU01_c'; it must have frame and AU01_c"),
        (lines(("frame", "gaze_0_x"), (1, 1)), r"line 1: the header begins"),
        ("", "is empty"),
    ],
)
def test_nonsense_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read(write(tmp_path / "c.csv", text), OPTIONS)


def test_a_file_at_another_depth_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "id1" / "c.csv", lines(HEADER, row(1)))
    with pytest.raises(ConfigError, match=r"id1/c\.csv must lie at <identity>/<video>/<clip>\.csv"):
        read(tmp_path, OPTIONS)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="as OpenFace's FeatureExtraction writes them"):
        read(tmp_path, OPTIONS)
