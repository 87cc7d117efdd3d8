"""DISFA: ``ActionUnit_Labels/SN001/SN001_au1.txt``, one file per person and AU, without a header.

A line is ``frame,intensity`` with an intensity of 0 to 5. The label is the face's, which two cameras film:
``LabelOptions.camera`` says on whose video it is put. Frames meet by their numbers, so a file that is shorter than
the others leaves its AU missing there. The number of the first frame is taken to be 1.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from tcae.manifests.errors import ManifestError
from tcae.manifests.labels import au_name
from tcae.pipeline.datasets.files import find_files
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
from tcae.pipeline.datasets.sheets import Columns, read_plain_sheet

INTENSITIES = tuple(range(6))

_FILE = re.compile(r"(SN\d{3})_au(\d{1,2})\.txt", re.IGNORECASE)


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The intensities of all AUs, 0 to 5.

    Args:
        folder: The set, or its ``ActionUnit_Labels``.
        options: ``frame_base`` and ``camera``.

    Raises:
        ConfigError: the folder has no such file.
        ManifestError: a file makes no sense; the message has its line.
    """
    base = FrameBase.of(options, FRAME_BASES["disfa"])
    people: dict[str, dict[str, Path]] = defaultdict(dict)
    for path, match in find_files(folder, _FILE, "SN001/SN001_au1.txt"):
        files, au = people[match[1].upper()], au_name(int(match[2]))
        if files.setdefault(au, path) != path:
            raise ManifestError(f"{path} and {files[au]} are both {au} of {match[1]}; name the folder of one")
    table = gather([_person(identity, files, options.camera, base) for identity, files in people.items()])
    notes = [base.note(), f"labels are put on the {options.camera} camera's video"]
    return ReadLabels(table, [*notes, *without_labels_note(table, "disfa"), *missing_note(table)])


def _person(identity: str, files: Mapping[str, Path], camera: str, base: FrameBase) -> pa.Table:
    """One person's AUs side by side, with every frame that any of the files has."""
    columns = {}
    for au, path in sorted(files.items()):
        sheet = read_plain_sheet(path, Columns(numbers={"frame": 0, au: 1}), 2)
        check_values(sheet, [au], INTENSITIES)
        columns[au] = source_frames(sheet, "frame", base), sheet.numbers[au]
    frames = np.unique(np.concatenate([numbers for numbers, _ in columns.values()]))
    values = {au: np.full(len(frames), np.nan) for au in columns}
    for au, (numbers, intensities) in columns.items():
        values[au][np.searchsorted(frames, numbers)] = intensities
    return clip_labels((identity, camera, 0), frames, values)
