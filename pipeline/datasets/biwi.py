"""BIWI Kinect head poses: ``01/frame_00003_pose.txt`` beside ``01/frame_00003_rgb.png``.

A file has a rotation, three lines of three numbers, and the head's place in millimetres on a fourth. The rotation
turns the head's axes into the camera's: x to the right, y down, z away from the camera; an unturned face looks along
-z. Taken apart as in ``headposes.py``, roll about the head's own axis first, then yaw, then pitch, its angles are

    yaw = atan2(-R02, sqrt(R12^2 + R22^2))    pitch = atan2(R12, R22)    roll = atan2(-R01, R00)

with our signs: yaw positive to the picture's right, pitch up, roll clockwise. They are the formulas of FSA-Net's
``TYY_create_db_biwi.py``, whose yaw is ours negated. Hopenet's reader has FSA-Net's signs and takes the rotation apart
in another order, which differs where two angles are large. The matrix is that of the depth camera; the colour camera
stands beside it, and the small rotation between them is left out, as by both. None of this was checked on the files
themselves.

A recording (24 of them, of 20 people) counts as an identity. The set assigns no split; every frame is ``test`` here, as
where networks that were fitted on 300W-LP are scored on it (FSA-Net names it as its second test set).
"""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import ANGLES
from tcae.pipeline.datasets.files import find_files
from tcae.pipeline.datasets.frames import FrameBase, clip_labels, gather
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels
from tcae.pipeline.datasets.sheets import read_bytes

_FILE = re.compile(r"frame_(\d+)_pose\.txt")
_RECORDING = re.compile(r"\d{2}")
_SHAPE = "01/frame_00003_pose.txt"
_TOLERANCE = 0.05


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The angles of every frame.

    Args:
        folder: The set; recordings are folders of two digits, however deep.
        options: ``frame_base``.

    Raises:
        ConfigError: there is no such file.
        ManifestError: a file makes no sense; the message has its line.
    """
    base = FrameBase.of(options, 0)
    recordings: dict[str, dict[int, Path]] = {}
    for path, found in find_files(folder, _FILE, _SHAPE):
        if _RECORDING.fullmatch(path.parent.name):
            _note(recordings.setdefault(path.parent.name, {}), int(found[1]) - base.number, path)
    if not recordings:
        raise ConfigError(f"{folder} has no labels: they must be files like {_SHAPE}")
    table = gather([_recording(name, frames) for name, frames in sorted(recordings.items())])
    return ReadLabels(table.append_column("official_split", pa.repeat("test", len(table))), [base.note()])


def _note(frames: dict[int, Path], frame: int, path: Path) -> None:
    if frame < 0:
        raise ManifestError(f"{path}: the frame is number 0; numbers are said to count from 1: say --frame-base 0")
    if frames.setdefault(frame, path) != path:
        raise ManifestError(f"{path} and {frames[frame]} are of the same frame; name the folder of one")


def _recording(name: str, frames: dict[int, Path]) -> pa.Table:
    numbers = np.array(sorted(frames))
    angles = np.array([angles_of(_rotation(frames[int(number)])) for number in numbers])  # (R, 3)
    return clip_labels((name, name, 0), numbers, dict(zip(ANGLES, angles.T, strict=True)))


def angles_of(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a rotation (3, 3) from the head's axes to the camera's."""
    (r00, r01, r02), (_, _, r12), (_, _, r22) = rotation
    yaw = np.arctan2(-r02, np.hypot(r12, r22))
    pitch, roll = np.arctan2(r12, r22), np.arctan2(-r01, r00)
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def _rotation(path: Path) -> NDArray[np.float64]:
    """(3, 3)."""
    rows = []
    for number, line in enumerate(read_bytes(path).decode("utf-8", "replace").splitlines(), 1):
        try:
            row = [float(cell) for cell in line.split()]
        except ValueError:
            raise ManifestError(f"{path}, line {number}: {line.strip()!r}; it must be three numbers") from None
        if row and len(row) != 3:
            raise ManifestError(f"{path}, line {number}: {len(row)} numbers; there must be three")
        rows += [row] if row else []
    if len(rows) < 3:
        raise ManifestError(f"{path}: {len(rows)} lines of numbers; there must be three of the rotation and the place")
    rotation = np.array(rows[:3])
    if not (np.abs(rotation @ rotation.T - np.eye(3)) < _TOLERANCE).all() or np.linalg.det(rotation) < 0:
        raise ManifestError(
            f"{path}, line 1: {rotation.round(2).tolist()} is no rotation; its rows must be orthonormal"
        )
    return rotation
