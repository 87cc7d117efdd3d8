"""A stage of a few lines that needs no video, for the runner's and the shards' tests."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from tcae.manifests.errors import ItemError
from tcae.manifests.rows import Clip, ClipKey, Frame
from tcae.manifests.tables import read_table, rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.stages.base import Item, Rows, by_clip, carries


class OddClipError(ItemError):
    reason = "odd"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyStage:
    """Two frames for each even clip; odd ones are rejected; ``bug_at`` raises what is no ItemError."""

    workspace: Workspace
    config: str = "a"
    bug_at: int | None = None

    name: ClassVar[str] = "toy"
    source: ClassVar[str] = "clips"
    tables: ClassVar[Mapping[str, type]] = MappingProxyType({"frames": Frame})

    def describe(self) -> dict[str, Any]:
        return {"config": self.config}

    def items(self, shard: int) -> list[Item]:
        path = self.workspace.part("clips", shard)
        clips = rows_of(read_table(path, Clip), Clip) if path.exists() else []
        return [Item(key=clip.key, inputs=clip, fingerprints={"frames": self.config}) for clip in clips]

    def orphans(self, shard: int, keys: Iterable[ClipKey]) -> list[ClipKey]:
        there = {item.key for item in self.items(shard)}
        return [key for key in keys if key not in there]

    def discard(self, key: ClipKey) -> None:
        """Write down that it was called."""
        self.workspace.root.mkdir(parents=True, exist_ok=True)
        with (self.workspace.root / "discarded").open("a") as log:
            log.write(f"{key}\n")

    def check(self, item: Item) -> None:
        """Any will do."""

    def make(self, item: Item) -> Rows:
        if item.key.clip == self.bug_at:
            raise ZeroDivisionError("a bug")
        if item.key.clip % 2:
            raise OddClipError(f"{item.key.clip} is odd")
        rows = [Frame(**item.key._asdict(), frame=k, fingerprint=self.config) for k in range(2)]
        return {"frames": rows}

    def reject(self, item: Item, error: ItemError) -> Rows:
        row = Frame(**item.key._asdict(), fingerprint=self.config, reason=error.reason, detail=str(error))
        return {"frames": [row]}

    def is_made(self, item: Item, rows: Rows) -> bool:
        return carries(item, rows, "frames")

    def settle(self, shard: int, found: dict[ClipKey, Rows]) -> None:
        """Nothing was written."""


def toy_clip(number: int, video: str = "v") -> Clip:
    return Clip(
        identity="id",
        video=video,
        clip=number,
        name=f"{number}.mp4",
        layout="clips",
        source="/",
        path="",
        media="video",
    )


def write_clips(workspace: Workspace, clips: Iterable[Clip]) -> None:
    """Put clips into the parts where they belong; other parts stay."""
    by_shard: dict[int, list[Clip]] = {}
    for clip in clips:
        by_shard.setdefault(shard_of(clip.key), []).append(clip)
    for shard, rows in by_shard.items():
        write_table(table_of(rows, Clip), workspace.part("clips", shard))


def toy_workspace(workspace: Workspace, num_clips: int = 12) -> Workspace:
    write_clips(workspace, [toy_clip(number) for number in range(num_clips)])
    return workspace


def frames_of(workspace: Workspace) -> dict[ClipKey, list[Frame]]:
    """All rows that a stage wrote."""
    rows: list[Frame] = []
    for path in sorted(workspace.manifest("frames").glob("*.parquet")):
        rows.extend(rows_of(read_table(path, Frame), Frame))
    return by_clip(sorted(rows, key=lambda row: (row.key, row.frame or 0)))


def config_of(workspace: Workspace, shard: int) -> dict[str, Any]:
    """The settings written in a part's metadata."""
    metadata = read_table(workspace.part("frames", shard), Frame).schema.metadata
    config: dict[str, Any] = json.loads(metadata[b"tcae.config"])
    return config
