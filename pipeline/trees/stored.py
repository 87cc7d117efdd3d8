"""A tree in a store, listed with few requests."""

from dataclasses import dataclass, field

from tcae.manifests.stores import Stored, StorePath, scan, scan_all

MANY = 64
"""Folders in one folder, from which on each is asked for with all that is below it.

VoxCeleb2's six thousand people are six thousand requests then; their 150,000 videos would be as many.
"""


@dataclass(slots=True)
class StoredFolders:
    """The folders of one tree."""

    root: StorePath
    _crowded: set[str] = field(default_factory=set)
    """Folders that have many folders."""
    _known: dict[str, list[Stored]] = field(default_factory=dict)
    """What lies in the folders of the part of the tree that was asked for last, as a tree is walked part by part."""

    def scan(self, folder: str) -> list[Stored]:
        """What lies in a folder, in any order.

        Raises:
            FileNotFoundError: there is no such folder.
            StoreError: the store refuses us, or cannot be reached.
        """
        if folder in self._known:
            return self._known[folder]
        if folder and folder.rpartition("/")[0] in self._crowded:
            part = scan_all(self.root / folder)
            self._known = {f"{folder}/{path}" if path else folder: found for path, found in part.items()}
            if folder in self._known:
                return self._known[folder]
        found = scan(self.root / folder)
        if sum(entry.is_folder for entry in found) >= MANY:
            self._crowded.add(folder)
        return found
