"""Clips in, frames out: decode each clip at the wanted rate and keep its frames as pictures."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from tcae.manifests.errors import ConfigError, ItemError, WorkspaceError
from tcae.manifests.provenance import fingerprint
from tcae.manifests.rows import Clip, ClipKey, Frame
from tcae.manifests.tables import read_table, rows_of
from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tcae.pipeline.clips import open_clip
from tcae.pipeline.sources import inputs_of
from tcae.pipeline.stages.base import Item, Rows, carries
from tcae.pipeline.video import VideoConfig

VERSION = 2
"""Raised by hand when the frames chosen, their pixels or their rows change."""

SUFFIXES = {"jpg": ".jpg", "png": ".png"}
"""How frames can be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractConfig:
    """What the frames depend on."""

    video: VideoConfig = field(default_factory=VideoConfig)
    """Which frames, and how they are decoded."""
    suffix: str = ".jpg"
    """``.jpg`` (quality 95) or ``.png``; empty where frames are not kept on disk."""

    def __post_init__(self) -> None:
        if self.suffix not in ("", *SUFFIXES.values()):
            raise ConfigError(f"frames are kept as {' or '.join(SUFFIXES.values())}, not {self.suffix!r}")

    def describe(self) -> dict[str, Any]:
        """The settings that rows depend on; the time limit is none of them, and a bound only where there is one."""
        fps = "native" if self.video.fps is None else str(self.video.fps)
        bound = {} if self.video.max_seconds is None else {"max_seconds": self.video.max_seconds}
        return {"fps": fps, "reader": self.video.reader, "suffix": self.suffix, **bound}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractStage:
    """``tcae-prep extract``; see ``base.Stage``."""

    workspace: Workspace
    config: ExtractConfig
    selected: frozenset[ClipKey] | None = None
    """Only these clips; None for all."""

    name: ClassVar[str] = "extract"
    source: ClassVar[str] = "clips"
    tables: ClassVar[Mapping[str, type]] = MappingProxyType({"frames": Frame})

    def describe(self) -> dict[str, Any]:
        """Every setting that the output depends on."""
        return self.config.describe()

    def items(self, shard: int) -> list[Item]:
        """The selected clips of a shard."""
        return [
            Item(key=clip.key, inputs=clip, fingerprints={"frames": clip_fingerprint(clip, self.config)})
            for clip in read_clips(self.workspace, shard, self.selected)
        ]

    def orphans(self, shard: int, keys: Iterable[ClipKey]) -> list[ClipKey]:
        """None: a clip that left the source keeps what was made of it."""
        return []

    def discard(self, key: ClipKey) -> None:
        """Remove a clip's frames."""
        keep_only(self.workspace.clip_folder("frames", key), [])

    def check(self, item: Item) -> None:
        """Every clip can be made."""

    def make(self, item: Item) -> Rows:
        """Decode one clip and write its frames; raises ItemError when it has none."""
        clip: Clip = item.inputs
        if clip.reason is not None:
            return refusal(item, clip)
        rows = []
        with open_clip(clip, self.config.video) as opened:
            for row, image in opened:
                path = self.workspace.picture("frames", clip.key, row.frame or 0, self.config.suffix)
                crc32 = pictures.write(path, pictures.encode(image, self.config.suffix))
                rows.append(replace(row, file=self.workspace.relative(path), crc32=crc32))
        keep_only(self.workspace.clip_folder("frames", clip.key), [Path(row.file or "").name for row in rows])
        return {"frames": [sealed(row, item, opened.num_decode_errors) for row in rows]}

    def reject(self, item: Item, error: ItemError) -> Rows:
        """One row for the whole clip."""
        return {"frames": [rejected_frame(item, error.reason, str(error))]}

    def is_made(self, item: Item, rows: Rows) -> bool:
        """Whether the clip's rows were made from the same file with the same settings."""
        return carries(item, rows, "frames")

    def settle(self, shard: int, found: dict[ClipKey, Rows]) -> None:
        """Frames lie where they were written."""


def clip_fingerprint(clip: Clip, config: ExtractConfig) -> str:
    """What a clip's frames are made from."""
    return fingerprint("extract", VERSION, config.describe(), inputs_of(clip))


def read_clips(workspace: Workspace, shard: int, selected: frozenset[ClipKey] | None) -> list[Clip]:
    """The selected clips of a shard in the order of their keys."""
    path = workspace.part("clips", shard)
    clips = rows_of(read_table(path, Clip), Clip) if path.exists() else []
    return sorted((clip for clip in clips if selected is None or clip.key in selected), key=lambda clip: clip.key)


def refusal(item: Item, clip: Clip) -> Rows:
    """The row of a source entry that was refused when the source was listed."""
    return {"frames": [rejected_frame(item, str(clip.reason), str(clip.detail))]}


def rejected_frame(item: Item, reason: str, detail: str) -> Frame:
    """The one row of a clip without frames."""
    return Frame(**item.key._asdict(), fingerprint=item.fingerprints["frames"], reason=reason, detail=detail)


def sealed(row: Frame, item: Item, num_decode_errors: int) -> Frame:
    """A frame's row with what is known only after its clip was read."""
    return replace(row, num_decode_errors=num_decode_errors, fingerprint=item.fingerprints["frames"])


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Remove what an earlier run left in a clip's folder, and the folder with it if nothing is to stay.

    Raises:
        WorkspaceError: something cannot be removed.
    """
    wanted = set(names)
    try:
        strays = [path for path in folder.iterdir() if path.name not in wanted] if folder.is_dir() else []
        for path in strays:
            path.unlink()
        if strays and not wanted:
            folder.rmdir()
    except OSError as error:
        raise WorkspaceError(f"cannot remove what is left in {folder}: {error.strerror}") from error
