"""Clips in, frames and faces out, in one pass: extract and align without frames on disk."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from tcae.manifests.errors import ItemError
from tcae.manifests.packs import fault_of
from tcae.manifests.rows import Clip, ClipKey, Face, Frame
from tcae.manifests.workspace import Workspace
from tcae.pipeline.clips import OpenClip, open_clip
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.pictures import Image
from tcae.pipeline.stages.align import describe_faces, discard_faces, face_fingerprint, write_faces
from tcae.pipeline.stages.base import Item, Rows, carries
from tcae.pipeline.stages.extract import (
    ExtractConfig,
    clip_fingerprint,
    keep_only,
    read_clips,
    refusal,
    rejected_frame,
    sealed,
)
from tcae.pipeline.stages.packing import settle_faces


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedStage:
    """``tcae-prep run``; see ``base.Stage``. Rows of frames have no file."""

    workspace: Workspace
    extract: ExtractConfig
    faces: FaceConfig
    selected: frozenset[ClipKey] | None = None
    """Only these clips; None for all."""
    pack: bool = False
    """As of ``AlignStage``."""

    name: ClassVar[str] = "run"
    source: ClassVar[str] = "clips"
    tables: ClassVar[Mapping[str, type]] = MappingProxyType({"frames": Frame, "faces": Face})

    def describe(self) -> dict[str, Any]:
        """Every setting that the output depends on."""
        return {"extract": self.extract.describe(), "align": dict(describe_faces(self.faces))}

    def items(self, shard: int) -> list[Item]:
        """The selected clips of a shard."""
        is_lost = fault_of(self.workspace, shard) is not None
        return [self._item(clip, is_lost) for clip in read_clips(self.workspace, shard, self.selected)]

    def _item(self, clip: Clip, is_lost: bool) -> Item:
        frames = clip_fingerprint(clip, self.extract)
        fingerprints = {"frames": frames, "faces": face_fingerprint(frames, self.faces)}
        return Item(key=clip.key, inputs=clip, fingerprints=fingerprints, is_lost=is_lost)

    def orphans(self, shard: int, keys: Iterable[ClipKey]) -> list[ClipKey]:
        """None: a clip that left the source keeps what was made of it."""
        return []

    def discard(self, key: ClipKey) -> None:
        """Remove a clip's frames and faces."""
        keep_only(self.workspace.clip_folder("frames", key), [])
        discard_faces(self.workspace, key)

    def check(self, item: Item) -> None:
        """Every clip can be made."""

    def make(self, item: Item) -> Rows:
        """Decode one clip and write its faces; raises ItemError when it has no frame."""
        clip: Clip = item.inputs
        if clip.reason is not None:
            return refusal(item, clip)
        frames: list[Frame] = []
        with open_clip(clip, self.extract.video) as opened:
            faces = write_faces(self.workspace, item, self.faces, _noting(opened, frames), self.pack)
        keep_only(self.workspace.clip_folder("frames", item.key), [])
        return {"frames": [sealed(row, item, opened.num_decode_errors) for row in frames], "faces": faces}

    def reject(self, item: Item, error: ItemError) -> Rows:
        """One row for the whole clip in ``frames``, none in ``faces``."""
        return {"frames": [rejected_frame(item, error.reason, str(error))]}

    def is_made(self, item: Item, rows: Rows) -> bool:
        """Whether both tables' rows were made from the same file with the same settings."""
        if any(row.reason is not None for row in rows.get("frames", [])):
            return carries(item, rows, "frames") and not rows.get("faces")
        return carries(item, rows, "frames") and carries(item, rows, "faces")

    def settle(self, shard: int, found: dict[ClipKey, Rows]) -> None:
        """Pack the faces where they are to be packed."""
        settle_faces(self.workspace, shard, found, pack=self.pack)


def _noting(opened: OpenClip, seen: list[Frame]) -> Iterator[tuple[Frame, Image | ItemError]]:
    for row, image in opened:
        seen.append(row)
        yield row, image
