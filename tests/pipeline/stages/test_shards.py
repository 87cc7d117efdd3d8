"""A shard keeps the rows whose fingerprint holds, makes the others, and loses nothing."""

import pytest

from tcae.manifests import locks
from tcae.manifests.errors import WorkspaceError
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages import shards
from tcae.pipeline.stages.base import Tally
from tcae.pipeline.stages.job import Watch, run_job
from tcae.pipeline.stages.planning import plan_job
from tcae.pipeline.stages.shards import plan_shard, run_shard
from tests.toys import ToyStage, config_of, frames_of, toy_clip, toy_workspace, write_clips

HERE = RunnerConfig(workers=0)


def test_every_clip_has_frames_or_a_rejection(workspace: Workspace) -> None:
    tally = run_job(ToyStage(workspace=toy_workspace(workspace)), HERE)
    assert (tally.clips, tally.made, tally.kept, tally.left) == (12, 12, 0, 0)
    assert tally.done == {"frames": 12}
    assert tally.reasons("frames") == {"odd": 6}
    assert {key.clip: len(rows) for key, rows in frames_of(workspace).items()} == {
        n: 1 + (n % 2 == 0) for n in range(12)
    }


def test_running_again_makes_nothing_and_tells_the_same(workspace: Workspace) -> None:
    stage = ToyStage(workspace=toy_workspace(workspace))
    first = run_job(stage, HERE)
    again = run_job(stage, HERE)
    assert (again.made, again.kept) == (0, 12)
    assert (again.done, again.rejected) == (first.done, first.rejected)


def test_only_missing_clips_are_made(workspace: Workspace) -> None:
    run_job(ToyStage(workspace=toy_workspace(workspace, 6)), HERE)
    tally = run_job(ToyStage(workspace=toy_workspace(workspace, 8)), HERE)
    assert (tally.made, tally.kept) == (2, 6)


def test_a_changed_option_is_noticed_and_redone(workspace: Workspace) -> None:
    run_job(ToyStage(workspace=toy_workspace(workspace)), HERE)
    changed = ToyStage(workspace=workspace, config="b")
    plan = plan_job(changed)
    assert (plan.num_todo, plan.num_stale) == (12, 12)
    assert run_job(changed, HERE).made == 12
    assert config_of(workspace, shard_of(ClipKey("id", "v", 0))) == {"config": "b"}


@pytest.mark.parametrize(("retry", "made"), [("any", 6), ("odd", 6), ("blurred", 0), (None, 0)])
def test_rejected_clips_are_taken_again_on_demand(workspace: Workspace, retry: str | None, made: int) -> None:
    stage = ToyStage(workspace=toy_workspace(workspace))
    run_job(stage, HERE)
    assert run_job(stage, HERE, retry=retry).made == made


def test_a_bug_stops_the_run_with_the_clips_name_and_keeps_what_was_made(workspace: Workspace) -> None:
    shard = shard_of(ClipKey("id", "v", 0))
    clips = [number for number in range(100_000) if shard_of(ClipKey("id", "v", number)) == shard][:3]
    write_clips(workspace, [toy_clip(number) for number in clips])
    with pytest.raises(ZeroDivisionError) as caught:
        run_shard(ToyStage(workspace=workspace, bug_at=clips[1]), shard, None, lambda: False)
    assert caught.value.__notes__ == [f"while toy worked on clip id/v/{clips[1]}_folder"]
    assert [key.clip for key in frames_of(workspace)] == clips[:1]


def test_a_stop_writes_the_rows_that_are_there(workspace: Workspace) -> None:
    shard = shard_of(ClipKey("id", "v", 0))
    clips = [number for number in range(100_000) if shard_of(ClipKey("id", "v", number)) == shard][:3]
    write_clips(workspace, [toy_clip(number) for number in clips])
    answers = iter([False, True])
    tally = run_shard(ToyStage(workspace=workspace), shard, None, lambda: next(answers))
    assert (tally.made, tally.left) == (1, 2)
    assert len(frames_of(workspace)) == 1


def test_rows_without_inputs_go_with_their_files(workspace: Workspace) -> None:
    stage = ToyStage(workspace=toy_workspace(workspace, 2))
    run_job(stage, HERE)
    workspace.part("clips", shard_of(ClipKey("id", "v", 0))).unlink()
    run_job(stage, HERE)
    assert [key.clip for key in frames_of(workspace)] == [1]
    assert "id/v/0_folder" in (workspace.root / "discarded").read_text()


def test_a_held_shard_says_who_holds_it_and_another_is_free(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.05)
    stage = ToyStage(workspace=toy_workspace(workspace))
    held, free = (shard_of(ClipKey("id", "v", number)) for number in (0, 1))
    with shards.locked(stage, held):
        with pytest.raises(WorkspaceError, match=rf"shard {held:04d} of frames is held by process \d+ on "):
            run_shard(stage, held, None, lambda: False)
        assert run_shard(stage, free, None, lambda: False).made == 1
    assert run_shard(stage, held, None, lambda: False).made == 1


def test_a_plan_writes_nothing(workspace: Workspace) -> None:
    stage = ToyStage(workspace=toy_workspace(workspace))
    assert len(plan_shard(stage, shard_of(ClipKey("id", "v", 0))).todo) == 1
    assert not workspace.manifest("frames").exists()


def test_a_watch_hears_the_plan_and_each_task(workspace: Workspace) -> None:
    plans: list[int] = []
    total = Tally()
    watch = Watch(on_plan=lambda plan, crew: plans.append(plan.num_todo), on_tally=total.add)
    run_job(ToyStage(workspace=toy_workspace(workspace)), HERE, watch=watch)
    assert plans == [12]
    assert total.made == 12
