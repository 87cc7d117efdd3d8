"""GFT: ``001A.csv``, one file per person, with a column of frame numbers and one for each AU.

What the distributed files look like could not be confirmed, so columns are found by name, and what is not understood
is refused: the frame is ``frame`` in any case (or ``frame number``), an AU is ``AU1``, ``AU01`` or ``1``. Values are 0
and 1; an empty cell and, as in BP4D, 9 are missing. The number of the first frame is taken to be 1.
"""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.splits import SPLITS, read_assignments
from tcae.pipeline.datasets.files import au_positions, find_files
from tcae.pipeline.datasets.frames import FrameBase, check_values, clip_labels, gather, missing_note, source_frames
from tcae.pipeline.datasets.keys import FRAME_BASES
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels
from tcae.pipeline.datasets.sheets import Columns, read_sheet

VIDEO = "video"
NOT_CODABLE = 9

_FILE = re.compile(r"(\d{3}[A-Z])\.csv", re.IGNORECASE)
_FRAME = re.compile(r"frames?[ _]?(?:number|num|no)?", re.IGNORECASE)


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The occurrences of all AUs, and the official split where a list is given.

    Args:
        folder: The set, or the folder of these files.
        options: ``frame_base`` and ``split_file``.

    Raises:
        ConfigError: the folder has no such file, or the list of splits names none of these people.
        ManifestError: a file makes no sense; the message has its line.
    """
    base = FrameBase.of(options, FRAME_BASES["gft"])
    people: dict[str, Path] = {}
    for path, match in find_files(folder, _FILE, "001A.csv"):
        if people.setdefault(match[1].upper(), path) != path:
            raise ManifestError(f"{path} and {people[match[1].upper()]} are both {match[1]}; name the folder of one")
    table = gather([_person(identity, path, base) for identity, path in people.items()])
    notes = [base.note(), *missing_note(table)]
    if options.split_file is None:
        notes.append("no official split: name a list of identity,split with --split-file")
        return ReadLabels(table, notes)
    assigned = read_assignments(options.split_file)
    splits = {identity: split for identity, split in assigned.items() if split in SPLITS}
    if not splits.keys() & people.keys():
        raise ConfigError(
            f"{options.split_file} names none of {', '.join(sorted(people)[:3])}, ...; check its identities"
        )
    column = pa.array([splits.get(identity) for identity in table.column("identity").to_pylist()], pa.string())
    return ReadLabels(table.append_column("official_split", column), notes + _strangers(people, splits))


def _strangers(people: dict[str, Path], splits: dict[str, str]) -> list[str]:
    """Who is only in the files, and who only in the list."""
    notes = []
    if unassigned := sorted(people.keys() - splits.keys()):
        notes.append(f"people in no split of the list: {len(unassigned)}, {', '.join(unassigned[:5])}")
    if unlabelled := sorted(splits.keys() - people.keys()):
        notes.append(f"people of the list without labels: {len(unlabelled)}, {', '.join(unlabelled[:5])}")
    return notes


def _person(identity: str, path: Path, base: FrameBase) -> pa.Table:
    sheet = read_sheet(path, _columns)
    aus = [name for name in sheet.numbers if name != "frame"]
    check_values(sheet, aus, (0, 1, NOT_CODABLE))
    frames = source_frames(sheet, "frame", base)
    coded = {au: np.where(sheet.numbers[au] == NOT_CODABLE, np.nan, sheet.numbers[au]) for au in aus}
    return clip_labels((identity, VIDEO, 0), frames, coded)


def _columns(names: list[str], where: str) -> Columns:
    frames = [position for position, name in enumerate(names) if _FRAME.fullmatch(name)]
    aus = au_positions(names, where)
    if len(frames) != 1 or not aus:
        shown = ",".join(names[:4])
        raise ManifestError(
            f"{where}: the header begins {shown!r}; it must name one column frame, and AUs like AU1 or 1"
        )
    return Columns(numbers={"frame": frames[0], **aus})
