"""300W-LP and AFLW2000-3D: a ``.mat`` file beside each picture, with the pose of a fitted 3D face; read by scipy.

``Pose_Para`` begins with pitch, yaw and roll in radians. The fitted face is turned by Rx(pitch) Ry(yaw) Rz(roll) in
axes x to the right, y up and z towards the camera, with

    Rx = [1 0 0; 0 c s; 0 -s c]    Ry = [c 0 -s; 0 1 0; s 0 c]    Rz = [c s 0; -s c 0; 0 0 1]

(3DDFA, the authors' fit, as ``angle2matrix_3ddfa`` of the public face3d code writes it). So a nose along +z moves by
-sin(yaw) in x and by +cos(yaw) sin(pitch) in y, and the side of the face that is right in the picture sinks by
sin(roll): the set's yaw is positive to the picture's left, its pitch up, its roll clockwise. Hopenet, which trained on
these files, draws its axes with the same signs. Ours is yaw negated. It was not checked on the files themselves.

Faces beyond 99 degrees in any angle are left out, as by FSA-Net.
"""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import ANGLES
from tcae.pipeline.datasets.frames import picture_labels
from tcae.pipeline.datasets.keys import picture_identity
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels
from tcae.pipeline.trees.names import stem_of, suffix_of
from tcae.pipeline.trees.walk import IMAGE_SUFFIXES

MOST_DEGREES = 99.0
"""Of each angle."""

SUBSETS = frozenset(f"{name}{flip}" for name in ("AFW", "HELEN", "IBUG", "LFPW") for flip in ("", "_Flip"))
"""The folders of 300W-LP that have faces; others hold code and landmarks."""


def read_300w_lp(folder: Path, options: LabelOptions) -> ReadLabels:
    """The angles of every face of 300W-LP, all of them ``train``; see ``read_aflw2000``."""
    found = _annotated(folder)
    of_subsets = [path for path in found if SUBSETS.intersection(path.split("/"))]
    return _read(folder, of_subsets or found, "train")


def read_aflw2000(folder: Path, options: LabelOptions) -> ReadLabels:
    """The angles of every face of AFLW2000-3D, all of them ``test``.

    Args:
        folder: The folder that ``--source`` names when the pictures are extracted: identities are paths below it.
        options: None of them matters here.

    Raises:
        ConfigError: no picture has a ``.mat`` file.
        ManifestError: a file makes no sense.
    """
    return _read(folder, _annotated(folder), "test")


def _read(folder: Path, found: list[str], split: str) -> ReadLabels:
    angles = np.array([_angles(folder / f"{stem_of(path)}.mat") for path in found])  # (N, 3) degrees
    kept = (np.abs(angles) <= MOST_DEGREES).all(axis=1)
    identities = [picture_identity(path) for path, is_kept in zip(found, kept, strict=True) if is_kept]
    table = picture_labels(identities, dict(zip(ANGLES, angles[kept].T, strict=True)))
    table = table.append_column("official_split", pa.repeat(split, len(table)))
    return ReadLabels(table, _notes(len(found), int(kept.sum())))


def _notes(num_found: int, num_kept: int) -> list[str]:
    beyond = num_found - num_kept
    return [f"{beyond:,} of {num_found:,} faces are turned by more than {MOST_DEGREES:g} degrees and are left out"]


def _annotated(folder: Path) -> list[str]:
    """The pictures that have a ``.mat`` file beside them, in order, as paths relative to the folder."""
    found = sorted(_pictures(folder))
    if not found:
        raise ConfigError(f"{folder} has no labels: each picture must have a file like image00002.mat beside it")
    return found


def _pictures(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        there = set(names)
        base = Path(parent).relative_to(folder).as_posix()
        for name in names:
            if suffix_of(name) in IMAGE_SUFFIXES and f"{stem_of(name)}.mat" in there and not name.startswith("."):
                yield name if base == "." else f"{base}/{name}"


def _angles(path: Path) -> NDArray[np.float64]:
    """Yaw, pitch and roll in degrees, by our signs, (3,)."""
    try:
        found = loadmat(path, variable_names=["Pose_Para"]).get("Pose_Para")
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError, zlib.error) as error:
        raise ManifestError(f"{path} cannot be read as a MATLAB file: {error}") from error
    if found is None or found.size < 3 or found.dtype.kind not in "fiu" or not np.isfinite(found.ravel()[:3]).all():
        shown = "none" if found is None else str(np.ravel(found)[:3].tolist())
        raise ManifestError(f"{path}: Pose_Para is {shown}; it must begin with pitch, yaw and roll in radians")
    pitch, yaw, roll = np.degrees(found.ravel()[:3].astype(np.float64))
    return np.array([-yaw, pitch, roll])
