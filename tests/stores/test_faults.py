"""What goes wrong with an S3 server is one line, and the same command goes on when it is right again."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tcae.manifests import stores
from tcae.manifests.places import at_hand
from tcae.manifests.stores import StorePath, remove
from tcae.manifests.workspace import Workspace
from tcae.pipeline import clips
from tests.clips import write_clip
from tests.fault_builders import kill_at_random
from tests.stage_builders import call, frames
from tests.store_builders import Server, brought, put, s3_server, same_times
from tests.stores.test_workspaces import assert_same

EXTRACT = ("--fps", 5, "--workers", 0)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Server, StorePath]]:
    with s3_server() as both:
        yield both


@pytest.fixture
def bucket(served: tuple[Server, StorePath], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorePath:
    """A place of the test's own."""
    monkeypatch.setenv("TCAE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setattr(stores, "WAITS_SECONDS", ())
    return served[1] / tmp_path.name


@pytest.fixture
def source(bucket: StorePath, tmp_path: Path) -> StorePath:
    """Five small clips in the store, and the same on the disk."""
    for number in range(5):
        folder = tmp_path / "source" / f"id{number}" / "v"
        folder.mkdir(parents=True)
        write_clip(folder / "a.mp4", 20 + number)
    same_times(tmp_path / "source", put(tmp_path / "source", bucket / "source"))
    return bucket / "source"


def error_of(*args: object) -> str:
    result = call(*args)
    assert result.exit_code == 1, result.output
    return result.stderr.splitlines()[-1]


def forbid_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0)


def forget_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.mark.parametrize(
    ("prepare", "wanted"),
    [
        (
            forbid_all,
            "Error: the store refuses {source} (The AWS Access Key Id you provided does not exist in our recor",
        ),
        (
            forget_credentials,
            "Error: the store refuses {source} (Unable to locate credentials); look at the credential",
        ),
    ],
)
def test_wrong_credentials_are_said(
    prepare: Callable[[pytest.MonkeyPatch], None],
    wanted: str,
    source: StorePath,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(monkeypatch)
    said = error_of("extract", "--root", tmp_path / "workspace", "--source", source, *EXTRACT)
    monkeypatch.undo()
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    assert said.startswith(wanted.format(source=source))


def test_a_bucket_that_is_missing_is_said(source: StorePath, tmp_path: Path) -> None:
    said = error_of("extract", "--root", tmp_path / "workspace", "--source", "s3://nowhere/tree", *EXTRACT)
    assert said.startswith("Error: there is no source tree at s3://nowhere/tree (The specified bucket does not exist)")
    said = error_of("extract", "--root", "s3://nowhere/workspace", "--source", source, *EXTRACT)
    assert said.startswith("Error: s3://nowhere/workspace/manifests/clips/")
    assert said.endswith("cannot be written (The specified bucket does not exist); make the bucket first")
    said = error_of("align", "--root", "s3://nowhere/workspace", "--workers", 0)
    assert said == "Error: s3://nowhere/workspace has no frames yet; run `tcae-prep extract` first"


@pytest.mark.parametrize("num_before", [0, 2])
def test_a_connection_that_is_lost_rejects_no_clip(
    num_before: int,
    served: tuple[Server, StorePath],
    bucket: StorePath,
    source: StorePath,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    args = ("extract", "--root", bucket / "workspace", "--source", source, *EXTRACT)
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    real, opened = at_hand, list[object]()

    def cut(*given: Any) -> Any:
        opened.append(given)
        if len(opened) == num_before + 1:
            served[0].stop()
        return real(*given)

    monkeypatch.setattr(clips, "at_hand", cut)
    said = error_of(*args)
    assert said.startswith(f"Error: the store does not give or take {bucket}")
    assert said.endswith("when it can be reached, the same command goes on from here")
    served[0].start()
    before = {row.key for row in frames(brought(bucket / "workspace", tmp_path / "before"))}
    assert len(before) <= num_before
    again = call(*args)
    assert again.exit_code == 0, again.output
    assert f"{len(before)} found made" in again.stdout
    assert call("extract", "--root", tmp_path / "wanted", "--source", tmp_path / "source", *EXTRACT).exit_code == 0
    assert_same(brought(bucket / "workspace", tmp_path / "found"), Workspace(tmp_path / "wanted"))


def test_a_clip_that_vanishes_after_the_listing_is_rejected_and_no_other(
    bucket: StorePath, source: StorePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, gone = at_hand, list[Any]()

    def vanish(where: Any, *given: Any) -> Any:
        if not gone:
            gone.append(where)
            remove([where])
        return real(where, *given)

    monkeypatch.setattr(clips, "at_hand", vanish)
    assert call("extract", "--root", bucket / "workspace", "--source", source, *EXTRACT).exit_code == 0
    rows = frames(brought(bucket / "workspace", tmp_path / "found"))
    (lost,) = [row for row in rows if row.reason]
    assert (lost.reason, lost.detail) == ("unreadable", "a.mp4 cannot be opened: No such file or directory")
    assert f"{source}/{lost.identity}/v/a.mp4" == str(gone[0])
    assert len({row.key for row in rows}) == 5


def test_killed_at_random_moments_it_goes_on(bucket: StorePath, source: StorePath, tmp_path: Path) -> None:
    args = ("extract", "--root", bucket / "workspace", "--source", source, *EXTRACT)
    kill_at_random([args, (*args, "--fps", 1)], num_kills=4, longest_seconds=2.0, seed=3)
    assert call(*args).exit_code == 0
    assert call("extract", "--root", tmp_path / "wanted", "--source", tmp_path / "source", *EXTRACT).exit_code == 0
    assert_same(brought(bucket / "workspace", tmp_path / "found"), Workspace(tmp_path / "wanted"))


@pytest.mark.parametrize("command", ["verify", "report", "demo", "doctor"])
def test_a_command_that_needs_a_disk_says_so(command: str) -> None:
    said = error_of(command, "--root", "s3://bucket/workspace")
    assert said.startswith(
        "Error: the workspace s3://bucket/workspace is in an object store, where only extract, align"
    )
    assert "copy it to a disk" in said


def test_a_library_that_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    said = error_of("extract", "--root", tmp_path, "--source", "gs://bucket/tree")
    assert said.startswith("Error: gs://bucket/tree needs a library that is not installed: Please install gcsfs")
