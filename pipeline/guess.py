"""What a source tree is, judged by the first clip that is found in it."""

from tcae.pipeline.names import stem_of
from tcae.pipeline.originals import track_bases
from tcae.pipeline.trees import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Entry, Tree
from tcae.pipeline.voxceleb import MEDIA, bases_of, dataset_of


def layout_of(tree: Tree, tracks: str = "auto") -> str | None:
    """The layout that a tree has; None where no clip is found.

    Looks, in this order, for videos at the third level, pictures in folders, videos at the second level, and videos in
    the root itself; stops at the first. Full-length originals are told by a track folder with the video's name.

    Raises:
        UnreadableError: the root cannot be listed.
    """
    if {"unzippedFaces", "unzippedIntervalFaces"} & set(tree.folders()):
        return "voxceleb1-images"
    bases = bases_of(tree)
    for base in bases:
        chain = _first(tree, base, 3, VIDEO_SUFFIXES)
        if chain:
            return _of_three_levels(tree, base, chain, tracks)
    if any(
        (dump := _first(tree, base, depth, IMAGE_SUFFIXES)) and dump[1].name == "1.6"
        for base in bases
        for depth in (4, 5)
    ):
        return "voxceleb1-images"
    if any(_first(tree, base, 4, IMAGE_SUFFIXES) for base in bases):
        return "images"
    if any(_first(tree, base, 2, VIDEO_SUFFIXES) for base in bases):
        return "originals"
    if _first(tree, "", 1, VIDEO_SUFFIXES):
        return "originals" if tracks != "ignore" and track_bases(tree) else "flat"
    return None


def _first(tree: Tree, base: str, depth: int, suffixes: frozenset[str]) -> tuple[Entry, ...] | None:
    """The first usable file at a depth, with its folders."""
    chains = tree.chains(base, depth, suffixes)
    return next((chain for chain in chains if not chain[-1].problem and not chain[-1].is_folder), None)


def _of_three_levels(tree: Tree, base: str, chain: tuple[Entry, ...], tracks: str) -> str:
    identity, parent, name = (entry.name for entry in chain)
    if tracks != "ignore" and any(
        (tree.root / folder / parent / stem_of(name)).is_dir() for folder in track_bases(tree)
    ):
        return "originals"
    return dataset_of(identity) or ("voxceleb2" if base.endswith(MEDIA) else "clips")
