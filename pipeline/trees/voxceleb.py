"""What VoxCeleb's own trees mean: which data set, which split, where the track files lie, whose faces."""

import csv
import os
import re
from dataclasses import dataclass, field
from functools import lru_cache

from tcae.manifests.errors import ConfigError
from tcae.manifests.places import Place, at_hand, is_file, is_folder, names_in
from tcae.pipeline.trees.names import printable
from tcae.pipeline.trees.walk import Tree

SPLITS = ("dev", "test")
"""The folders of VoxCeleb's own split."""

MEDIA = "mp4"
"""The folder of VoxCeleb2's media."""

TRACKS = "txt"
"""The folder of the track files, beside ``mp4`` or beside the identities."""

NAMES_CSV = "vox1_meta.csv"
"""From celebrity names to identities, tab-separated; published with VoxCeleb1."""

DUMPS = ("unzippedIntervalFaces", "unzippedFaces")
"""The folders of VoxCeleb1's face images; the first has a level of tracks."""

CROP = "1.6"
"""The level below a celebrity's name: how much wider than the box the pictures are."""

_NUMBERED = re.compile(r"id[01][0-9]{4}")
_FIRST_TEST, _LAST_TEST = "id10270", "id10309"


@lru_cache(maxsize=256)
def dataset_of(identity: str) -> str | None:
    """``voxceleb1`` for id10000 to id19999, ``voxceleb2`` for id00000 to id09999, None for any other name."""
    if not _NUMBERED.fullmatch(identity):
        return None
    return "voxceleb1" if identity[2] == "1" else "voxceleb2"


def unit_of(dataset: str) -> str:
    """What the data set's track files measure in (``trackfiles.UNITS``)."""
    return "px360" if dataset == "voxceleb1" else "fraction"


@lru_cache(maxsize=256)
def official_split(identity: str, root: Place, base: str) -> str | None:
    """``dev`` or ``test`` as VoxCeleb assigns it, None where it does not.

    Args:
        identity: VoxCeleb1's test identities are id10270 to id10309, its other ones dev.
        root: The source. ``.../test/mp4`` and a ``.../test`` that has ``mp4`` say the split too.
        base: The folder of the identities, relative to ``root``, e.g. ``dev/mp4``.
    """
    if dataset_of(identity) == "voxceleb1":
        return "test" if _FIRST_TEST <= identity <= _LAST_TEST else "dev"
    around = root.parent.name if root.name == MEDIA else root.name if base.startswith(MEDIA) else ""
    return next((part for part in (*base.split("/"), around) if part in SPLITS), None)


def bases_of(tree: Tree) -> list[str]:
    """The folders that hold the identities: ``mp4``, ``dev/mp4``, ``test/mp4``, ``dev``, ``test``, or the root itself.

    ``dev`` and ``test`` without ``mp4`` count only if they hold VoxCeleb's ids: they may be people's names.
    """
    top = tree.folders()
    bases = [MEDIA] if MEDIA in top else []
    for split in SPLITS:
        inner = tree.folders(split) if split in top else []
        if MEDIA in inner:
            bases.append(f"{split}/{MEDIA}")
        elif any(map(dataset_of, inner)):
            bases.append(split)
    return bases or [""]


@dataclass(slots=True)
class TrackFolders:
    """The track files that belong to the media below one base."""

    root: Place
    """The source tree."""
    base: str
    """The folder of the identities."""
    bases: list[str] = field(init=False)
    """Folders of ``<id>/<video>/<NNNNN>.txt``, relative to ``root``, the nearest first."""
    _of_video: tuple[tuple[str, str], dict[str, str]] = field(init=False, default=(("", ""), {}))

    def __post_init__(self) -> None:
        here = self.root / self.base
        above = here.parent if here.name == MEDIA else here
        near = [above / TRACKS]
        if above.name in SPLITS:
            near += [above.parent / TRACKS / above.name, above.parent / TRACKS]
        self.bases = [os.path.relpath(folder, self.root) for folder in near if is_folder(folder)]

    def find(self, identity: str, video: str, stem: str) -> str | None:
        """The utterance's track file, relative to the source; also one that lies beside its media."""
        if self._of_video[0] != (identity, video):
            self._of_video = (identity, video), self._read(f"{identity}/{video}")
        return self._of_video[1].get(stem)

    def _read(self, folder: str) -> dict[str, str]:
        """The track files of one video by the stem of their names."""
        found: dict[str, str] = {}
        for base in [*self.bases, self.base]:
            path = f"{base}/{folder}" if base else folder
            names = names_in(self.root / path)
            found = {name[:-4]: f"{path}/{name}" for name in names if name.endswith(".txt")} | found
        return found


def identities_of_names(root: Place, base: str) -> dict[str, str] | None:
    """From celebrity names (``VGGFace1 ID``) to identities (``VoxCeleb1 ID``), by the ``vox1_meta.csv`` of the source.

    Args:
        root: The source; the file lies in it, or between it and ``base``, or (for a source that is itself a folder
            of the dump) up to two folders above.
        base: The folder of the names, relative to ``root``.

    Returns:
        The names' identities; None where there is no such file.

    Raises:
        ConfigError: the file is there and is not what its name says.
    """
    inside = [root / base, *(root / base).parents]
    folders = inside[: inside.index(root) + 1]
    if root.name in ("data", *DUMPS):
        folders += list(root.parents)[:2]
    files = (folder / NAMES_CSV for folder in folders)
    path = next((file for file in files if is_file(file)), None)
    if path is None:
        return None
    try:
        with at_hand(path) as file, file.open(encoding="utf-8-sig", newline="") as lines:
            rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter="\t") if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read as tab-separated text: {error}") from error
    if not rows or rows[0][:2] != ["VoxCeleb1 ID", "VGGFace1 ID"]:
        shown = printable(" ".join(rows[0][:2])) if rows else "nothing"
        raise ConfigError(
            f"{path} starts with {shown}; its columns must be VoxCeleb1 ID, VGGFace1 ID, ..., tab-separated"
        )
    return {row[1]: row[0] for row in rows[1:] if len(row) > 1}
