"""What a source tree is, judged by the first clip that is found in it."""

from tcae.manifests.places import is_folder
from tcae.pipeline.trees.names import stem_of
from tcae.pipeline.trees.originals import TRACK_SUFFIXES, track_bases
from tcae.pipeline.trees.voxceleb import CROP, DUMPS, MEDIA, bases_of, dataset_of
from tcae.pipeline.trees.walk import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Entry, Tree


def layout_of(tree: Tree, tracks: str = "auto") -> str | None:
    """The layout that a tree has; None where no clip is found.

    Looks, in this order, for videos at the third level, pictures in folders, videos at the second level, and videos in
    the root itself; stops at the first. Full-length originals are told by a track folder with the video's name.

    Raises:
        UnreadableError: the root cannot be listed.
    """
    top = {entry.name for entry in tree.entries() if entry.is_folder}
    if top.intersection(DUMPS):
        return "voxceleb1-images"
    bases = bases_of(tree)
    for base in bases:
        chain = _first(tree, base, 3, VIDEO_SUFFIXES)
        if chain:
            return _of_three_levels(tree, base, chain, tracks)
    if any(_is_dump(tree, base) for base in [*bases, *top.intersection({"data"})]):
        return "voxceleb1-images"
    if any(_first(tree, base, 4, IMAGE_SUFFIXES) for base in bases):
        return "images"
    if any(_first(tree, base, 2, VIDEO_SUFFIXES) for base in bases):
        return "originals"
    if _first(tree, "", 1, VIDEO_SUFFIXES):
        return "originals" if tracks != "ignore" and _has_tracks(tree) else "flat"
    return None


def _is_dump(tree: Tree, base: str) -> bool:
    """Whether the pictures lie below names with the level that tells the crop's enlargement."""
    found = [_first(tree, base, depth, IMAGE_SUFFIXES) for depth in (4, 5)]
    return any(chain is not None and chain[1].name == CROP for chain in found)


def _has_tracks(tree: Tree) -> bool:
    return any(_first(tree, base, 3, TRACK_SUFFIXES) for base in track_bases(tree))


def _first(tree: Tree, base: str, depth: int, suffixes: frozenset[str]) -> tuple[Entry, ...] | None:
    """The first usable file at a depth, with its folders."""
    chains = tree.chains(base, depth, suffixes)
    return next((chain for chain in chains if not chain[-1].problem and not chain[-1].is_folder), None)


def _of_three_levels(tree: Tree, base: str, chain: tuple[Entry, ...], tracks: str) -> str:
    identity, parent, name = (entry.name for entry in chain)
    if tracks != "ignore" and any(
        is_folder(tree.root / folder / parent / stem_of(name)) for folder in track_bases(tree)
    ):
        return "originals"
    return dataset_of(identity) or ("voxceleb2" if base.endswith(MEDIA) else "clips")
