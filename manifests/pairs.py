"""The pair index: any pair of a track, or of a video, without listing a folder.

``pairs/<split>/`` holds ``tracks.parquet`` (sorted by identity, video and clip), ``faces.parquet`` (the faces of the
first track, of the second ...) and, for val and test, ``pairs.parquet``, a fixed list. All carry one fingerprint.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.pair_tables import FACES, PAIRS, TRACKS, Within, read_pair_table
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace

Over: TypeAlias = Literal["tracks", "pairs"]
Indices: TypeAlias = NDArray[np.int64]


class FaceRef(NamedTuple):
    """What names one face, and so its file."""

    identity: str
    video: str
    clip: int
    frame: int

    @property
    def key(self) -> ClipKey:
        """The clip that the face comes from."""
        return ClipKey(self.identity, self.video, self.clip)

    def path(self, workspace: Workspace) -> Path:
        """The face's picture."""
        return workspace.picture("faces", self.key, self.frame)


class Pair(NamedTuple):
    """Two different faces of one track or video, in this order."""

    source: FaceRef
    target: FaceRef


@dataclass(frozen=True, kw_only=True, eq=False)
class PairIndex:
    """All pairs of one split, as arrays: identity -> videos -> groups -> faces.

    A group is what a pair stays in: a track, or a video where pairs are drawn within videos. Each ``*_start`` array has
    one entry more than there are owners; the things of owner ``i`` are ``start[i]`` to ``start[i + 1]``, half open.
    """

    within: Within
    """What a group is."""
    fingerprint: str
    """Of the split that wrote this index."""
    identity_names: list[str]
    """Sorted; an ``identity_index`` counts in it."""
    video_names: Any
    """Arrow strings; ``track_video`` counts in it."""
    track_video: NDArray[np.int32]
    """(num_tracks,) index of the track's video name."""
    track_clip: Indices
    """(num_tracks,) the track's clip."""
    track_start: Indices
    """(num_tracks + 1,) track -> faces."""
    video_start: Indices
    """(num_identities + 1,) identity -> videos."""
    group_start: Indices
    """(num_videos + 1,) video -> groups."""
    face_start: Indices
    """(num_groups + 1,) group -> faces."""
    frame: NDArray[np.int32]
    """(num_faces,) the face's frame."""
    pts_seconds: NDArray[np.float32]
    """(num_faces,) the face's time in its clip."""
    fixed: Any
    """Arrow table of ``PAIRS``; no rows for train."""

    @classmethod
    def open(cls, folder: Path) -> "PairIndex":
        """Read ``manifests/pairs/<split>``.

        Raises:
            ConfigError: there is no index.
            ManifestError: its files, or the ``identities`` table beside it, come from different runs of the split, or
                are damaged.
        """
        if not (folder / "tracks.parquet").is_file():
            raise ConfigError(f"{folder} holds no pair index; run tcae-prep split first")
        tracks, within, fingerprint = read_pair_table(folder / "tracks.parquet", TRACKS)
        faces = read_pair_table(folder / "faces.parquet", FACES, fingerprint)[0]
        listed = folder / "pairs.parquet"
        fixed = read_pair_table(listed, PAIRS, fingerprint)[0] if listed.is_file() else pa.Table.from_batches([], PAIRS)
        identities = folder.parent.parent / "identities" / "identities.parquet"
        if identities.is_file():
            read_pair_table(identities, None, fingerprint)
        return cls(**_arrays(folder, tracks, faces, within), within=within, fingerprint=fingerprint, fixed=fixed)

    @property
    def num_identities(self) -> int:
        """Identities, each with at least one pair."""
        return len(self.identity_names)

    @property
    def num_videos(self) -> int:
        """Videos with at least one pair."""
        return len(self.group_start) - 1

    @property
    def num_tracks(self) -> int:
        """Tracks with a face that is in a pair."""
        return len(self.track_video)

    @property
    def num_faces(self) -> int:
        """Faces, each in at least one pair."""
        return len(self.frame)

    @property
    def num_pairs(self) -> int:
        """Ordered pairs: n (n - 1) for each group of n faces."""
        return int(self._pair_start[-1])

    def num_pairs_of(self, identity_index: int) -> int:
        """Ordered pairs of one identity."""
        first, last = self._groups_of(identity_index)
        return int(self._pair_start[last] - self._pair_start[first])

    def draw(self, identity_index: int, rng: np.random.Generator, over: Over = "tracks") -> Pair:
        """Draw one pair of an identity in constant time.

        Args:
            identity_index: 0 to ``num_identities`` - 1.
            rng: The caller's; the same state draws the same pair.
            over: ``tracks``: a random video, a random track of it, two different faces of it, as TCAE's released loader
                does; ``pairs``: each pair of the identity is as likely as any other.
        """
        if over == "pairs":
            return self.pair_at(identity_index, int(rng.integers(self.num_pairs_of(identity_index))))
        group, num_faces = self.draw_group(identity_index, rng)
        return self._pair(identity_index, group, int(rng.integers(num_faces * (num_faces - 1))))

    def draw_group(self, identity_index: int, rng: np.random.Generator) -> tuple[int, int]:
        """A random group of a random video of an identity: its index and how many faces it has."""
        self._groups_of(identity_index)
        video = rng.integers(self.video_start[identity_index], self.video_start[identity_index + 1])
        group = int(rng.integers(self.group_start[video], self.group_start[video + 1]))
        return group, self.num_faces_of(group)

    def groups_of(self, identity_index: int, least_faces: int = 2) -> Indices:
        """The groups of an identity that have so many faces."""
        first, last = self._groups_of(identity_index)
        return first + np.flatnonzero(np.diff(self.face_start[first : last + 1]) >= least_faces)

    def num_faces_of(self, group: int) -> int:
        """Faces of a group."""
        return int(self.face_start[group + 1] - self.face_start[group])

    def face(self, identity_index: int, group: int, place: int) -> FaceRef:
        """A face of a group by its place, which in a track is the order of time."""
        return self._face(identity_index, group, int(self.face_start[group]) + place)

    def pair_at(self, identity_index: int, number: int) -> Pair:
        """The pair of that number, 0 to ``num_pairs_of(identity_index)`` - 1; constant time on average."""
        first, last = self._groups_of(identity_index)
        start, stop = int(self._pair_start[first]), int(self._pair_start[last])
        if not 0 <= number < stop - start:
            raise IndexError(
                f"pair {number} of {self.identity_names[identity_index]} is not in 0 to {stop - start - 1}"
            )
        group = int(self._guide[first + number * (last - first) // (stop - start)])
        while self._pair_start[group + 1] <= start + number:
            group += 1
        return self._pair(identity_index, group, start + number - int(self._pair_start[group]))

    def pairs_of(self, identity_index: int) -> Iterator[Pair]:
        """Every pair of an identity."""
        return (self.pair_at(identity_index, number) for number in range(self.num_pairs_of(identity_index)))

    def fixed_pairs(self) -> list[Pair]:
        """The fixed list of val and test, in its order; empty for train."""
        return [
            Pair(
                FaceRef(row["identity"], row["video"], row["source_clip"], row["source_frame"]),
                FaceRef(row["identity"], row["video"], row["target_clip"], row["target_frame"]),
            )
            for row in self.fixed.to_pylist()
        ]

    def _groups_of(self, identity_index: int) -> tuple[int, int]:
        if not 0 <= identity_index < self.num_identities:
            raise IndexError(f"identity_index {identity_index} is not in 0 to {self.num_identities - 1}")
        first, last = self.video_start[identity_index], self.video_start[identity_index + 1]
        return int(self.group_start[first]), int(self.group_start[last])

    def _pair(self, identity_index: int, group: int, number: int) -> Pair:
        """The pair of that number within its group: n - 1 targets for each source."""
        start, stop = int(self.face_start[group]), int(self.face_start[group + 1])
        source, target = divmod(number, stop - start - 1)
        target += target >= source
        return Pair(
            self._face(identity_index, group, start + source), self._face(identity_index, group, start + target)
        )

    def _face(self, identity_index: int, group: int, face: int) -> FaceRef:
        track = group if self.within == "track" else self._track_of_face[face]
        video = self.video_names[int(self.track_video[track])].as_py()
        return FaceRef(self.identity_names[identity_index], video, int(self.track_clip[track]), int(self.frame[face]))

    @cached_property
    def _pair_start(self) -> Indices:
        """(num_groups + 1,) group -> pairs."""
        num_faces = np.diff(self.face_start)
        return _starts(num_faces * (num_faces - 1))

    @cached_property
    def _guide(self) -> Indices:
        """(num_groups,) where the search for a pair's group begins: the identity's pairs in equal steps."""
        ends = self.group_start[self.video_start]
        first, last = (np.repeat(bound, np.diff(ends)) for bound in (ends[:-1], ends[1:]))
        step = np.arange(len(first)) - first
        start, stop = self._pair_start[first], self._pair_start[last]
        guide: Indices = np.searchsorted(self._pair_start, start + step * (stop - start) // (last - first), "right") - 1
        return guide

    @cached_property
    def _track_of_face(self) -> NDArray[np.int32]:
        """(num_faces,)."""
        return np.repeat(np.arange(self.num_tracks, dtype=np.int32), np.diff(self.track_start))


def _arrays(folder: Path, tracks: Any, faces: Any, within: Within) -> dict[str, Any]:
    """The arrays of a ``PairIndex`` from its two tables."""
    identity_names, identity = _names(tracks, "identity")
    video_names, video = _names(tracks, "video")
    starts = np.append(_numbers(tracks.column("offset")), faces.num_rows)
    num_faces = _numbers(tracks.column("num_faces"))
    new_identity = np.diff(identity, prepend=-1) != 0
    new_video = new_identity | (np.diff(video, prepend=-1) != 0)
    track_of_video = np.append(np.flatnonzero(new_video), tracks.num_rows)
    if not np.array_equal(starts, _starts(num_faces)) or new_identity.sum() != len(identity_names):
        raise ManifestError(f"{folder} is damaged: its tracks and faces do not fit together; run tcae-prep split again")
    return {
        "identity_names": identity_names.to_pylist(),
        "video_names": video_names,
        "track_video": video,
        "track_clip": _numbers(tracks.column("clip")),
        "track_start": starts,
        "video_start": np.append(np.flatnonzero(new_identity[new_video]), new_video.sum()),
        "group_start": track_of_video if within == "track" else np.arange(len(track_of_video)),
        "face_start": starts if within == "track" else starts[track_of_video],
        "frame": _numbers(faces.column("frame")),
        "pts_seconds": _numbers(faces.column("pts_seconds")),
    }


def _names(tracks: Any, column: str) -> tuple[Any, NDArray[np.int32]]:
    """A dictionary column as its names and (num_tracks,) indices."""
    chunks = tracks.column(column).unify_dictionaries().combine_chunks()
    names = chunks.dictionary if tracks.num_rows else pa.array([], pa.string())
    return names, _numbers(chunks.indices) if tracks.num_rows else np.zeros(0, np.int32)


def _numbers(column: Any) -> NDArray[Any]:
    """A column without nulls as an array."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.from_dlpack(whole)  # to_numpy would import pandas, which takes as long as all the rest


def _starts(counts: NDArray[Any]) -> Indices:
    """Where each owner's things begin, and their number at the end."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
