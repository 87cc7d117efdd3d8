"""Source trees in, the clips manifest out: list what is there and keep every number that was given."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from tcae.manifests.errors import ConfigError
from tcae.manifests.locks import Patience, held
from tcae.manifests.places import Place, place
from tcae.manifests.provenance import describe
from tcae.manifests.rows import Clip, ClipKey
from tcae.manifests.tables import read_parts, read_table, rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of, written_whole
from tcae.pipeline.sources import Listing, SourceConfig, list_clips

LISTING_SECONDS = 3600.0
"""How long a job of an array waits for the one that lists: a million files on a busy network disk take their time."""

AS_LISTED = "the clips are taken as they were listed before; a command without --shard lists the sources anew"


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


def share_clips(workspace: Workspace, config: SourceConfig, tell: Callable[[str], None]) -> list[str]:
    """List the sources unless that was done before, so that of many jobs only one walks the trees.

    The others wait for it, and take the clips as it listed them; so does every later job, whatever has changed in the
    sources since.

    Args:
        workspace: Shared by the jobs.
        config: The sources.
        tell: Called once with who is listing, where another job is.

    Returns:
        Notes for the user: those of the listing, or that an earlier one was taken.

    Raises:
        ConfigError: a source is missing or empty, or identities collide.
        WorkspaceError: another job has been listing for an hour, or the workspace cannot be written.
    """
    if _is_listed(workspace, config):
        return [AS_LISTED]
    with held(workspace.lock("clips", 0), "the list of clips", Patience(seconds=LISTING_SECONDS, tell=tell)):
        if _is_listed(workspace, config):
            return [AS_LISTED]
        known = _known(workspace)
        listing = list_clips(config, known)
        _write(workspace, config, known, listing)
    return listing.notes


def _record(workspace: Workspace) -> Path:
    """Says of which sources the parts are a whole listing: of none while parts are written, or if that was killed."""
    return workspace.manifest("clips") / "listed.json"


def _is_listed(workspace: Workspace, config: SourceConfig) -> bool:
    listed, num_parts = _read_record(workspace)
    return _asked(config) <= listed and num_parts == _num_parts(workspace)


def _read_record(workspace: Workspace) -> tuple[set[tuple[str, ...]], int]:
    try:
        record = json.loads(_record(workspace).read_text())
        return {tuple(entry) for entry in record["sources"]}, record["parts"]
    except (OSError, ValueError, KeyError, TypeError):
        return set(), 0


def _write_record(workspace: Workspace, listed: set[tuple[str, ...]]) -> None:
    num_parts = _num_parts(workspace)
    if (listed, num_parts) != _read_record(workspace):
        with written_whole(_record(workspace)) as partial:
            partial.write_text(json.dumps({"sources": sorted(listed), "parts": num_parts}))


def _num_parts(workspace: Workspace) -> int:
    return sum(1 for _ in workspace.manifest("clips").glob("*.parquet"))


def _asked(config: SourceConfig) -> set[tuple[str, ...]]:
    return {(str(source), config.layout, config.tracks) for source in config.sources}


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
    rows = {workspace.part("clips", shard): [clips[key] for key in sorted(clips)] for shard, clips in parts.items()}
    changed = [path for path in rows if not _holds(path, rows[path])]
    listed, _ = _read_record(workspace)
    if changed:
        _write_record(workspace, set())
    provenance = describe("list", {"layout": config.layout, "tracks": config.tracks})
    for path in changed:
        write_table(table_of(rows[path], Clip), path, provenance)
    _write_record(workspace, listed | _asked(config))


def _holds(path: Path, clips: list[Clip]) -> bool:
    return path.exists() and rows_of(read_table(path, Clip), Clip) == clips


def sources_of(workspace: Workspace, named: tuple[Place, ...]) -> tuple[Place, ...]:
    """The source trees to list: those named, else the workspace's ``videos/``, else those listed before.

    Raises:
        ConfigError: there is none.
    """
    if named:
        return tuple(path.absolute() for path in named)
    videos = workspace.place / "videos"
    if videos.exists():
        return (videos,)
    before = read_parts(workspace.manifest("clips"), Clip, ["source"])["source"].unique().to_pylist()
    if not before:
        raise ConfigError(f"there is no {videos}; put or link the videos there, or name them: --source PATH")
    return tuple(place(source) for source in sorted(before))
