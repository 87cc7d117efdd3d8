"""Full-length videos as VoxCeleb's authors found them, cut into clips by the track files."""

from collections.abc import Iterator

from tcae.manifests.places import at_hand
from tcae.manifests.rows import Clip
from tcae.pipeline.trees.layouts import Shelf
from tcae.pipeline.trees.names import stem_of
from tcae.pipeline.trees.trackfiles import TrackFileError, read_track_file
from tcae.pipeline.trees.voxceleb import SPLITS, TRACKS, TrackFolders, bases_of, dataset_of, official_split, unit_of
from tcae.pipeline.trees.walk import Entry, Tree, UnreadableError

TRACK_SUFFIXES = frozenset({".txt"})

_DEPTH = 4


def track_bases(tree: Tree) -> list[str]:
    """The folders of track files that belong to a tree, relative to its root."""
    found = [base for start in ["", *bases_of(tree), *SPLITS] for base in TrackFolders(tree.root, start).bases]
    return list(dict.fromkeys(found))


def originals(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """``<...>/<video>.<ext>``; each ``txt/<id>/<video>/<NNNNN>.txt`` cuts one clip out of its video.

    Where there are no track files, or they are to be ignored, each ``<id>/<video>.<ext>`` is one clip.
    """
    bases = track_bases(shelf.tree) if shelf.tracks != "ignore" else []
    if not bases:
        yield from _whole(shelf, layout)
        return
    films: dict[str, list[Entry]] = {}
    for entry in _films(shelf.tree):
        films.setdefault(stem_of(entry.name), []).append(entry)
    absent: set[str] = set()
    used: set[str] = set()
    for base in bases:
        for chain in shelf.tree.chains(base, 3, TRACK_SUFFIXES):
            if len(chain) < 3 or chain[-1].is_folder:
                if chain[-1].problem:
                    yield shelf.row(layout, chain)
                continue
            film = _film_of(films.get(chain[1].name, []), chain[0].name)
            if film is None:
                absent.add(chain[1].name)
                continue
            used.add(film.path)
            yield _cut(shelf, layout, base, chain, film)
    yield from _rest(shelf, layout, films, used)
    if absent:
        shelf.notes.append(
            f"{len(absent)} videos have track files but are not here, e.g. {min(absent)}: nothing to cut"
        )


def _rest(shelf: Shelf, layout: str, films: dict[str, list[Entry]], used: set[str]) -> Iterator[Clip]:
    """Say which originals no track names; those that cannot be read are refused."""
    rest = [film for same in films.values() for film in same if film.path not in used]
    for film in rest:
        if film.problem:
            yield shelf.clip(layout, (_parent(film) or stem_of(film.name), stem_of(film.name), film.name), film)
    usable = sorted(film.path for film in rest if not film.problem)
    if usable:
        shelf.notes.append(f"warning: {len(usable)} videos have no track file and are left out, e.g. {usable[0]}")


def _whole(shelf: Shelf, layout: str) -> Iterator[Clip]:
    """Each ``<id>/<video>.<ext>`` as one clip."""
    for base in bases_of(shelf.tree):
        for chain in shelf.tree.chains(base, 2):
            *_, last = chain
            identity = chain[0].name
            if last.problem or not last.is_folder:
                video = stem_of(last.name) if len(chain) > 1 else "-"
                split = official_split(identity, shelf.tree.root, base)
                yield shelf.clip(layout, (identity, video, last.name), last, official_split=split)


def _films(tree: Tree, folder: str = "", depth: int = _DEPTH) -> Iterator[Entry]:
    """Every video file up to four levels deep, and every folder that cannot be listed; not the track files' folders."""
    for entry in tree.entries(folder):
        if not entry.is_folder or entry.problem:
            yield entry
        elif depth > 1 and entry.name != TRACKS:
            try:
                yield from _films(tree, entry.path, depth - 1)
            except UnreadableError as error:
                yield entry._replace(problem=error)


def _parent(film: Entry) -> str:
    return film.path.rpartition("/")[0].rpartition("/")[2]


def _film_of(same: list[Entry], identity: str) -> Entry | None:
    """Of the videos with the right name the one in the person's own folder, else the first."""
    own = [film for film in same if _parent(film) == identity]
    return next(iter(own or same), None)


def _cut(shelf: Shelf, layout: str, base: str, chain: tuple[Entry, ...], film: Entry) -> Clip:
    """One track of one original."""
    identity, video, text = chain
    names = (identity.name, video.name, text.name)
    if text.problem or film.problem:
        return shelf.clip(layout, names, film._replace(problem=text.problem or film.problem))
    split = official_split(identity.name, shelf.tree.root, base)
    try:
        with at_hand(shelf.tree.root / text.path) as file:
            track = read_track_file(file)
    except TrackFileError as error:
        return shelf.clip(layout, names, film._replace(problem=error), official_split=split)
    dataset = dataset_of(identity.name)
    return shelf.clip(
        layout,
        names,
        film,
        start_seconds=track.start_seconds,
        end_seconds=track.end_seconds,
        track_path=text.path,
        track_unit=unit_of(dataset) if dataset else track.unit,
        official_split=split,
    )
