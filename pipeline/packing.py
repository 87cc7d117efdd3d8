"""Pack the faces of a whole workspace that lie in files, or take all of them out of their tars again."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from tcae.manifests.errors import ManifestError
from tcae.manifests.locks import Holder, locked
from tcae.manifests.packs import fault_of, is_packed, members_of, shards_packed
from tcae.manifests.rows import Face
from tcae.manifests.tables import read_table, rows_of
from tcae.manifests.workspace import Workspace
from tcae.pipeline.stages.packing import pack_faces, unpack_faces
from tcae.pipeline.status import shards_of


@dataclass(kw_only=True)
class Packing:
    """What became of a workspace's faces."""

    num_shards: int = 0
    """Shards with faces."""
    num_faces: int = 0
    """Faces that the rows name."""
    num_lost: int = 0
    """Clips of which a face is missing or damaged; they stay as they are."""


def pack_workspace(
    workspace: Workspace,
    *,
    undo: bool = False,
    follow: Callable[[Sequence[int]], Iterable[int]] = lambda shards: shards,
) -> Packing:
    """Pack every shard that is not, or unpack every shard that is; then remove folders that are left empty.

    Args:
        workspace: Whose table ``faces`` says which faces there are.
        undo: Unpack.
        follow: Is given the shards to loop over; for showing progress.

    Raises:
        ManifestError: a part of ``faces`` is damaged.
        WorkspaceError: the disk is full, or another command works on a shard.
    """
    outcome = Packing()
    for shard in follow(shards_of(workspace, "faces")):
        with _locked(workspace, shard):
            rows = _rows(workspace, shard)
            outcome.num_shards += bool(rows)
            outcome.num_faces += len(rows)
            if _is_damaged(workspace, shard):
                outcome.num_lost += len({row.key for row in rows})
            elif rows and (is_packed(workspace, shard) if undo else _is_to_pack(workspace, shard, rows)):
                outcome.num_lost += len((unpack_faces if undo else pack_faces)(workspace, shard, rows))
    if not undo:
        _remove_empty(workspace.root / "faces")
    return outcome


def _locked(workspace: Workspace, shard: int) -> AbstractContextManager[None]:
    """Keep stages from a shard; the note of a stage that was killed there is left to the next stage."""
    path = workspace.lock("faces", shard)
    holder = Holder(path)

    def taken() -> str:
        return f"shard {shard:04d} of faces is held by {holder.read() or 'another command'}; wait for it to end"

    return locked(path, path, taken)


def num_in_files(workspace: Workspace) -> int:
    """Shards with faces that are not packed."""
    others = sorted(set(shards_of(workspace, "faces")) - set(shards_packed(workspace)))
    files = (read_table(workspace.part("faces", shard), Face, ["file"]).column("file") for shard in others)
    return sum(column.null_count < len(column) for column in files)


def _rows(workspace: Workspace, shard: int) -> list[Face]:
    """The rows that name a file."""
    table = read_table(workspace.part("faces", shard), Face)
    return rows_of(table.filter(pc.is_valid(table.column("file"))), Face)


def _is_damaged(workspace: Workspace, shard: int) -> bool:
    """Whether a tar is damaged; if it were written anew, nothing would tell that faces were in it once."""
    try:
        members_of(workspace, shard)
    except ManifestError:
        return True
    return fault_of(workspace, shard) is not None


def _is_to_pack(workspace: Workspace, shard: int, rows: Sequence[Face]) -> bool:
    """Whether there are files, because the shard was never packed or who did it was killed, or other faces in it."""
    packed, named = ({(one.key, one.frame) for one in some} for some in (members_of(workspace, shard), rows))
    if packed != named or workspace.unpacked(shard).exists():
        return True
    return any(workspace.clip_folder("faces", key).exists() for key, _ in named)


def _remove_empty(faces: Path) -> None:
    """Remove the folders of videos and identities in which nothing is."""
    for pattern in ("*/*/", "*/"):
        for folder in list(faces.glob(pattern)):
            with suppress(OSError):  # something is in it
                folder.rmdir()
