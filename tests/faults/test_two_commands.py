"""Two commands at once: on the same shards one waits or is told who holds them, on different ones none waits."""

import os
from pathlib import Path

import pytest

from tcae.manifests import locks
from tcae.manifests.errors import WorkspaceError
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.stages.shards import locked, run_shard
from tests.fault_builders import EXTRACT, assert_same, finish, start
from tests.stage_builders import call
from tests.toys import ToyStage, frames_of, toy_workspace


def test_two_commands_on_the_same_clips_give_what_one_gives(
    source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    both = [start(*args), start(*args)]
    results = [finish(process) for process in both]
    assert [status for status, _, _ in results] == [0, 0], results
    assert_same(workspace, undisturbed)


def test_the_second_command_on_a_shard_is_told_who_holds_it_and_at_which_clip(
    source: Path, undisturbed: Workspace, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.05)
    shard = int(min(path.stem for path in undisturbed.manifest("clips").glob("*.parquet")))
    with locks.held(workspace.lock("frames", shard), f"shard {shard:04d} of frames") as holder:
        holder.note("at clip id/v/4_folder")
        refused = call(*args)
    assert refused.exit_code == 1
    (line,) = [line for line in refused.stderr.splitlines() if line.startswith("Error")]
    assert f"shard {shard:04d} of frames is held by process {os.getpid()} on " in line
    assert line.endswith(", at clip id/v/4_folder; wait for it to end, or stop it")
    assert call(*args).exit_code == 0
    assert_same(workspace, undisturbed)


def test_commands_on_different_shards_never_wait_for_each_other(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.0)
    stage = ToyStage(workspace=toy_workspace(workspace))
    shards = sorted({shard_of(ClipKey("id", "v", number)) for number in range(12)})
    with locked(stage, shards[0]):
        for shard in shards[1:]:
            assert run_shard(stage, shard, None, lambda: False).left == 0
        with pytest.raises(WorkspaceError, match="is held by process"):
            run_shard(stage, shards[0], None, lambda: False)
    assert run_job(stage, RunnerConfig(workers=0)).made == 1
    assert len(frames_of(workspace)) == 12
