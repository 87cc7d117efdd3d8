"""Walk a source tree one folder at a time; what is wrong with an entry is kept with it, never raised."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tcae.manifests.errors import ItemError
from tcae.manifests.places import Place
from tcae.manifests.stores import Stored, StorePath
from tcae.pipeline.trees.names import check_name, printable, printable_path, suffix_of
from tcae.pipeline.trees.numbering import natural
from tcae.pipeline.trees.stored import StoredFolders

# fmt: off
VIDEO_SUFFIXES = frozenset((
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".m2ts", ".m2v", ".m4v", ".mjpeg",
    ".mjpg", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".qt",
    ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m",
))
# fmt: on
"""What a video file's name may end in, in any case."""

IMAGE_SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".png"))
"""What a picture's name may end in, in any case."""


class UnreadableError(ItemError):
    """A file or folder of the source cannot be reached."""

    reason = "unreadable"


class NotAFileError(ItemError):
    """A folder, a pipe or a device has a video's name."""

    reason = "not_a_file"


class NoPicturesError(ItemError):
    """A folder that should be a clip has no picture."""

    reason = "no_pictures"


class Entry(NamedTuple):
    """One entry of a folder."""

    name: str
    """As the file system spells it."""
    path: str
    """Relative to the tree's root, with slashes."""
    is_folder: bool
    """Links are followed."""
    num_bytes: int = 0
    """Of a file; of all pictures for a folder of pictures."""
    modified_ns: int = 0
    """Of a file; of the newest picture for a folder of pictures."""
    problem: ItemError | None = None
    """Why it cannot be used."""


@dataclass(slots=True)
class Tree:
    """One source tree. Hidden entries and ``VISITED`` are passed over, and so are files of unknown suffix."""

    root: Place
    """Absolute."""
    strays: list[str] = field(default_factory=list)
    """Video files that ``chains`` met above the depth at which it looks for clips."""
    _stored: StoredFolders | None = None

    def entries(self, folder: str = "", suffixes: frozenset[str] = VIDEO_SUFFIXES) -> list[Entry]:
        """The folders of a folder and its files of given suffixes, in natural order.

        Raises:
            UnreadableError: the folder cannot be listed.
        """
        prefix = f"{folder}/" if folder else ""
        try:
            if isinstance(self.root, StorePath):
                self._stored = self._stored or StoredFolders(self.root)
                entries = _stored_entries(self._stored.scan(folder), prefix, suffixes)
            else:
                with os.scandir(self.root / folder) as listing:
                    found = [entry for entry in listing if _is_seen(entry.name)]
                entries = [entry for each in found if (entry := self._entry(each, prefix, suffixes))]
        except OSError as error:
            raise UnreadableError(f"the folder {printable_path(folder)} cannot be listed: {error.strerror}") from error
        return sorted(entries, key=lambda entry: natural(entry.name))

    def folders(self, folder: str = "") -> list[str]:
        """The names of a folder's usable folders; none where it cannot be listed."""
        try:
            return [entry.name for entry in self.entries(folder) if entry.is_folder and not entry.problem]
        except UnreadableError:
            return []

    def _entry(self, found: "os.DirEntry[str]", prefix: str, suffixes: frozenset[str]) -> Entry | None:
        """One entry with its size and time; None for a file of another suffix."""
        path = prefix + found.name
        wanted = suffix_of(found.name) in suffixes
        try:
            if found.is_dir():
                loop = self._loop(found) if found.is_symlink() else None
                return Entry(found.name, path, True, problem=check_name(found.name) or loop)
            if not wanted and (found.is_file() or not found.is_symlink()):
                return None
            state = found.stat()
        except OSError as error:
            what = "link" if found.is_symlink() else "file"
            broken = UnreadableError(f"the {what} {printable(found.name)} cannot be reached: {error.strerror}")
            return Entry(found.name, path, False, problem=check_name(found.name) or broken)
        special = (
            None if found.is_file() else NotAFileError(f"{printable(found.name)} is a pipe or a device, not a file")
        )
        problem = check_name(found.name) or special
        return Entry(found.name, path, False, state.st_size, state.st_mtime_ns, problem)

    def _loop(self, link: "os.DirEntry[str]") -> UnreadableError | None:
        """A link to a folder that it lies in would be walked again and again."""
        target, here = Path(link.path).resolve(), Path(link.path).parent.resolve()
        if here == target or here.is_relative_to(target):
            return UnreadableError(f"the link {printable(link.name)} leads back to a folder that it lies in")
        return None

    def chains(
        self,
        folder: str = "",
        depth: int = 3,
        suffixes: frozenset[str] = VIDEO_SUFFIXES,
        parents: tuple[Entry, ...] = (),
    ) -> Iterator[tuple[Entry, ...]]:
        """Every entry at a depth, with the folders that lead to it.

        Yields:
            The entries from the first level down to ``depth``. A chain whose last entry has a ``problem`` may be
            shorter; only last entries have one.
        """
        try:
            entries = self.entries(folder, suffixes)
        except UnreadableError as error:
            if not parents:
                raise
            yield *parents[:-1], parents[-1]._replace(problem=error)
            return
        for entry in entries:
            if entry.problem or depth == 1:
                yield *parents, entry
            elif entry.is_folder:
                yield from self.chains(entry.path, depth - 1, suffixes, (*parents, entry))
            else:
                self.strays.append(entry.path)

    def pictures(self, folder: Entry) -> Entry:
        """A folder as a clip of pictures: their total size and newest time, or a problem."""
        try:
            files = [entry for entry in self.entries(folder.path, IMAGE_SUFFIXES) if not entry.is_folder]
        except UnreadableError as error:
            return folder._replace(problem=error)
        usable = [entry for entry in files if not entry.problem]
        if not usable:
            wanted = ", ".join(sorted(IMAGE_SUFFIXES))
            return folder._replace(problem=NoPicturesError(f"the folder {folder.name} has no picture ({wanted})"))
        newest = max(entry.modified_ns for entry in usable)
        return folder._replace(num_bytes=sum(entry.num_bytes for entry in usable), modified_ns=newest)


def _is_seen(name: str) -> bool:
    return name[:1] not in (".", "") and name != "VISITED"


def _stored_entries(found: list[Stored], prefix: str, suffixes: frozenset[str]) -> list[Entry]:
    return [
        Entry(name, prefix + name, is_folder, num_bytes, modified_ns, check_name(name))
        for name, is_folder, num_bytes, modified_ns in found
        if _is_seen(name) and (is_folder or suffix_of(name) in suffixes)
    ]


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture."""
    return suffix_of(name) in IMAGE_SUFFIXES


def picture_files(folder: Path) -> list[Path]:
    """The pictures of one folder in the order of their numbers (natural order); of a picture's own path only that.

    Raises:
        UnreadableError: the folder cannot be listed.
    """
    if is_picture(folder.name) and not folder.is_dir():
        return [folder]
    entries = Tree(folder).entries("", IMAGE_SUFFIXES)
    return [folder / entry.name for entry in entries if not entry.is_folder and not entry.problem]
