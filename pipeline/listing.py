"""Source trees in, the clips manifest out: list what is there and keep every number that was given."""

from collections import defaultdict
from pathlib import Path

from tcae.manifests.errors import ConfigError
from tcae.manifests.locks import held
from tcae.manifests.provenance import describe
from tcae.manifests.rows import Clip, ClipKey
from tcae.manifests.tables import read_parts, read_table, rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.sources import Listing, SourceConfig, list_clips


def update_clips(workspace: Workspace, config: SourceConfig, *, is_kept: bool = True) -> Listing:
    """List the sources and bring ``manifests/clips`` up to date.

    A clip that was listed before keeps its number; one that is no longer there keeps its row, unless it was refused.
    Parts that do not
    change are not written, and with ``is_kept=False`` none is.

    Returns:
        The listing, with every clip of this call.

    Raises:
        ConfigError: a source is missing or empty, or identities collide.
        WorkspaceError: another command is listing, or the workspace cannot be written.
    """
    state, known = _state(workspace), _known(workspace)
    listing = list_clips(config, known)
    if not is_kept:
        return listing
    with held(workspace.lock("clips", 0), "the list of clips"):
        if _state(workspace) != state:  # another command has listed, and given numbers, meanwhile
            known = _known(workspace)
            listing = list_clips(config, known)
        _write(workspace, config, known, listing)
    return listing


def _state(workspace: Workspace) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in workspace.manifest("clips").glob("*.parquet")}


def _known(workspace: Workspace) -> list[Clip]:
    return rows_of(read_parts(workspace.manifest("clips"), Clip), Clip)


def _write(workspace: Workspace, config: SourceConfig, known: list[Clip], listing: Listing) -> None:
    parts: dict[int, dict[ClipKey, Clip]] = defaultdict(dict)
    for clip in (*known, *listing.clips):
        parts[shard_of(clip.key)][clip.key] = clip
    for clip in set(known) - set(listing.clips):
        if clip.reason is not None and parts[shard_of(clip.key)][clip.key] == clip:
            del parts[shard_of(clip.key)][clip.key]
    for shard, clips in parts.items():
        _write_part(workspace.part("clips", shard), [clips[key] for key in sorted(clips)], config)


def _write_part(path: Path, clips: list[Clip], config: SourceConfig) -> None:
    if path.exists() and rows_of(read_table(path, Clip), Clip) == clips:
        return
    write_table(table_of(clips, Clip), path, describe("list", {"layout": config.layout, "tracks": config.tracks}))


def sources_of(workspace: Workspace, named: tuple[Path, ...]) -> tuple[Path, ...]:
    """The source trees to list: those named, else the workspace's ``videos/``, else those listed before.

    Raises:
        ConfigError: there is none.
    """
    if named:
        return tuple(path.absolute() for path in named)
    if workspace.videos.exists():
        return (workspace.videos,)
    before = read_parts(workspace.manifest("clips"), Clip, ["source"])["source"].unique().to_pylist()
    if not before:
        raise ConfigError(f"there is no {workspace.videos}; put or link the videos there, or name them: --source PATH")
    return tuple(Path(source) for source in sorted(before))
