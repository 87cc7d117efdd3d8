"""Where everything lies in a workspace; the only place that spells a path.

Below the root::

    videos/      the source tree, or a link to it
    labels/      *.parquet
    frames/      <identity>/<video>/<N>_folder/img_<N>_<MMM>.jpg
    faces/       the same layout, 256x256; or packed: <shard>.tar, see ``packs.py``
    manifests/   clips/ frames/ faces/ identities/ pairs/ packs/
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tcae.manifests.errors import ConfigError, WorkspaceError
from tcae.manifests.places import Place, place, scratch_of
from tcae.manifests.rows import ClipKey
from tcae.manifests.stores import StorePath

NUM_SHARDS = 4096
"""Fixed for ever: a clip's shard must not change when inputs grow."""

_NAME = re.compile(r"^img_(?P<clip>\d+)_(?P<number>\d{3,})\.(?:jpg|png)$")


def digest_of(key: ClipKey | str) -> int:
    """A clip's key, or the name of its folder below ``faces/``, which is the same, as 64 bits."""
    return int.from_bytes(hashlib.blake2b(str(key).encode(), digest_size=8).digest())


def shard_of(key: ClipKey) -> int:
    """The clip's shard, in 0 to 4095: a hash of its key and of nothing else."""
    return digest_of(key) % NUM_SHARDS


def picture_name(clip: int, frame: int, suffix: str = ".jpg") -> str:
    """The file name of a clip's k-th kept frame or face; the number is k + 1, at least three digits.

    >>> picture_name(0, 0)
    'img_0_001.jpg'
    """
    return f"img_{clip}_{frame + 1:03d}{suffix}"


def frame_of(name: str) -> int | None:
    """The k that ``picture_name`` wrote into ``name``; None for any other file.

    >>> frame_of("img_0_001.jpg")
    0
    """
    match = _NAME.match(name)
    return int(match["number"]) - 1 if match else None


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with one frame rate and one template."""

    root: Path
    """The folder; of a workspace in a store, the scratch of this machine (``pipeline/stages/stored.py``)."""
    store: StorePath | None = None
    """Where the workspace lies, if not on a disk."""

    def __str__(self) -> str:
        """How the user names it."""
        return str(self.store or self.root)

    def __reduce__(self) -> tuple[Callable[..., "Workspace"], tuple[Place, ...]]:
        """Another machine has a scratch of its own."""
        return (Workspace, (self.root,)) if self.store is None else (_in_store, (self.store,))

    @property
    def place(self) -> Place:
        """Where the workspace lies."""
        return self.store or self.root

    @property
    def signs(self) -> Place:
        """Where signs for the workers of a cluster are put."""
        return self.place / "manifests" / ".locks"

    @property
    def videos(self) -> Path:
        """Where the source tree is looked for when none is named."""
        return self.root / "videos"

    def manifest(self, table: str) -> Path:
        """The folder of a manifest's parts."""
        return self.root / "manifests" / table

    def part(self, table: str, shard: int) -> Path:
        """One part of a manifest."""
        return self.manifest(table) / f"{shard:04d}.parquet"

    def lock(self, table: str, shard: int) -> Path:
        """The file whose lock a writer of that part holds."""
        return self.root / "manifests" / ".locks" / f"{table}-{shard:04d}.lock"

    def pack(self, shard: int) -> Path:
        """The tar that holds a shard's faces where they are packed; its index is a part of ``packs``."""
        return self.root / "faces" / f"{shard:04d}.tar"

    def unpacked(self, shard: int) -> Path:
        """Where the faces of a packed shard's clips lie until they are packed; a tree as ``faces/`` is."""
        return self.root / "faces" / f".{shard:04d}"

    def clip_folder(self, kind: str, key: ClipKey) -> Path:
        """The folder of a clip's pictures; ``kind`` is ``frames`` or ``faces``."""
        return self.root / kind / str(key)

    def picture(self, kind: str, key: ClipKey, frame: int, suffix: str = ".jpg") -> Path:
        """One frame's or face's file."""
        return self.clip_folder(kind, key) / picture_name(key.clip, frame, suffix)

    def relative(self, path: Path) -> str:
        """How a table names a file of this workspace."""
        return path.relative_to(self.root).as_posix()


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a name beside ``path`` to write to, and rename it when the block ends; folders are made.

    A reader sees the old file or the new one. The name is fixed, so a killed writer leaves nothing that the next
    one does not overwrite; one writer at a time is the caller's promise.

    Raises:
        WorkspaceError: the disk is full, or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise WorkspaceError(f"cannot write {path}: {error.strerror}") from error


def _in_store(store: StorePath) -> Workspace:
    return Workspace(scratch_of(store), store)


def find_workspace(root: Place | None, *, may_be_stored: bool = False) -> Workspace:
    """The workspace that was named, else ``$TCAE_ROOT``, else the current folder.

    Inside a checkout of this project, where ``manifests/`` is code, the current folder means its ``workspace/``.

    Args:
        root: What the user named.
        may_be_stored: Whether the command can work on a workspace in an object store.

    Raises:
        ConfigError: the path exists and is not a folder, or it is a URL and the command needs a disk.
    """
    chosen = root or place(os.environ.get("TCAE_ROOT") or str(Path.cwd()))
    if isinstance(chosen, StorePath):
        if not may_be_stored:
            raise ConfigError(
                f"the workspace {chosen} is in an object store, where only extract, align, run, split and status work; "
                "copy it to a disk (for instance with `aws s3 sync`) and name that folder with --root"
            )
        return _in_store(chosen)
    if (chosen / "manifests" / "__init__.py").exists():
        chosen = chosen / "workspace"
    if chosen.exists() and not chosen.is_dir():
        raise ConfigError(f"the workspace {chosen} is not a folder; name one with --root")
    return Workspace(chosen.absolute())
