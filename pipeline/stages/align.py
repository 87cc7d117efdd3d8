"""Frames in, faces out: one aligned crop, or one rejection, for every frame."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from tcae.manifests.errors import ConfigError, ItemError
from tcae.manifests.packs import fault_of
from tcae.manifests.provenance import fingerprint
from tcae.manifests.rows import ClipKey, Face, Frame
from tcae.manifests.tables import read_table, rows_of
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline import pictures
from tcae.pipeline.detect import DetectConfig, load_detector
from tcae.pipeline.faces import FaceConfig, FoundFace, find_faces
from tcae.pipeline.landmarks import landmark_weights, load_landmarker
from tcae.pipeline.pictures import Image, PictureError
from tcae.pipeline.stages.base import Item, Rows, by_clip, carries
from tcae.pipeline.stages.extract import keep_only
from tcae.pipeline.stages.packing import folder_for, settle_faces
from tcae.pipeline.whole import take_whole

VERSION = 1
"""Raised by hand when the faces found, their pixels or their rows change."""

ALIGNING = ("template", "margin", "landmarks", "weights")
"""Settings that faces do not depend on where frames are taken whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignStage:
    """``tcae-prep align``; see ``base.Stage``."""

    workspace: Workspace
    config: FaceConfig
    selected: frozenset[ClipKey] | None = None
    """Only these clips; None for all."""
    pack: bool = False
    """Whether a shard's faces go into one tar; where they are in one already they stay so in any case."""

    name: ClassVar[str] = "align"
    source: ClassVar[str] = "frames"
    tables: ClassVar[Mapping[str, type]] = MappingProxyType({"faces": Face})

    def describe(self) -> dict[str, Any]:
        """Every setting that the output depends on."""
        return dict(describe_faces(self.config))

    def items(self, shard: int) -> list[Item]:
        """The selected clips of a shard that have frames."""
        frames = self._frames(shard)
        chosen = sorted(key for key in frames if self.selected is None or key in self.selected)
        is_lost = fault_of(self.workspace, shard) is not None
        return [self._item(key, frames[key], is_lost) for key in chosen]

    def _item(self, key: ClipKey, frames: list[Frame], is_lost: bool) -> Item:
        fingerprints = {"faces": faces_fingerprint(frames, self.config)}
        return Item(key=key, inputs=frames, fingerprints=fingerprints, is_lost=is_lost)

    def _frames(self, shard: int) -> dict[ClipKey, list[Frame]]:
        path = self.workspace.part("frames", shard)
        rows = rows_of(read_table(path, Frame), Frame) if path.exists() else []
        return by_clip([row for row in rows if row.reason is None])

    def orphans(self, shard: int, keys: Iterable[ClipKey]) -> list[ClipKey]:
        """Clips that had frames once and have none now."""
        path = self.workspace.part("frames", shard)
        columns = [*ClipKey._fields, "reason"]
        rows = read_table(path, Frame, columns).to_pydict() if path.exists() else {name: [] for name in columns}
        there = {ClipKey(*key) for *key, reason in zip(*rows.values(), strict=True) if reason is None}
        return [key for key in keys if key not in there]

    def discard(self, key: ClipKey) -> None:
        """Remove a clip's faces; from a tar they go when it is settled."""
        discard_faces(self.workspace, key)

    def check(self, item: Item) -> None:
        """Refuse a clip whose frames `run` never wrote; raises ConfigError."""
        if any(row.file is None for row in item.inputs):
            raise ConfigError(f"the frames of {item.key} are not on disk (made by `run`): use `run`, or extract first")

    def make(self, item: Item) -> Rows:
        """Find, align and write the faces of one clip."""
        return {"faces": write_faces(self.workspace, item, self.config, self._read(item.inputs), self.pack)}

    def _read(self, frames: list[Frame]) -> Iterator[tuple[Frame, Image | ItemError]]:
        for row in frames:
            try:
                yield row, pictures.read(self.workspace.root / str(row.file))
            except PictureError as error:
                yield row, error

    def reject(self, item: Item, error: ItemError) -> Rows:
        """One row per frame, because the reason concerns each."""
        return {"faces": [_rejected_face(row, item, error) for row in item.inputs]}

    def is_made(self, item: Item, rows: Rows) -> bool:
        """Whether the clip's rows were made from the same frames with the same settings."""
        return carries(item, rows, "faces")

    def settle(self, shard: int, found: dict[ClipKey, Rows]) -> None:
        """Pack the faces where they are to be packed."""
        settle_faces(self.workspace, shard, found, pack=self.pack)


@lru_cache(maxsize=16)
def describe_faces(config: FaceConfig) -> Mapping[str, Any]:
    """The settings that faces depend on; the device and the batch are none of them.

    Raises:
        MissingToolError: 68 landmarks were asked for and there are no weights for them.
    """
    settings = {name: value for name, value in asdict(config).items() if name not in ("device", "batch_frames")}
    if config.detector == "whole":
        return MappingProxyType({name: value for name, value in settings.items() if name not in ALIGNING})
    del settings["detector"]  # faces had no choice of it once, and keep their fingerprints
    return MappingProxyType(settings | {"weights": landmark_weights(config)})


def faces_fingerprint(frames: list[Frame], config: FaceConfig) -> str:
    """What a clip's faces are made from."""
    return face_fingerprint(frames[0].fingerprint, config)


def face_fingerprint(frames_fingerprint: str, config: FaceConfig) -> str:
    """What faces from frames with this fingerprint are made from."""
    return fingerprint("align", VERSION, describe_faces(config), frames_fingerprint)


def write_faces(
    workspace: Workspace,
    item: Item,
    config: FaceConfig,
    frames: Iterator[tuple[Frame, Image | ItemError]],
    pack: bool,
) -> list[Face]:
    """Find the clip's faces and write their crops; one row per frame."""
    results, name, weights = _find(frames, config)
    folder = folder_for(workspace, item.key, pack=pack)
    rows = []
    for found in results:
        row = replace(found.row, fingerprint=item.fingerprints["faces"])
        if found.jpeg is not None:
            path = workspace.picture("faces", row.key, row.frame or 0)
            crc32 = pictures.write(folder / path.name, found.jpeg)
            row = replace(row, file=workspace.relative(path), crc32=crc32, detector=name, weights=weights)
        rows.append(row)
    keep_only(folder, [Path(row.file).name for row in rows if row.file])
    return rows


def discard_faces(workspace: Workspace, key: ClipKey) -> None:
    """Remove a clip's faces that are files."""
    for folder in (workspace.clip_folder("faces", key), workspace.unpacked(shard_of(key)) / str(key)):
        keep_only(folder, [])


def _find(
    frames: Iterator[tuple[Frame, Image | ItemError]], config: FaceConfig
) -> tuple[list[FoundFace], str, str | None]:
    """What became of each frame, what found the faces, and the hash of its weights."""
    if config.detector == "whole":
        return take_whole(frames, config), config.detector, None
    detector = load_detector(DetectConfig(min_face_px=config.min_face_px, device=config.device))
    landmarker = load_landmarker(config)
    name, weights = detector.name, detector.weights
    if landmarker is not None:
        name, weights = f"{name}+{landmarker.name}", f"{weights}+{landmarker.weights}"
    return find_faces(frames, config, detector, landmarker), name, weights


def _rejected_face(row: Frame, item: Item, error: ItemError) -> Face:
    return Face(
        **row.key._asdict(),
        frame=row.frame,
        source_frame=row.source_frame,
        pts_seconds=row.pts_seconds,
        fingerprint=item.fingerprints["faces"],
        reason=error.reason,
        detail=str(error),
    )
