"""A clip at which processes die is named and rejected, costs one process, and stops no other clip."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tcae.manifests.errors import ItemError
from tcae.manifests.rows import ClipKey, Frame
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages import isolation
from tcae.pipeline.stages.base import Item
from tcae.pipeline.stages.extract import ExtractConfig, ExtractStage
from tcae.pipeline.stages.isolation import make_apart
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.stages.shards import run_shard
from tcae.pipeline.video import VideoConfig
from tests.clips import write_clip
from tests.faults.deadly import DeadlyStage, TrickedStage, one_shard, run_until_done
from tests.stage_builders import frames, listed, read
from tests.toys import ToyStage, frames_of, toy_workspace

HERE = RunnerConfig(workers=0)


def never() -> bool:
    return False


def reasons(rows: dict[ClipKey, list[Frame]]) -> dict[int, str | None]:
    return {key.clip: row.reason for key, (row, *_) in rows.items()}


def item_at(stage: DeadlyStage, shard: int, number: int) -> Item:
    (item,) = [item for item in stage.items(shard) if item.key.clip == number]
    return item


def test_each_deadly_clip_costs_one_process_and_is_rejected_for_what_it_does(tmp_path: Path) -> None:
    found, wanted = Workspace(tmp_path / "found"), Workspace(tmp_path / "wanted")
    shard, numbers = one_shard(found, 7)
    one_shard(wanted, 7)
    a, b, c, d = numbers[1], numbers[2], numbers[4], numbers[5]
    fates = {a: "crash", b: "hang_while_reading", c: "kill", d: "leave"}
    statuses = run_until_done(DeadlyStage(workspace=found, fates=fates), shard)
    assert statuses == [-signal.SIGSEGV, -signal.SIGALRM, -signal.SIGKILL, 3, 0]
    run_shard(ToyStage(workspace=wanted), shard, None, never)
    rows, undisturbed = frames_of(found), frames_of(wanted)
    assert {n: reason for n, reason in reasons(rows).items() if reason} == {
        a: "crash", b: "timeout", c: "memory", d: "crash",
    }  # fmt: skip
    assert {k: v for k, v in rows.items() if k.clip not in fates} == {
        k: v for k, v in undisturbed.items() if k.clip not in fates
    }
    assert run_job(ToyStage(workspace=found), HERE).kept == 7


def test_a_clip_at_which_a_process_died_by_chance_is_made_as_ever(tmp_path: Path) -> None:
    found, wanted = Workspace(tmp_path / "found"), Workspace(tmp_path / "wanted")
    shard, numbers = one_shard(found, 4)
    one_shard(wanted, 4)
    stage = DeadlyStage(workspace=found, fates=dict.fromkeys(numbers[1:3], "kill"), is_once=True)
    assert run_until_done(stage, shard) == [-signal.SIGKILL] * 2 + [0]
    run_shard(ToyStage(workspace=wanted), shard, None, never)
    assert frames_of(found) == frames_of(wanted)


@pytest.mark.parametrize(
    ("fate", "reason", "detail"),
    [
        ("crash", "crash", "its process ended with SIGSEGV; another decoder may do: --reader ffmpeg"),
        ("leave", "crash", "its process ended with status 3; "),
        ("kill", "memory", "its process was killed, as the system does when memory runs out"),
        ("hang_while_reading", "timeout", "a call into the decoder did not come back"),
        ("hang", "timeout", "it takes longer than 3 s altogether"),
        ("grow", "memory", r"it takes more than 0\.6 GB of memory; where more is free: --retry-failed memory"),
    ],
)
def test_a_process_of_its_own_tells_what_is_wrong(
    fate: str, reason: str, detail: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fate == "hang":
        monkeypatch.setattr(isolation, "LIMIT_SECONDS", 3.0)
    if fate == "grow":
        monkeypatch.setattr(isolation, "LEAST_BYTES", 0.6e9)
        monkeypatch.setattr(isolation, "MEMORY_SHARE", 0)
    shard, (number,) = one_shard(workspace, 1)
    stage = DeadlyStage(workspace=workspace, fates={number: fate})
    with pytest.raises(ItemError, match=detail) as caught:
        make_apart(stage, item_at(stage, shard, number))
    assert caught.value.reason == reason


def test_what_a_stage_gives_or_refuses_comes_back_from_a_process_of_its_own(workspace: Workspace) -> None:
    stage = DeadlyStage(workspace=toy_workspace(workspace, 2))
    items = [item for number in range(2) for item in stage.items(shard_of(ClipKey("id", "v", number)))]
    assert make_apart(stage, items[0]) == stage.make(items[0])
    with pytest.raises(ItemError, match="1 is odd"):
        make_apart(stage, items[1])
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
        make_apart(replace(stage, bug_at=0), items[0])


def test_memory_that_is_refused_costs_the_clip_and_not_the_process(workspace: Workspace) -> None:
    shard, numbers = one_shard(workspace, 3)
    tally = run_shard(DeadlyStage(workspace=workspace, fates={numbers[1]: "demand"}), shard, None, never)
    assert (tally.made, tally.left) == (3, 0)
    assert reasons(frames_of(workspace)) == {numbers[0]: None, numbers[1]: "memory", numbers[2]: None}


def test_a_decoder_that_crashes_and_one_that_hangs_cost_two_clips(tmp_path: Path) -> None:
    """Through the door to video, as real files would."""
    source = tmp_path / "source" / "id" / "v"
    source.mkdir(parents=True)
    for name in ("a", "crash", "hang", "z"):
        write_clip(source / f"{name}.mp4", 30)
    found, wanted = (listed(Workspace(tmp_path / name), tmp_path / "source") for name in ("found", "wanted"))
    config = ExtractConfig(video=VideoConfig(timeout_seconds=0.4))
    shards = [int(path.stem) for path in sorted(found.manifest("clips").glob("*.parquet"))]
    statuses = run_until_done(TrickedStage(workspace=found, config=config), *shards)
    assert sorted(statuses) == [-signal.SIGALRM, -signal.SIGSEGV, 0]
    run_job(ExtractStage(workspace=wanted, config=config), HERE)
    names = {clip.key: clip.name for clip in read(found, "clips")}
    rejected = {names[row.key]: row.reason for row in frames(found) if row.reason}
    assert rejected == {"crash.mp4": "crash", "hang.mp4": "timeout"}
    assert [row for row in frames(found) if row.reason is None] == [
        row for row in frames(wanted) if names[row.key] not in rejected
    ]
    for name, key in ((names[key], key) for key in names):
        assert found.clip_folder("frames", key).exists() == (name not in rejected)
