"""Small workspaces as the stages leave them: tables, and pictures of 64x48 and 256x256."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tcae.manifests.provenance import describe
from tcae.manifests.rows import Clip, ClipKey, Face, Frame, Identity, Keyed
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline import pictures

LANDMARKS = (100.0, 110.0, 160.0, 110.0, 130.0, 140.0, 105.0, 175.0, 155.0, 175.0)
"""In frame pixels; ``alignment`` below halves and shifts them into the crop."""

ALIGNMENT = (1.0, 0.0, -2.0, 0.0, 1.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One clip and its outcome."""

    identity: str = "id1"
    video: str = "v"
    clip: int = 0
    outcomes: Sequence[str | None] = (None, None)
    """One per frame: None is a face, a word is the reason for none."""
    failed: str | None = None
    """Why extraction gave no frame; ``outcomes`` is ignored then."""
    extracted: bool = True
    aligned: bool = True

    @property
    def key(self) -> ClipKey:
        return ClipKey(self.identity, self.video, self.clip)


def make_workspace(
    workspace: Workspace,
    plans: Iterable[Plan],
    *,
    frames_on_disk: bool = True,
    splits: Mapping[str, str | None] | None = None,
) -> Workspace:
    """Write what the stages would have written for these clips."""
    plans = list(plans)
    write_rows(workspace, "clips", [clip_row(plan) for plan in plans])
    extracted = [plan for plan in plans if plan.extracted]
    write_rows(
        workspace, "frames", [row for plan in extracted for row in frame_rows(workspace, plan, on_disk=frames_on_disk)]
    )
    aligned = [plan for plan in extracted if plan.aligned and plan.failed is None]
    write_rows(workspace, "faces", [row for plan in aligned for row in face_rows(workspace, plan)])
    if splits is not None:
        write_splits(workspace, aligned, splits)
    return workspace


def write_rows(workspace: Workspace, table: str, rows: Sequence[Keyed]) -> None:
    """Write rows into the parts that their keys say."""
    parts: dict[int, list[Keyed]] = defaultdict(list)
    for row in rows:
        parts[shard_of(row.key)].append(row)
    for shard, members in parts.items():
        provenance = describe({"frames": "extract", "faces": "align"}.get(table, "list"), {"fps": 1.0, "seed": 0})
        write_table(table_of(members, type(members[0])), workspace.part(table, shard), provenance)


def clip_row(plan: Plan) -> Clip:
    return Clip(
        **plan.key._asdict(),
        name=f"{plan.clip:05d}.mp4",
        layout="voxceleb2",
        source="/videos",
        path=f"{plan.identity}/{plan.video}/{plan.clip:05d}.mp4",
        media="video",
    )


def frame_rows(workspace: Workspace, plan: Plan, *, on_disk: bool = True) -> list[Frame]:
    key = plan.key._asdict()
    if plan.failed is not None:
        return [Frame(**key, reason=plan.failed, detail=f"{plan.failed}: 0 of 0 pictures")]
    rows = []
    for frame in range(len(plan.outcomes)):
        file, crc32 = write_picture(workspace, "frames", plan.key, frame, (48, 64)) if on_disk else (None, None)
        rows.append(
            Frame(
                **key,
                frame=frame,
                source_frame=frame * 25,
                pts_seconds=float(frame),
                width_px=64,
                height_px=48,
                file=file,
                crc32=crc32,
            )
        )
    return rows


def face_rows(workspace: Workspace, plan: Plan) -> list[Face]:
    rows = []
    for frame, reason in enumerate(plan.outcomes):
        start = {**plan.key._asdict(), "frame": frame, "source_frame": frame * 25, "pts_seconds": float(frame)}
        if reason is not None:
            rows.append(Face(**start, reason=reason, detail=f"{reason} in frame {frame}"))
            continue
        file, crc32 = write_picture(workspace, "faces", plan.key, frame, (256, 256))
        rows.append(
            Face(
                **start,
                file=file,
                crc32=crc32,
                score=0.9 + 0.01 * (frame % 10),
                box=(80.0, 60.0, 180.0, 200.0),
                face_width_px=100.0 + frame,
                landmarks=LANDMARKS,
                alignment=ALIGNMENT,
                template="tcae",
                margin=0.0,
                sharpness=100.0 + frame,
                brightness=0.5,
                yaw_degrees=float(frame),
                pitch_degrees=0.0,
                roll_degrees=-float(frame),
            )
        )
    return rows


def write_picture(workspace: Workspace, kind: str, key: ClipKey, frame: int, shape: tuple[int, int]) -> tuple[str, int]:
    """Write a gradient whose tint tells the frame; returns its name and checksum."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    image = np.stack([rows % 256, columns % 256, np.full(shape, 40 * frame % 256)], axis=-1).astype(np.uint8)
    path = workspace.picture(kind, key, frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    return workspace.relative(path), pictures.write(path, pictures.encode(image))


def write_splits(workspace: Workspace, plans: Sequence[Plan], splits: Mapping[str, str | None]) -> None:
    rows = []
    for identity, split in splits.items():
        counts = [plan.outcomes.count(None) for plan in plans if plan.identity == identity]
        rows.append(
            Identity(
                identity=identity,
                split=split,
                official_split=None,
                num_videos=len({plan.video for plan in plans if plan.identity == identity}),
                num_tracks=sum(count > 1 for count in counts),
                num_single_tracks=counts.count(1),
                num_faces=sum(counts),
                reason=None if split else "no_pair",
            )
        )
    write_table(table_of(rows, Identity), workspace.manifest("identities") / "identities.parquet")
