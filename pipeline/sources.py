"""Source trees in, clips out: what ``--source``, ``--layout`` and ``--tracks`` mean."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tcae.manifests.errors import ConfigError
from tcae.manifests.places import Place, is_folder, is_url
from tcae.manifests.rows import Clip
from tcae.manifests.stores import StorePath, find, scan
from tcae.pipeline.trees import guess
from tcae.pipeline.trees.annotated import annotated, loose_pictures, rafdb
from tcae.pipeline.trees.layouts import Layout, Shelf, clips, face_dump, flat, voxceleb
from tcae.pipeline.trees.names import BadNameError, printable, printable_path
from tcae.pipeline.trees.numbering import number_clips
from tcae.pipeline.trees.originals import originals
from tcae.pipeline.trees.walk import NoPicturesError, Tree, UnreadableError

_LAYOUTS: dict[str, tuple[Layout, str]] = {
    "voxceleb2": (voxceleb, "[dev|test/]mp4/<id>/<video>/<NNNNN>.mp4"),
    "voxceleb1": (voxceleb, "<id1NNNN>/<video>/<NNNNN>.mp4"),
    "voxceleb1-images": (face_dump, "unzippedIntervalFaces/data/<Name>/1.6/<video>/<track>/*.jpg"),
    "originals": (originals, "<id>/<video>.mp4 and txt/<id>/<video>/<NNNNN>.txt"),
    "clips": (clips, "<id>/<video>/<clip>"),
    "images": (clips, "<id>/<video>/<clip>/*.jpg"),
    "flat": (flat, "*.mp4"),
    "bp4d": (annotated, "[.../]<F001>/<T1>/*.jpg or [.../]<F001>/<T1>.mp4"),
    "disfa": (annotated, "[.../]LeftVideo<SN001>*.avi or folders of pictures of that name, or [.../]<SN001>/*.jpg"),
    "gft": (annotated, "[.../]<001A>*.mp4 or [.../]<001A>/*.jpg"),
    "biwi": (annotated, "[.../]<01>/frame_00003_rgb.png"),
    "rafdb": (rafdb, "[Image/aligned/]<train_00001>_aligned.jpg"),
    "pictures": (loose_pictures, "[.../]<picture>.jpg, each of them another person"),
}

_UNGUESSED = frozenset({"bp4d", "disfa", "gft", "biwi", "rafdb", "pictures"})
"""What ``auto`` never takes a tree for: their names must be asked for, because labels depend on them."""

LAYOUTS: tuple[str, ...] = ("auto", *_LAYOUTS)
"""What ``--layout`` may be."""

TRACKS: tuple[str, ...] = ("auto", "use", "ignore")
"""What ``--tracks`` may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """Which trees are listed, and as what."""

    sources: tuple[Place, ...]
    """The trees; identities must not be shared between them."""
    layout: str = "auto"
    """What every tree looks like; ``auto`` looks at each and says what it took it for."""
    tracks: str = "auto"
    """Whether VoxCeleb's ``txt`` track files cut clips and name their person.

    ``use`` and ``ignore`` mean that. ``auto`` uses them with full-length originals and with VoxCeleb1, of which no
    official video exists, so that files of utterances were cut from originals and show the whole frame. It ignores them
    with VoxCeleb2's files of utterances: those are already cropped around the person, while the track files measure in
    the original frame.
    """

    def __post_init__(self) -> None:
        if not self.sources:
            raise ConfigError("no source tree was named; name one with --source PATH")
        if self.layout not in LAYOUTS:
            raise ConfigError(f"the layout {self.layout!r} is unknown; it must be one of {', '.join(LAYOUTS)}")
        if self.tracks not in TRACKS:
            raise ConfigError(f"tracks is {self.tracks!r}; it must be one of {', '.join(TRACKS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Every clip of the sources."""

    clips: list[Clip]
    """Sorted by key; one that cannot be taken carries ``reason`` and ``detail``."""
    notes: list[str]
    """For each source what it was taken for and how much it has, then what else the user should know about it."""


def list_clips(config: SourceConfig, known: Iterable[Clip] = ()) -> Listing:
    """List all clips of all sources and number them.

    Args:
        config: The sources.
        known: The rows of earlier listings. Their clips keep their numbers, also when the source has moved. Rows of
            clips that are gone must be kept and passed on, or their numbers would be given again.

    Raises:
        ConfigError: a source is missing, empty, given twice or not recognised, or two share an identity.
    """
    roots = [_root(path) for path in config.sources]
    _refuse_twice(roots)
    found: list[Clip] = []
    notes: list[str] = []
    for root in roots:
        of_source, lines = _list_source(root, config)
        found += of_source
        notes += lines
    if len(roots) > 1:
        _refuse_shared(found)
    return Listing(clips=number_clips(_refuse_twins(found), known), notes=notes)


def _root(path: Place) -> Place:
    """The source as an absolute place that a table can hold."""
    root = path.absolute()
    try:
        str(root).encode()
    except UnicodeEncodeError:
        raise ConfigError(f"the source {printable(str(path))} has bytes in its path that are not UTF-8") from None
    try:
        is_folder = stat.S_ISDIR(root.stat().st_mode) if isinstance(root, Path) else _is_stored(root)
    except OSError as error:
        raise ConfigError(
            f"there is no source tree at {path} ({error.strerror}); name the folder of your videos with --source PATH"
        ) from error
    if not is_folder:
        raise ConfigError(f"the source {path} is a file; --source takes the folder that holds the clips")
    return root


def _is_stored(root: StorePath) -> bool:
    """Whether a store has a folder there, not an object; raises FileNotFoundError where it has neither."""
    return bool(scan(root)) or is_folder(root)


def _refuse_twice(roots: list[Place]) -> None:
    seen: dict[Place, Place] = {}
    for root in roots:
        first = seen.setdefault(root.resolve() if isinstance(root, Path) else root, root)
        if first is not root:
            raise ConfigError(f"the sources {first} and {root} are the same folder; name it once")


def _list_source(root: Place, config: SourceConfig) -> tuple[list[Clip], list[str]]:
    """The clips of one tree, and the lines that tell what it was taken for."""
    shelf = Shelf(Tree(root), config.tracks)
    try:
        layout = config.layout if config.layout != "auto" else guess.layout_of(shelf.tree, config.tracks)
        shelf.tree.strays.clear()
        found = list(_LAYOUTS[layout][0](shelf, layout)) if layout else []
    except UnreadableError as error:
        raise ConfigError(f"the source {root} cannot be listed: {error}") from error
    if layout is None or all(clip.reason == NoPicturesError.reason for clip in found):
        guessed = (shape for name, (_, shape) in _LAYOUTS.items() if name not in _UNGUESSED)
        looked_for = _LAYOUTS[layout][1] if layout else "; ".join(guessed)
        raise ConfigError(
            f"no clip was found in {root}; looked for {looked_for} (any extension of its kind). "
            "Name another tree with --source PATH or its shape with --layout"
        )
    if shelf.tree.strays:
        shelf.notes.append(
            f"warning: {len(shelf.tree.strays)} video files lie above the level of the clips and are left out, "
            f"e.g. {printable_path(shelf.tree.strays[0])}"
        )
    found = _settle_splits(shelf, found)
    return found, [_summary(root, layout, found), *(f"{root}: {note}" for note in shelf.notes)]


def _settle_splits(shelf: Shelf, found: list[Clip]) -> list[Clip]:
    """An identity that lies in both ``dev`` and ``test`` of one tree is one of test, so that no one trains on it."""
    halves = {split: {clip.identity for clip in found if clip.official_split == split} for split in ("dev", "test")}
    both = halves["dev"] & halves["test"]
    if not both:
        return found
    shelf.notes.append(f"warning: {len(both)} identities are in both dev and test and count as test, e.g. {min(both)}")
    return [replace(clip, official_split="test") if clip.identity in both else clip for clip in found]


def _summary(root: Place, layout: str, found: list[Clip]) -> str:
    """What a tree was taken for, and what it has."""
    usable = [clip for clip in found if clip.reason is None]
    videos = {(clip.identity, clip.video) for clip in usable}
    taken_for = " and ".join(sorted({clip.layout for clip in usable})) or layout
    refused = f"; {len(found) - len(usable)} entries refused" if len(usable) < len(found) else ""
    return (
        f"{root}: taken for {taken_for}, {_LAYOUTS[layout][1]}: {len(usable)} clips in {len(videos)} videos of "
        f"{len({identity for identity, _ in videos})} identities{refused}"
    )


def _refuse_shared(found: list[Clip]) -> None:
    """Stop where two sources have the same person: their clips would be mixed."""
    source_of: dict[str, str] = {}
    for clip in found:
        first = source_of.setdefault(clip.identity, clip.source) if clip.reason is None else clip.source
        if first != clip.source:
            raise ConfigError(
                f"the identity {clip.identity} is in both {first} and {clip.source}; identities must not be shared: "
                "rename one of the folders or leave a source out"
            )


def _refuse_twins(found: list[Clip]) -> list[Clip]:
    """Refuse all but one of the clips whose identity, video and name are spelled alike after NFC."""
    first: dict[tuple[str, str, str], str] = {}
    for clip in found:
        key = (clip.identity, clip.video, clip.name)
        if clip.reason is None:
            first[key] = min(first.get(key, clip.path), clip.path)
    if len(first) == len(found):
        return found
    return [_without_twin(clip, first.get((clip.identity, clip.video, clip.name))) for clip in found]


def _without_twin(clip: Clip, first: str | None) -> Clip:
    if clip.reason is not None or clip.path == first:
        return clip
    detail = f"{clip.path} has the same identity, video and name as {first}; rename one of them"
    return replace(clip, reason=BadNameError.reason, detail=detail)


def inputs_of(clip: Clip) -> str:
    """What the clip's frames depend on, for ``provenance.fingerprint``: no path, so that a moved tree is not redone.

    Size and time of the media, the cut, and size and time of the track file if one is used.

    Raises:
        StoreError: the track file lies in a store that cannot be asked.
    """
    parts = [clip.media, str(clip.num_bytes), str(clip.modified_ns)]
    if clip.start_seconds is not None or clip.end_seconds is not None:
        parts.append(f"{clip.start_seconds}-{clip.end_seconds}")
    if clip.track_path is not None:
        parts.append(f"{clip.track_unit} {_state(clip.source, clip.track_path)}")
    return " ".join(parts)


def _state(source: str, path: str) -> str:
    """A file's size and time, or what keeps us from them."""
    if is_url(source):
        found = find(StorePath(source) / path)
        return f"{found.num_bytes} {found.modified_ns}" if found else FileNotFoundError.__name__
    try:
        state = os.stat(os.path.join(source, path))  # noqa: PTH116, PTH118 (called per clip)
    except OSError as error:
        return type(error).__name__
    return f"{state.st_size} {state.st_mtime_ns}"
