"""Put a split on disk: the ``identities`` table and one pair index per split, all from one run or not at all."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tcae.manifests.errors import WorkspaceError
from tcae.manifests.locks import held
from tcae.manifests.pair_tables import FACES, PAIRS, TRACKS
from tcae.manifests.pairs import Pair, PairIndex
from tcae.manifests.rows import Identity
from tcae.manifests.splits import SPLITS, seeded_hash
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace
from tcae.pipeline.face_tracks import FaceTracks


def write_split(
    workspace: Workspace,
    identities: list[Identity],
    tracks: FaceTracks,
    provenance: Mapping[str, str],
    *,
    seed: int,
    pairs_per_identity: int,
) -> None:
    """Replace ``manifests/identities`` and ``manifests/pairs``.

    The whole set is written aside and then put in place by three renames, identities last. A reader of a set that was
    cut short between them is told so, because all tables carry one fingerprint.

    Args:
        workspace: Where.
        identities: Every row of the table, sorted by name as in ``tracks``.
        tracks: Those whose faces are in a pair.
        provenance: Goes into every table; its ``fingerprint`` must differ when anything else does.
        seed: Of the fixed lists.
        pairs_per_identity: Length of the fixed lists.

    Raises:
        WorkspaceError: the disk is full or read-only, or another split is being written.
    """
    with _alone(workspace):
        aside, before = workspace.manifest(".split.partial"), workspace.manifest(".split.before")
        for leftover in (aside, before):
            shutil.rmtree(leftover, ignore_errors=True)
        splits = np.array([row.split for row in identities], dtype=object)
        for name in SPLITS:
            folder = aside / "pairs" / name
            _write_index(folder, tracks.select((splits == name)[tracks.identity]), provenance)
            if name != "train":
                fixed = _fixed_pairs(PairIndex.open(folder), seed, pairs_per_identity)
                write_table(fixed, folder / "pairs.parquet", provenance)
        write_table(table_of(identities, Identity), aside / "identities.parquet", provenance)
        _swap(workspace, aside, before)


def digest(identities: list[Identity], tracks: FaceTracks) -> str:
    """A hash of all that the set is made of."""
    rows = table_of(identities, Identity).to_pylist()
    sha = hashlib.sha256(json.dumps([rows, tracks.video_names.to_pylist()]).encode())
    for array in (tracks.identity, tracks.video, tracks.clip, tracks.num_faces, tracks.frame, tracks.pts_seconds):
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def _swap(workspace: Workspace, aside: Path, before: Path) -> None:
    pairs, identities = workspace.manifest("pairs"), workspace.manifest("identities")
    identities.mkdir(parents=True, exist_ok=True)
    if pairs.exists():
        pairs.rename(before)
    (aside / "pairs").rename(pairs)
    (aside / "identities.parquet").replace(identities / "identities.parquet")
    for leftover in (aside, before):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Hold the stage's lock, and turn what the disk refuses into one line."""
    try:
        with held(workspace.lock("pairs", 0), f"the split of {workspace.root}"):
            yield
    except OSError as error:
        raise WorkspaceError(f"cannot write the pairs of {workspace.root}: {error.strerror}") from error


def _write_index(folder: Path, tracks: FaceTracks, provenance: Mapping[str, str]) -> None:
    names = pa.array(tracks.identity_names, pa.string())
    columns = {
        "identity": _named(tracks.identity, names),
        "video": _named(tracks.video, tracks.video_names),
        "clip": tracks.clip,
        "offset": np.cumsum(tracks.num_faces) - tracks.num_faces,
        "num_faces": tracks.num_faces.astype(np.int32),
    }
    faces = {"frame": tracks.frame, "pts_seconds": tracks.pts_seconds}
    write_table(pa.table(faces, schema=FACES), folder / "faces.parquet", provenance)
    write_table(pa.table(columns, schema=TRACKS), folder / "tracks.parquet", provenance)


def _named(indices: NDArray[np.int32], names: Any) -> Any:
    """A dictionary column with no name that does not occur."""
    used, codes = np.unique(indices, return_inverse=True)
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), names.take(pa.array(used)))


def _fixed_pairs(index: PairIndex, seed: int, wanted: int) -> Any:
    """The fixed list: for each identity different pairs, drawn as in training from the seed and the identity's name."""
    pairs = [pair for number in range(index.num_identities) for pair in _some_pairs(index, number, seed, wanted)]
    columns = {
        "identity": [pair.source.identity for pair in pairs],
        "video": [pair.source.video for pair in pairs],
        "source_clip": [pair.source.clip for pair in pairs],
        "source_frame": [pair.source.frame for pair in pairs],
        "target_clip": [pair.target.clip for pair in pairs],
        "target_frame": [pair.target.frame for pair in pairs],
    }
    return pa.table(columns, schema=PAIRS)


def _some_pairs(index: PairIndex, number: int, seed: int, wanted: int) -> list[Pair]:
    """Of few pairs a choice in which all are equally likely; of many, draws as in training until enough differ."""
    there = index.num_pairs_of(number)
    rng = np.random.default_rng(seeded_hash(seed, index.identity_names[number]))
    if there <= 4 * wanted:
        return [index.pair_at(number, int(pair)) for pair in rng.permutation(there)[:wanted]]
    drawn: dict[Pair, None] = {}
    while len(drawn) < wanted:
        drawn.setdefault(index.draw(number, rng))
    return list(drawn)
