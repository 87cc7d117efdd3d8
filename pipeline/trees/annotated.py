"""What the source trees of labelled sets look like: clips under the names that the sets' labels give them.

Convention:
    A labelled set has one file, or one folder of pictures, for each video, so its clips all have the number 0: a
    clip's name is its video, whatever its file is called, and of two files for one video the second is refused.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from tcae.manifests.rows import Clip
from tcae.pipeline.datasets.keys import PICTURE, picture_identity
from tcae.pipeline.trees.layouts import NO_VIDEO, Shelf
from tcae.pipeline.trees.names import stem_of
from tcae.pipeline.trees.walk import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Entry, NoPicturesError, Tree, UnreadableError

_DEPTH = 8

_VideoOf: TypeAlias = Callable[[re.Match[str]], str]

_SHAPES: dict[str, tuple[re.Pattern[str], _VideoOf]] = {
    "bp4d": (re.compile(r"(?:.*/)?(?P<identity>[FM]\d{3})/(?P<task>T\d+)"), lambda found: found["task"]),
    "disfa": (
        re.compile(r"(?:.*/)?(?:(?P<side>Left|Right)Video)?(?P<identity>SN\d{3})(?(side)[^/]*)"),
        lambda found: (found["side"] or "left").lower(),
    ),
    "gft": (re.compile(r"(?:.*/)?(?P<identity>\d{3}[A-Z])(?:[^A-Za-z0-9/][^/]*)?"), lambda _: "video"),
    "biwi": (re.compile(r"(?:.*/)?(?P<identity>\d{2})"), lambda found: found["identity"]),
}
"""What the path of a clip ends in, without the extension, and how its video is called."""

_ALIGNED = "_aligned"


def annotated(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """The videos and folders of pictures whose paths have the set's shape, however deep they lie."""
    shape, video_of = _SHAPES[layout]
    for entry, found in _clips_below(shelf.tree, shape):
        media = "images" if entry.is_folder else "video"
        if found is None:
            yield shelf.clip(layout, (entry.name, NO_VIDEO, entry.name), entry, media)
        else:
            video = video_of(found)
            yield shelf.clip(layout, (found["identity"], video, video), entry, media)


def _clips_below(
    tree: Tree, shape: re.Pattern[str], folder: str = "", depth: int = _DEPTH
) -> Iterator[tuple[Entry, re.Match[str] | None]]:
    """Fitting files and folders of pictures; with no match a folder that cannot be listed."""
    for found in tree.entries(folder, VIDEO_SUFFIXES):
        match = shape.fullmatch(stem_of(found.path))
        entry = tree.pictures(found) if match and found.is_folder and not found.problem else found
        if match and not isinstance(entry.problem, NoPicturesError):
            yield entry, match
        elif found.is_folder and not found.problem and depth > 1:
            try:
                yield from _clips_below(tree, shape, found.path, depth - 1)
            except UnreadableError as error:
                yield found._replace(problem=error), None


def loose_pictures(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """Every picture in the tree is a clip, and a person, of its own: sets of single photographs."""
    for entry in _pictures_below(shelf.tree):
        yield shelf.clip(layout, (picture_identity(entry.path), PICTURE, PICTURE), entry, "images")


def rafdb(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """RAF-DB's aligned faces: ``Image/aligned/train_00001_aligned.jpg`` is ``train_00001``."""
    tree = shelf.tree
    base = next((base for base in ("Image/aligned", "aligned") if base.rpartition("/")[2] in _folders(tree, base)), "")
    for entry in _pictures_below(tree, base, depth=1):
        identity = picture_identity(entry.name).removesuffix(_ALIGNED)
        yield shelf.clip(layout, (identity, PICTURE, PICTURE), entry, "images")


def _folders(tree: Tree, path: str) -> list[str]:
    return tree.folders(path.rpartition("/")[0])


def _pictures_below(tree: Tree, folder: str = "", depth: int = _DEPTH) -> Iterator[Entry]:
    """Every picture file down to a depth, and every folder that cannot be listed."""
    for entry in tree.entries(folder, IMAGE_SUFFIXES):
        if entry.problem or not entry.is_folder:
            yield entry
        elif depth > 1:
            try:
                yield from _pictures_below(tree, entry.path, depth - 1)
            except UnreadableError as error:
                yield entry._replace(problem=error)
