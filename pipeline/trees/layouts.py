"""What a source tree may look like: one small function per layout, from a tree to clips."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from tcae.manifests.rows import Clip
from tcae.pipeline.trees.names import check_name, plain, printable, printable_path, stem_of, suffix_of
from tcae.pipeline.trees.voxceleb import (
    CROP,
    DUMPS,
    NAMES_CSV,
    TrackFolders,
    bases_of,
    dataset_of,
    identities_of_names,
    official_split,
    unit_of,
)
from tcae.pipeline.trees.walk import VIDEO_SUFFIXES, Entry, NotAFileError, Tree

NO_VIDEO = "-"
"""Stands for the video of a refused entry that lies above the videos."""

_FOLDERS_ONLY: frozenset[str] = frozenset()


class Extras(TypedDict, total=False):
    """Columns of ``Clip`` that only some layouts fill."""

    start_seconds: float
    end_seconds: float
    track_path: str | None
    track_unit: str | None
    official_split: str | None


@dataclass(slots=True)
class Shelf:
    """One source tree and what a layout finds out about it on the way."""

    tree: Tree
    tracks: str = "auto"
    """``auto``, ``use`` or ``ignore``: see ``sources.SourceConfig``."""
    notes: list[str] = field(default_factory=list)
    """What the user should be told besides the clips."""
    _count: tuple[tuple[str, str] | None, int] = (None, 0)

    def clip(
        self,
        layout: str,
        names: tuple[str, str, str],
        entry: Entry,
        media: str = "video",
        **extras: Unpack[Extras],
    ) -> Clip:
        """One row; the entry's problem, or that of its identity, video or name, is its reason.

        ``clip`` counts the rows of one video as they come; ``number_clips`` decides, and most often agrees.
        """
        identity, video, name = map(plain, names)
        problem = entry.problem or check_name(identity) or check_name(video) or check_name(name)
        if problem:
            identity, video, name = map(printable, (identity, video, name))
        counted, number = self._count
        self._count = (identity, video), (number + 1 if counted == (identity, video) else 0)
        return Clip(
            identity=identity,
            video=video,
            clip=self._count[1],
            name=name,
            layout=layout,
            source=str(self.tree.root),
            path=printable_path(entry.path) if problem else entry.path,
            media=media,
            num_bytes=entry.num_bytes,
            modified_ns=entry.modified_ns,
            reason=problem.reason if problem else None,
            detail=str(problem) if problem else None,
            **extras,
        )

    def row(self, layout: str, chain: tuple[Entry, ...], media: str = "video") -> Clip:
        """The row of a clip below its identity and video, or of a refused entry anywhere on the way to one."""
        video = chain[1].name if len(chain) > 1 else NO_VIDEO
        return self.clip(layout, (chain[0].name, video, chain[-1].name), chain[-1], media)


Layout = Callable[[Shelf, str], Iterator[Clip]]
"""From a tree, and the layout's own name, to its clips; their numbers are provisional."""


def _as_file(entry: Entry) -> Entry | None:
    """A clip that must be a file; None for a folder that nobody would take for one."""
    if entry.problem or not entry.is_folder:
        return entry
    if suffix_of(entry.name) not in VIDEO_SUFFIXES:
        return None
    return entry._replace(problem=NotAFileError(f"{entry.name} is a folder, not a video file"))


def voxceleb(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """``[dev|test/][mp4/]<id>/<video>/<NNNNN>.<any video extension>``, with ``txt`` files in a parallel tree.

    VoxCeleb's numbers say which of the two an identity is of; ``layout`` is for other names.
    """
    for base in bases_of(shelf.tree):
        folders = TrackFolders(shelf.tree.root, base)
        datasets = set()
        for chain in shelf.tree.chains(base):
            last = _as_file(chain[-1])
            if last is None:
                continue
            dataset = dataset_of(chain[0].name) or layout
            datasets.add(dataset)
            if last.problem:
                yield shelf.row(dataset, (*chain[:-1], last))
                continue
            identity, video, name = (entry.name for entry in chain)
            track = folders.find(identity, video, stem_of(name)) if _takes_tracks(shelf.tracks, dataset) else None
            yield shelf.clip(
                dataset,
                (identity, video, name),
                last,
                track_path=track,
                track_unit=unit_of(dataset) if track else None,
                official_split=official_split(identity, shelf.tree.root, base),
            )
        if folders.bases and shelf.tracks == "auto" and "voxceleb2" in datasets:
            shelf.notes.append(
                "VoxCeleb2's own files are cropped around the person already, so its txt track files are not used; "
                "if yours show the whole frame, say --tracks use"
            )


def _takes_tracks(tracks: str, dataset: str) -> bool:
    return tracks == "use" or (tracks == "auto" and dataset == "voxceleb1")


def clips(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """``<id>/<video>/<clip>`` with any names: video files and folders of pictures, or (``images``) only the latter."""
    suffixes = VIDEO_SUFFIXES if layout == "clips" else _FOLDERS_ONLY
    for chain in shelf.tree.chains(suffixes=suffixes):
        last = _as_file(chain[-1]) if suffixes else None
        if last is None:
            last = chain[-1] if chain[-1].problem else shelf.tree.pictures(chain[-1])
            yield shelf.row(layout, (*chain[:-1], last), "images")
        else:
            yield shelf.row(layout, (*chain[:-1], last))


def flat(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """A folder of videos: each file is its own identity and its own video."""
    shelf.notes.append(
        "warning: in a flat folder each file is taken for another person; if one person has several files, sort them "
        "into <id>/<video>/<clip>, or the splits will share people"
    )
    for (found,) in shelf.tree.chains(depth=1):
        entry = _as_file(found)
        if entry is not None:
            stem = stem_of(entry.name)
            yield shelf.clip(layout, (stem, stem, entry.name), entry)


def face_dump(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """VoxCeleb1's face images by celebrity: ``<Name>/1.6/<video>/<track>/*.jpg``, or without the level of tracks.

    They lie below ``unzippedIntervalFaces/data`` or ``unzippedFaces`` of the source, or right in it.
    """
    base = _dump_base(shelf)
    identity_of = identities_of_names(shelf.tree.root, base)
    if identity_of is None:
        shelf.notes.append(f"warning: there is no {NAMES_CSV} in the source: each celebrity's name is the identity")
    unknown = []
    for person in shelf.tree.entries(base, _FOLDERS_ONLY):
        identity = (identity_of or {}).get(person.name, person.name)
        if identity_of is not None and person.name not in identity_of:
            unknown.append(printable(person.name))
        split = official_split(identity, shelf.tree.root, base)
        for chain in _faces_of(shelf.tree, person):
            last = chain[-1] if chain[-1].problem else shelf.tree.pictures(chain[-1])
            video = chain[1].name if len(chain) > 1 else NO_VIDEO
            yield shelf.clip(layout, (identity, video, last.name), last, "images", official_split=split)
    if unknown:
        shown = ", ".join(unknown[:3])
        shelf.notes.append(f"warning: {len(unknown)} names are not in {NAMES_CSV} and stay names: {shown}, ...")


def _dump_base(shelf: Shelf) -> str:
    """The folder of the celebrities' names; the two dumps show the same people, so one is taken."""
    found = [name for name in DUMPS if name in shelf.tree.folders()]
    if len(found) > 1:
        shelf.notes.append(
            f"{found[1]} shows the same people as {found[0]} and is left out; name it to take it instead"
        )
    base = found[0] if found else ""
    if "data" in shelf.tree.folders(base):
        return f"{base}/data".lstrip("/")
    return base


def _faces_of(tree: Tree, person: Entry) -> Iterator[tuple[Entry, ...]]:
    """The clips of one name: (person, video, track), or (person, video) where pictures lie in the video's folder."""
    if person.problem:
        yield (person,)
        return
    crop = f"{person.path}/{CROP}" if CROP in tree.folders(person.path) else person.path
    for chain in tree.chains(crop, 1, _FOLDERS_ONLY, (person,)):
        if chain[-1].problem or not tree.folders(chain[-1].path):
            yield chain
        else:
            yield from tree.chains(chain[-1].path, 1, _FOLDERS_ONLY, chain)
