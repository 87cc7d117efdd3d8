"""The clips manifest keeps every number that it ever gave."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tcae.manifests import locks
from tcae.manifests.errors import ConfigError, WorkspaceError
from tcae.manifests.rows import Clip
from tcae.manifests.tables import write_table
from tcae.manifests.workspace import Workspace
from tcae.pipeline import listing
from tcae.pipeline.listing import AS_LISTED, share_clips, sources_of, update_clips
from tcae.pipeline.sources import Listing, SourceConfig, list_clips
from tests.source_builders import grow
from tests.stage_builders import listed, read


def numbers(workspace: Workspace) -> dict[str, int]:
    return {clip.name: clip.clip for clip in read(workspace, "clips")}


def test_new_clips_take_the_next_numbers_and_gone_ones_keep_theirs(workspace: Workspace, tmp_path: Path) -> None:
    source = grow(tmp_path / "source", "id1/v1/b.mp4", "id1/v1/d.mp4")
    listed(workspace, source)
    (source / "id1/v1/b.mp4").unlink()
    grow(source, "id1/v1/a.mp4", "id1/v1/c.mp4")
    listed(workspace, source)
    assert numbers(workspace) == {"b.mp4": 0, "d.mp4": 1, "a.mp4": 2, "c.mp4": 3}


def test_a_listing_that_changes_nothing_writes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    source = grow(tmp_path / "source", "id1/v1/a.mp4", "id1/v2/a.mp4")
    listed(workspace, source)
    before = {path: path.stat().st_mtime_ns for path in workspace.manifest("clips").iterdir()}
    listed(workspace, source)
    assert before == {path: path.stat().st_mtime_ns for path in workspace.manifest("clips").iterdir()}


def test_a_dry_run_and_a_missing_source_write_nothing(workspace: Workspace, tmp_path: Path) -> None:
    source = grow(tmp_path / "source", "id1/v1/a.mp4")
    found = update_clips(workspace, SourceConfig(sources=(source,)), is_kept=False)
    assert [clip.name for clip in found.clips] == ["a.mp4"]
    with pytest.raises(ConfigError, match="there is no source tree at"):
        update_clips(workspace, SourceConfig(sources=(tmp_path / "nowhere",)))
    assert not workspace.root.exists()


def test_a_refused_entry_goes_when_it_is_mended(workspace: Workspace, tmp_path: Path) -> None:
    source = grow(tmp_path / "source", "id1/v1/a.mp4")
    loop = source / "id1" / "v1" / "b.mp4"
    loop.symlink_to("b.mp4")
    listed(workspace, source)
    assert [clip.reason for clip in read(workspace, "clips") if clip.reason] == ["unreadable"]
    loop.unlink()
    listed(workspace, source)
    assert [(clip.name, clip.reason) for clip in read(workspace, "clips")] == [("a.mp4", None)]


def test_two_listings_at_once_do_not_give_one_number_twice(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first walks its tree, a second lists the same tree with one clip more."""
    source = grow(tmp_path / "source", "id1/v1/b.mp4")
    walk = list_clips

    def walk_slowly(config: SourceConfig, known: list[Clip]) -> Listing:
        found = walk(config, known)
        monkeypatch.setattr(listing, "list_clips", walk)
        listed(workspace, source)
        grow(source, "id1/v1/a.mp4")
        return found

    monkeypatch.setattr(listing, "list_clips", walk_slowly)
    listed(workspace, source)
    assert numbers(workspace) == {"b.mp4": 0, "a.mp4": 1}


def test_a_listing_waits_for_another_and_names_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.05)
    source = grow(tmp_path / "source", "id1/v1/a.mp4")
    with (
        locks.held(workspace.lock("clips", 0), "the list of clips"),
        pytest.raises(WorkspaceError, match=r"the list of clips is held by process \d+ on "),
    ):
        listed(workspace, source)


def test_the_source_is_what_was_named_then_videos_then_what_was_listed(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no .*videos; put or link the videos there, or name them"):
        sources_of(workspace, ())
    source = grow(tmp_path / "source", "id1/v1/a.mp4")
    listed(workspace, source)
    assert sources_of(workspace, ()) == (source,)
    workspace.videos.mkdir()
    assert sources_of(workspace, ()) == (workspace.videos,)
    assert sources_of(workspace, (tmp_path / "named",)) == (tmp_path / "named",)


def refuse(message: str) -> None:
    pytest.fail(f"nobody else is listing, but {message!r}")


def test_of_many_jobs_one_lists_and_the_others_wait_for_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk ends only when all others have said that they wait."""
    monkeypatch.setattr(locks, "PATIENT_POLL_SECONDS", 0.01)
    config = SourceConfig(sources=(grow(tmp_path / "source", "id1/v1/a.mp4", "id1/v1/b.mp4"),))
    walks: list[SourceConfig] = []
    told: list[str] = []
    walk, all_wait = list_clips, threading.Event()

    def walk_slowly(config: SourceConfig, known: list[Clip]) -> Listing:
        walks.append(config)
        assert all_wait.wait(30)
        return walk(config, known)

    def tell(message: str) -> None:
        told.append(message)
        if len(told) == 3:
            all_wait.set()

    monkeypatch.setattr(listing, "list_clips", walk_slowly)
    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(lambda _: share_clips(workspace, config, tell), range(4)))
    assert len(walks) == 1
    assert len(told) == 3
    assert all(message.startswith("the list of clips is held by process ") for message in told)
    assert notes.count([AS_LISTED]) == 3
    assert numbers(workspace) == {"a.mp4": 0, "b.mp4": 1}


def test_a_job_of_an_array_takes_the_clips_as_listed_before(workspace: Workspace, tmp_path: Path) -> None:
    source = grow(tmp_path / "source", "id1/v1/a.mp4")
    listed(workspace, source)
    grow(source, "id1/v1/b.mp4")
    assert share_clips(workspace, SourceConfig(sources=(source,)), refuse) == [AS_LISTED]
    assert numbers(workspace) == {"a.mp4": 0}
    assert share_clips(workspace, SourceConfig(sources=(source,), layout="clips"), refuse) != [AS_LISTED]
    assert numbers(workspace) == {"a.mp4": 0, "b.mp4": 1}
    other = grow(tmp_path / "other", "id2/v1/a.mp4")
    assert share_clips(workspace, SourceConfig(sources=(source, other)), refuse) != [AS_LISTED]
    assert share_clips(workspace, SourceConfig(sources=(other,)), refuse) == [AS_LISTED]


def test_a_listing_that_was_killed_half_way_is_made_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = SourceConfig(sources=(grow(tmp_path / "source", *(f"id1/v1/{n}.mp4" for n in range(9))),))
    write = write_table
    written: list[Path] = []

    def die(*args: object) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(Path())
        write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(listing, "write_table", die)
    with pytest.raises(KeyboardInterrupt):
        share_clips(workspace, config, refuse)
    monkeypatch.setattr(listing, "write_table", write)
    assert 0 < len(numbers(workspace)) < 9
    assert share_clips(workspace, config, refuse) != [AS_LISTED]
    assert len(numbers(workspace)) == 9
    next(workspace.manifest("clips").glob("*.parquet")).unlink()
    assert share_clips(workspace, config, refuse) != [AS_LISTED]
    assert len(numbers(workspace)) == 9
