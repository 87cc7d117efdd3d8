"""The split stage: the ``faces`` table becomes identities with a split, and one pair index per split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.pair_tables import Within
from tcae.manifests.provenance import describe, fingerprint
from tcae.manifests.rows import Identity
from tcae.manifests.splits import SPLITS, SplitConfig, assign, read_assignments
from tcae.manifests.workspace import Workspace
from tcae.pipeline.face_tracks import FaceTracks, read_face_tracks
from tcae.pipeline.pair_files import digest, write_split

STAGE_VERSION = 1
"""Raised by hand when the same faces would be split, indexed or listed in another way."""

NO_PAIR = "no_pair"
"""The reason of an identity that has no two faces in one track (or video)."""


@dataclass(frozen=True, kw_only=True)
class PairConfig:
    """How identities are split and what a pair is."""

    split: SplitConfig = field(default_factory=SplitConfig)
    """Ratios, seed and the official test identities."""
    within: Within = "track"
    """``video`` also pairs the faces of different tracks of one video."""
    pairs_per_identity: int = 16
    """Length of the fixed lists of val and test; an identity with fewer pairs gives all that it has."""
    keep: Path | None = None
    """Earlier assignments that hold; see ``splits.read_assignments``."""

    def __post_init__(self) -> None:
        if self.within not in get_args(Within):
            raise ConfigError(f"within {self.within!r} must be one of track, video")
        if self.pairs_per_identity < 1:
            raise ConfigError(f"pairs_per_identity {self.pairs_per_identity} must be at least 1")

    def describe(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {
            "ratios": list(self.split.ratios),
            "seed": self.split.seed,
            "official_test": self.split.official_test,
            "within": self.within,
            "pairs_per_identity": self.pairs_per_identity,
            "keep": None if self.keep is None else str(self.keep),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCounts:
    """What one split got."""

    identities: int = 0
    """People."""
    videos: int = 0
    """Videos with at least one face."""
    tracks: int = 0
    """Tracks with at least two faces."""
    single_tracks: int = 0
    """Tracks with one face."""
    faces: int = 0
    """Faces in all tracks."""
    pairs: int = 0
    """Ordered pairs that can be drawn."""


def split(workspace: Workspace, config: PairConfig) -> dict[str, SplitCounts]:
    """Write ``manifests/identities`` and ``manifests/pairs`` anew; a reader sees the old set or the new one.

    Args:
        workspace: Has a ``faces`` table.
        config: How to split.

    Returns:
        What ``train``, ``val``, ``test``, ``excluded`` and ``no_pair`` got: every identity is in exactly one of them.

    Raises:
        ConfigError: there is no ``faces`` table, nothing to keep, or what is kept contradicts the config.
        ManifestError: a table is damaged.
        WorkspaceError: the tables cannot be written, or another split is being written.
    """
    kept = read_assignments(config.keep) if config.keep else {}
    if not any(workspace.manifest("faces").glob("*.parquet")):
        raise ConfigError(f"no faces in {workspace}; run tcae-prep align (or tcae-prep run) first")
    tracks = read_face_tracks(workspace)
    group_size = _group_sizes(tracks, config.within)
    identities = _identities(tracks, group_size, config.split, kept)
    num_pairs = _sums(tracks.identity, len(identities), tracks.num_faces * (group_size - 1))
    paired = tracks.select(group_size >= 2)
    mark = fingerprint("split", STAGE_VERSION, config.describe(), digest(identities, paired))
    provenance = describe("split", config.describe()) | {"fingerprint": mark, "within": config.within}
    write_split(
        workspace,
        identities,
        paired,
        provenance,
        seed=config.split.seed,
        pairs_per_identity=config.pairs_per_identity,
    )
    return _tally(identities, num_pairs)


def _group_sizes(tracks: FaceTracks, within: Within) -> NDArray[np.int64]:
    """(num_tracks,) faces among which this track's faces find a partner: its own, or those of its video."""
    if within == "track":
        return tracks.num_faces
    video, identity = tracks.video_of_track()
    return _sums(video, len(identity), tracks.num_faces)[video]


def _sums(index: NDArray[Any], length: int, values: NDArray[Any]) -> NDArray[np.int64]:
    """(length,) sum of the values at each index, exact."""
    sums = np.zeros(length, np.int64)
    np.add.at(sums, index, values)
    return sums


def _identities(
    tracks: FaceTracks, group_size: NDArray[np.int64], config: SplitConfig, kept: Mapping[str, str]
) -> list[Identity]:
    names, size = tracks.identity_names, len(tracks.identity_names)
    has_pair = _sums(tracks.identity, size, group_size >= 2) > 0
    official_test = [name for name, official in zip(names, tracks.official_split, strict=True) if official == "test"]
    eligible = [name for name, has in zip(names, has_pair, strict=True) if has]
    splits = assign(eligible, config, official_test, kept)
    counts = (
        np.bincount(tracks.video_of_track()[1], minlength=size),
        _sums(tracks.identity, size, tracks.num_faces >= 2),
        _sums(tracks.identity, size, tracks.num_faces == 1),
        _sums(tracks.identity, size, tracks.num_faces),
    )
    return [
        Identity(
            identity=name,
            split=splits.get(name),
            official_split=official,
            num_videos=videos,
            num_tracks=pairable,
            num_single_tracks=single,
            num_faces=faces,
            reason=None if name in splits else NO_PAIR,
        )
        for name, official, videos, pairable, single, faces in zip(
            names, tracks.official_split, *(count.tolist() for count in counts), strict=True
        )
    ]


def _tally(identities: list[Identity], num_pairs: NDArray[np.int64]) -> dict[str, SplitCounts]:
    tally = {name: SplitCounts() for name in (*SPLITS, "excluded", NO_PAIR)}
    for row, pairs in zip(identities, num_pairs.tolist(), strict=True):
        name = row.split or NO_PAIR
        so_far = tally[name]
        tally[name] = SplitCounts(
            identities=so_far.identities + 1,
            videos=so_far.videos + row.num_videos,
            tracks=so_far.tracks + row.num_tracks,
            single_tracks=so_far.single_tracks + row.num_single_tracks,
            faces=so_far.faces + row.num_faces,
            pairs=so_far.pairs + pairs,
        )
    return tally
