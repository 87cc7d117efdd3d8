"""Choose rows worth showing while tables stream by; memory does not grow with them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Face, Frame
from tcae.manifests.tables import read_table
from tcae.manifests.workspace import Workspace
from tcae.pipeline.status import KEY, censuses, shards_of

MEASURES = (
    "face_width_px",
    "score",
    "sharpness",
    "brightness",
    "yaw_degrees",
    "pitch_degrees",
    "roll_degrees",
)
"""Columns of ``faces`` that get a histogram."""

SHOWN = (*KEY, "frame", "pts_seconds", "file", "landmarks", "alignment", "template", "margin")
"""Columns of ``faces`` that a picture of one needs."""

MOST_VALUES = 200_000
"""Values per histogram; from more faces than this a random part is taken."""

NUM_CLIPS = 300
"""Rows of the table of clips."""

Row = dict[str, Any]
Order = Sequence[tuple[str, Literal["ascending", "descending"]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleConfig:
    """How many faces the page shows, and which."""

    faces: int = 96
    """Drawn at random from all."""
    worst: int = 16
    """Of each kind of worst, at most one per clip."""
    identities: int = 12
    """Drawn at random; each is one row."""
    faces_per_identity: int = 10
    """Drawn at random from the identity."""
    rejected: int = 10
    """Of each reason."""
    seed: int = 0
    """The same seed shows the same faces."""

    def __post_init__(self) -> None:
        for name in ("faces", "worst", "identities", "faces_per_identity", "rejected"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")


class Keep:
    """The first ``limit`` rows by some order, of all that were offered."""

    def __init__(self, limit: int, order: Order, *, one_per_clip: bool = False) -> None:
        self._limit, self._order, self._one_per_clip = limit, order, one_per_clip
        self._rows: pa.Table | None = None

    def offer(self, rows: pa.Table) -> None:
        """Look at more rows, all with the same columns."""
        if self._one_per_clip:
            rows = _first_per_clip(rows.sort_by(list(self._order)))
        merged = rows if self._rows is None else pa.concat_tables([self._rows, rows])
        self._rows = merged.take(pc.sort_indices(merged, sort_keys=list(self._order))[: self._limit])

    @property
    def rows(self) -> list[Row]:
        """In their order."""
        return [] if self._rows is None else self._rows.to_pylist()


def _first_per_clip(rows: pa.Table) -> pa.Table:
    places = rows.select(KEY).append_column("place", pa.array(np.arange(len(rows))))
    first = places.group_by(KEY).aggregate([("place", "min")]).column("place_min")
    return rows.take(first.sort())


@dataclass(slots=True, kw_only=True)
class Sample:
    """What the page shows."""

    values: dict[str, list[np.ndarray[Any, np.dtype[np.float32]]]] = field(
        default_factory=lambda: {name: [] for name in MEASURES}
    )
    """By measure: arrays that together are all values, or a random part of them."""
    faces_per_clip: Counter[int] = field(default_factory=Counter)
    """Clips by their number of faces; only clips that have frames."""
    random: list[Row] = field(default_factory=list)
    """Faces drawn from all."""
    identities: dict[str, list[Row]] = field(default_factory=dict)
    """Faces drawn from some identities."""
    worst: dict[str, list[Row]] = field(default_factory=dict)
    """Faces by kind: ``score``, ``sharpness``, ``turn``."""
    rejected_faces: dict[str, list[Row]] = field(default_factory=dict)
    """Frames by reason."""
    rejected_clips: dict[str, list[Row]] = field(default_factory=dict)
    """Clips by reason."""
    clips: list[Row] = field(default_factory=list)
    """Rows of the census, those with the least result first."""


def take_sample(workspace: Workspace, config: SampleConfig, num_faces: int) -> Sample:
    """Read the tables once and keep what is worth showing.

    Args:
        workspace: Where the tables lie.
        config: How much, and the seed.
        num_faces: How many faces there are, to know what part of them histograms need.

    Raises:
        ManifestError: a part is damaged.
    """
    sample = Sample()
    chosen = _sample_clips(workspace, config, sample)
    _sample_faces(workspace, config, sample, chosen, min(1.0, MOST_VALUES / max(1, num_faces)))
    _sample_failures(workspace, config, sample)
    return sample


def _sample_clips(workspace: Workspace, config: SampleConfig, sample: Sample) -> list[str]:
    """Fill in what the census tells; returns the identities to show."""
    clips = Keep(NUM_CLIPS, [("share", "ascending"), *((name, "ascending") for name in KEY)])
    identities: set[str] = set()
    for census in censuses(workspace):
        rows = census.clips
        frames, faces = (rows.column(name).to_numpy() for name in ("num_frames", "num_faces"))
        rejected = rows.column("num_rejected").to_numpy()
        sample.faces_per_clip.update(faces[(frames > 0) & (faces + rejected > 0)].tolist())
        clips.offer(rows.append_column("share", pa.array(np.where(frames > 0, faces / np.maximum(frames, 1), -1.0))))
        identities.update(rows.column("identity").filter(pa.array(faces > 0)).unique().to_pylist())
        identities = set(sorted(identities, key=lambda name: _draw(config.seed, name))[: config.identities])
    sample.clips = clips.rows
    return sorted(identities)


def _draw(seed: int, name: str) -> bytes:
    return blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()


def _sample_faces(
    workspace: Workspace, config: SampleConfig, sample: Sample, identities: list[str], rate: float
) -> None:
    by_draw: Order = [("draw", "ascending")]
    everything = Keep(config.faces, by_draw)
    views = {name: Keep(config.faces_per_identity, by_draw) for name in identities}
    rejected: dict[str, Keep] = {}
    worst = {
        "score": Keep(config.worst, [("score", "ascending"), ("draw", "ascending")], one_per_clip=True),
        "sharpness": Keep(config.worst, [("sharpness", "ascending"), ("draw", "ascending")], one_per_clip=True),
        "turn": Keep(config.worst, [("turn", "descending"), ("draw", "ascending")], one_per_clip=True),
    }
    for rows in _drawn(workspace, "faces", config.seed):
        rows = rows.append_column("turn", _turn(rows))
        good = rows.filter(pc.and_(pc.is_null(rows.column("reason")), pc.is_valid(rows.column("file"))))
        counted = good.filter(pc.less(good.column("draw"), rate))
        for name in MEASURES:
            sample.values[name].append(counted.column(name).drop_null().to_numpy().astype(np.float32))
        everything.offer(good)
        for name, keep in worst.items():
            keep.offer(good.filter(pc.is_valid(good.column(name))))
        for name in set(good.column("identity").unique().to_pylist()) & views.keys():
            views[name].offer(good.filter(pc.equal(good.column("identity"), name)))
        _offer_reasons(rows, rejected, config.rejected)
    sample.random = everything.rows
    sample.worst = {name: keep.rows for name, keep in worst.items()}
    sample.identities = {name: sorted(keep.rows, key=_place) for name, keep in views.items()}
    sample.rejected_faces = {reason: keep.rows for reason, keep in sorted(rejected.items())}


def _place(row: Row) -> tuple[str, int, int]:
    return row["video"], row["clip"], row["frame"]


def _turn(rows: pa.Table) -> pa.Array:
    """Degrees out of the picture's plane, in any direction; roll is undone by the alignment and does not count."""
    yaw, pitch = (rows.column(name).to_numpy(zero_copy_only=False) for name in ("yaw_degrees", "pitch_degrees"))
    turn = np.hypot(yaw.astype(float), pitch.astype(float))
    return pa.array(turn, mask=np.isnan(turn))


def _sample_failures(workspace: Workspace, config: SampleConfig, sample: Sample) -> None:
    rejected: dict[str, Keep] = {}
    for rows in _drawn(workspace, "frames", config.seed):
        _offer_reasons(rows, rejected, config.rejected)
    sample.rejected_clips = {reason: keep.rows for reason, keep in sorted(rejected.items())}


def _offer_reasons(rows: pa.Table, rejected: dict[str, Keep], limit: int) -> None:
    for reason in rows.column("reason").drop_null().unique().to_pylist():
        keep = rejected.setdefault(reason, Keep(limit, [("draw", "ascending")]))
        keep.offer(rows.filter(pc.equal(rows.column("reason"), reason)))


def _drawn(workspace: Workspace, table: str, seed: int) -> Iterator[pa.Table]:
    """Each part with a column ``draw``, uniform in 0-1 and seeded by the shard, so that order does not matter."""
    columns = [*KEY, "reason", "detail"] if table == "frames" else [*SHOWN, *MEASURES, "reason", "detail"]
    row_type = Frame if table == "frames" else Face
    for shard in shards_of(workspace, table):
        rows = read_table(workspace.part(table, shard), row_type, columns).replace_schema_metadata(None)
        draws = np.random.default_rng([seed, shard]).random(len(rows))
        yield rows.append_column("draw", pa.array(draws))
