"""The ``faces`` table as tracks: arrays instead of rows, so that ten million faces fit and are read in seconds."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tcae.manifests.errors import ManifestError
from tcae.manifests.rows import Clip, Face
from tcae.manifests.tables import read_table
from tcae.manifests.workspace import Workspace

NUM_READERS = 4
"""Threads that read parts; Parquet and sorting release the interpreter's lock."""

Ints = NDArray[np.int64]

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceTracks:
    """Every track of the ``faces`` table, sorted by identity, video and clip; faces in the order of their tracks."""

    identity_names: list[str]
    """Sorted; every identity of the ``clips`` or the ``faces`` table, with faces or without."""
    official_split: list[str | None]
    """Per identity ``dev`` or ``test``; ``test`` if any of its clips says so."""
    video_names: Any
    """Arrow strings, sorted."""
    identity: NDArray[np.int32]
    """(num_tracks,) index of the name."""
    video: NDArray[np.int32]
    """(num_tracks,) index of the name; two identities may have a video of one name."""
    clip: Ints
    """(num_tracks,)."""
    num_faces: Ints
    """(num_tracks,) at least 1."""
    frame: NDArray[np.int32]
    """(num_faces,) ascending within a track."""
    pts_seconds: NDArray[np.float32]
    """(num_faces,)."""

    def video_of_track(self) -> tuple[Ints, Ints]:
        """Videos counted within their identities: (num_tracks,) index of the video, and (num_videos,) its identity."""
        new = np.diff(self.identity, prepend=-1) != 0
        new |= np.diff(self.video, prepend=-1) != 0
        return np.cumsum(new) - 1, self.identity[new].astype(np.int64)

    def select(self, tracks: NDArray[np.bool_]) -> "FaceTracks":
        """The tracks where the (num_tracks,) mask is true, and their faces; the names stay."""
        faces = np.repeat(tracks, self.num_faces)
        return FaceTracks(
            identity_names=self.identity_names,
            official_split=self.official_split,
            video_names=self.video_names,
            identity=self.identity[tracks],
            video=self.video[tracks],
            clip=self.clip[tracks],
            num_faces=self.num_faces[tracks],
            frame=self.frame[faces],
            pts_seconds=self.pts_seconds[faces],
        )


def read_face_tracks(workspace: Workspace) -> FaceTracks:
    """Read the columns of ``faces`` and ``clips`` that splits and pairs are made from.

    Raises:
        ManifestError: a table is damaged, a clip stands in two parts, or a face twice or without a frame.
    """
    parts = _map_parts(workspace.manifest("faces"), _read_part)
    official = _official_splits(workspace)
    names = pa.array(sorted({name for part in parts for name in part.all_identities} | official.keys()), pa.string())
    identity = pc.index_in(pa.concat_arrays([part.identity for part in parts]), names).to_numpy().astype(np.int32)
    video_names, video = _ranked(pa.concat_arrays([part.video for part in parts]))
    clip = np.concatenate([part.clip for part in parts])
    order = np.lexsort((clip, video, identity))
    num_faces = np.concatenate([part.num_faces for part in parts])
    faces = _spread(num_faces, order)
    tracks = FaceTracks(
        identity_names=names.to_pylist(),
        official_split=[official.get(name) for name in names.to_pylist()],
        video_names=video_names,
        identity=identity[order],
        video=video[order],
        clip=clip[order],
        num_faces=num_faces[order],
        frame=np.concatenate([part.frame for part in parts])[faces],
        pts_seconds=np.concatenate([part.pts_seconds for part in parts])[faces],
    )
    _refuse_twins(tracks, workspace)
    return tracks


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """One part's tracks, in any order; ``num_faces`` cuts ``frame`` into them."""

    all_identities: list[str]
    identity: Any
    video: Any
    clip: Ints
    num_faces: Ints
    frame: NDArray[np.int32]
    pts_seconds: NDArray[np.float32]


def _map_parts(folder: Path, read: Callable[[Path], _Result]) -> list[_Result]:
    with ThreadPoolExecutor(NUM_READERS) as pool:
        return list(pool.map(read, sorted(folder.glob("*.parquet"))))


def _read_part(path: Path) -> _Part:
    table = read_table(path, Face, ["identity", "video", "clip", "frame", "pts_seconds", "reason"])
    all_identities = table.column("identity").unique().to_pylist()
    table = table.filter(pc.is_null(table.column("reason")))
    _refuse_holes(path, table)
    identity, video = (table.column(name).combine_chunks().dictionary_encode() for name in ("identity", "video"))
    clip, frame, pts = (table.column(name).to_numpy() for name in ("clip", "frame", "pts_seconds"))
    order = np.lexsort((frame, clip, video.indices.to_numpy(), identity.indices.to_numpy()))
    keys = [array[order] for array in (identity.indices.to_numpy(), video.indices.to_numpy(), clip)]
    starts = np.flatnonzero(_changes(keys))
    _refuse_equal_faces(path, [*keys, frame[order]], table.take(order))
    return _Part(
        all_identities=all_identities,
        identity=identity.take(order[starts]).dictionary_decode(),
        video=video.take(order[starts]).dictionary_decode(),
        clip=clip[order[starts]],
        num_faces=np.diff(np.append(starts, len(order))),
        frame=frame[order].astype(np.int32),
        pts_seconds=pts[order].astype(np.float32),
    )


def _changes(keys: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
    """(n,) true where any of the sorted keys differs from the one before; the first always does."""
    new = np.ones(len(keys[0]), np.bool_)
    new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return new


def _refuse_holes(path: Path, faces: Any) -> None:
    for name in ("frame", "pts_seconds"):
        if faces.column(name).null_count:
            raise ManifestError(f"{path} has {faces.column(name).null_count} faces without {name}; align them again")


def _refuse_equal_faces(path: Path, keys: Sequence[NDArray[Any]], faces: Any) -> None:
    equal = np.flatnonzero(~_changes(keys))
    if len(equal):
        row = faces.slice(int(equal[0]), 1).to_pylist()[0]
        name = f"{row['identity']}/{row['video']}/{row['clip']}_folder"
        raise ManifestError(f"{path} has frame {row['frame']} of {name} twice; align that clip again")


def _refuse_twins(tracks: FaceTracks, workspace: Workspace) -> None:
    equal = np.flatnonzero(~_changes([tracks.identity, tracks.video, tracks.clip]))
    if len(equal):
        track = int(equal[0])
        video = tracks.video_names[int(tracks.video[track])].as_py()
        name = f"{tracks.identity_names[tracks.identity[track]]}/{video}/{tracks.clip[track]}_folder"
        raise ManifestError(f"{workspace.manifest('faces')} has {name} in two parts; a clip has one shard")


def _ranked(values: Any) -> tuple[Any, NDArray[np.int32]]:
    """The distinct strings, sorted, and each value's index among them."""
    coded = values.dictionary_encode()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return coded.dictionary.take(order), rank[coded.indices.to_numpy()]


def _spread(num_faces: Ints, order: Ints) -> Ints:
    """(num_faces,) where each face stood before its tracks were put in ``order``."""
    starts = np.cumsum(num_faces) - num_faces
    counts = num_faces[order]
    shift = starts[order] - (np.cumsum(counts) - counts)
    return np.repeat(shift, counts) + np.arange(int(counts.sum()))


def _official_splits(workspace: Workspace) -> dict[str, str | None]:
    """Every identity of the ``clips`` table with ``dev``, ``test`` or None."""

    def read(path: Path) -> Any:
        return read_table(path, Clip, ["identity", "official_split"]).replace_schema_metadata(None)

    parts = _map_parts(workspace.manifest("clips"), read)
    if not parts:
        return {}
    latest = pa.concat_tables(parts).group_by("identity").aggregate([("official_split", "max")])
    return dict(zip(latest["identity"].to_pylist(), latest["official_split_max"].to_pylist(), strict=True))
