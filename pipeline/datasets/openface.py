"""OpenFace 2's own output as pseudo labels: one CSV file per clip, as FeatureExtraction writes it.

``AU01_c`` (0 or 1) becomes ``AU01``; ``AU01_r`` (0 to 5) becomes ``AU01_intensity``. Frames count from 1. A frame that
the tracker failed on (``success`` 0) has no labels.

Convention:
    angles: OpenFace gives radians with R = Rx Ry Rz about x (to the right), y (down) and z (away from the camera); the
        nose points to -z. So the face turns to the picture's left for a positive Ry and down for a positive Rx, and
        clockwise for a positive Rz: yaw = -Ry, pitch = -Rx, roll = Rz.
        Source: Euler2RotationMatrix in OpenFace's RotationHelpers.h; the page "Output Format" of its wiki.
"""

import os
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import ANGLES
from tcae.pipeline.datasets.files import au_positions
from tcae.pipeline.datasets.frames import FrameBase, check_values, clip_labels, gather, source_frames
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels
from tcae.pipeline.datasets.sheets import Columns, Sheet, read_sheet
from tcae.pipeline.trees.names import plain, stem_of
from tcae.pipeline.trees.numbering import natural

FIRST_FRAME = 1
NOT_A_NUMBER = ("nan", "-nan", "-nan(ind)")
"""What OpenFace's platforms print where it found no face."""

_PRESENCE = re.compile(r"AU(\d\d)_c")
_INTENSITY = re.compile(r"AU(\d\d)_r")
_POSE = {"pose_Ry": ("yaw_degrees", -1.0), "pose_Rx": ("pitch_degrees", -1.0), "pose_Rz": ("roll_degrees", 1.0)}
_SUFFIX = "_intensity"


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The presences, intensities and angles of every frame that OpenFace followed a face in.

    Args:
        folder: One CSV file, a folder of them, or ``<identity>/<video>/<clip>.csv`` below it. Clips are numbered in
            the natural order of their files' names, so every clip of a video must have its file.
        options: ``frame_base``.

    Raises:
        ConfigError: there is no such file, or one lies at another depth.
        ManifestError: a file makes no sense; the message has its line.
    """
    base = FrameBase.of(options, FIRST_FRAME)
    clips = _clips(folder)
    read_clips = [_clip(path, key, base) for key, path in clips.items()]
    lost = sum(num_lost for _, num_lost in read_clips)
    notes = [base.note(), f"{len(clips)} clips, numbered in the order of their names: each clip must have its CSV file"]
    if lost:
        notes.append(f"{lost:,} frames in which OpenFace lost the face have no labels")
    return ReadLabels(gather([table for table, _ in read_clips]), notes)


def _clips(folder: Path) -> dict[tuple[str, str, int], Path]:
    if folder.is_file():
        return {_alone(folder): folder}
    videos: dict[tuple[str, str], list[Path]] = defaultdict(list)
    flat = {}
    for parent, folders, names in os.walk(folder):
        folders.sort()
        parts = Path(parent).relative_to(folder).parts
        for path in (Path(parent, name) for name in names if name.lower().endswith(".csv")):
            if len(parts) == 2:
                videos[plain(parts[0]), plain(parts[1])].append(path)
            elif not parts:
                flat[_alone(path)] = path
            else:
                raise ConfigError(f"{path} must lie at <identity>/<video>/<clip>.csv below {folder}, or right in it")
    for (identity, video), paths in videos.items():
        ordered = sorted(paths, key=lambda path: natural(plain(path.stem)))
        flat |= {(identity, video, number): path for number, path in enumerate(ordered)}
    if not flat:
        raise ConfigError(f"{folder} has no labels: they must be CSV files as OpenFace's FeatureExtraction writes them")
    return flat


def _alone(path: Path) -> tuple[str, str, int]:
    """A file that is a person and a video of its own, as in the flat layout."""
    stem = plain(stem_of(path.name))
    return stem, stem, 0


def _clip(path: Path, key: tuple[str, str, int], base: FrameBase) -> tuple[pa.Table, int]:
    sheet = read_sheet(path, _columns, NOT_A_NUMBER)
    frames = source_frames(sheet, "frame", base)
    kept = sheet.numbers.get("success", np.ones(len(frames))) == 1
    _check(sheet)
    columns = {name: values[kept] for name, values in sheet.numbers.items() if name.startswith("AU")}
    for source, (name, sign) in _POSE.items():
        if source in sheet.numbers:
            columns[name] = sign * np.degrees(sheet.numbers[source][kept])
    ordered = [name for name in columns if name not in ANGLES] + [name for name in ANGLES if name in columns]
    return clip_labels(key, frames[kept], {name: columns[name] for name in ordered}), int((~kept).sum())


def _check(sheet: Sheet) -> None:
    names = list(sheet.numbers)
    check_values(sheet, [name for name in names if name.startswith("AU") and not name.endswith(_SUFFIX)], (0, 1))
    check_values(sheet, [name for name in names if name == "success"], (0, 1))
    for name in names:
        values = np.nan_to_num(sheet.numbers[name])
        wrong = (values < 0) | (values > 5)
        if name.endswith(_SUFFIX) and wrong.any():
            row = int(np.argmax(wrong))
            raise ManifestError(f"{sheet.where(row)}: {name} is {values[row]:g}; it must be within 0 and 5")


def _columns(names: list[str], where: str) -> Columns:
    presence = au_positions(names, where, _PRESENCE)
    intensity = {f"{au}{_SUFFIX}": position for au, position in au_positions(names, where, _INTENSITY).items()}
    if "frame" not in names or not (presence or intensity):
        shown = ",".join(names[:4])
        raise ManifestError(
            f"{where}: the header begins {shown!r}; it must have frame and AU01_c, as FeatureExtraction -aus writes it"
        )
    known = {name: names.index(name) for name in ("frame", "success", *_POSE) if name in names}
    return Columns(numbers={**known, **presence, **intensity})
