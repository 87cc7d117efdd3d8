"""BP4D: ``AUCoding/AU_OCC/F001_T1.csv``, one file per person and task.

The header is numbers: ``0`` is the column of the frame's number, every other one an AU. Only coded frames have a line.
Values are 0 and 1, and 9 where the AU could not be coded. The number of the first frame is taken to be 1.
"""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa

from tcae.manifests.errors import ManifestError
from tcae.pipeline.datasets.files import au_positions, find_files
from tcae.pipeline.datasets.frames import (
    FrameBase,
    check_values,
    clip_labels,
    gather,
    missing_note,
    source_frames,
    without_labels_note,
)
from tcae.pipeline.datasets.keys import FRAME_BASES
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels
from tcae.pipeline.datasets.sheets import Columns, read_sheet

NOT_CODABLE = 9

_FILE = re.compile(r"([FM]\d{3})_(T\d+)\.csv", re.IGNORECASE)
_FOLDER = "AU_OCC"


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The occurrences of all AUs that were coded.

    Args:
        folder: The set, or its ``AUCoding`` or ``AU_OCC``.
        options: ``frame_base``.

    Raises:
        ConfigError: the folder has no such file.
        ManifestError: a file makes no sense; the message has its line.
    """
    base = FrameBase.of(options, FRAME_BASES["bp4d"])
    clips: dict[tuple[str, str], Path] = {}
    for path, match in _occurrences(folder):
        key = match[1].upper(), match[2].upper()
        if clips.setdefault(key, path) != path:
            raise ManifestError(f"{path} and {clips[key]} are both {'/'.join(key)}; name the folder of one")
    table = gather([_clip(path, *key, base) for key, path in clips.items()])
    return ReadLabels(table, [base.note(), *without_labels_note(table, "bp4d"), *missing_note(table)])


def _occurrences(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    """Those in a folder of the right name, where there is one; other kinds of labels have files of the same names."""
    found = find_files(folder, _FILE, f"{_FOLDER}/F001_T1.csv")
    return [each for each in found if each[0].parent.name == _FOLDER] or found


def _clip(path: Path, identity: str, video: str, base: FrameBase) -> pa.Table:
    sheet = read_sheet(path, _columns)
    aus = [name for name in sheet.numbers if name != "frame"]
    check_values(sheet, aus, (0, 1, NOT_CODABLE))
    frames = source_frames(sheet, "frame", base)
    coded = {au: np.where(sheet.numbers[au] == NOT_CODABLE, np.nan, sheet.numbers[au]) for au in aus}
    return clip_labels((identity, video, 0), frames, coded)


def _columns(names: list[str], where: str) -> Columns:
    aus = au_positions(names, where)
    if not names or names[0] != "0" or not aus:
        raise ManifestError(
            f"{where}: the header begins {','.join(names[:3])!r}; it must be 0 (the frame) and AU numbers"
        )
    return Columns(numbers={"frame": 0, **aus})
