"""Planning reads little and says what reading everything would say."""

from dataclasses import replace
from pathlib import Path

import pytest

from tcae.manifests.rows import Frame
from tcae.manifests.tables import read_parts, read_table, rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.shares import Share
from tcae.pipeline.stages import planning
from tcae.pipeline.stages.base import Stage, Tally
from tcae.pipeline.stages.job import run_job
from tcae.pipeline.stages.planning import JobPlan, Trace, plan_job, read_traces
from tcae.pipeline.stages.shards import plan_shard, read_part
from tests.toys import ToyStage, toy_clip, toy_workspace, write_clips


def planned_from_all_rows(stage: Stage, retry: str | None) -> JobPlan:
    """The same plan, slowly."""
    sizes: dict[int, int] = {}
    num_stale, made = 0, Tally()
    for shard in sorted(int(path.stem) for path in stage.workspace.manifest("clips").glob("*.parquet")):
        plan = plan_shard(stage, shard, retry)
        num_stale += plan.num_stale
        if plan.todo or plan.orphans:
            sizes[shard] = len(plan.todo)
        else:
            made.add(Tally(clips=len(plan.made), kept=len(plan.made)))
            for key in plan.made:
                made.count(plan.found[key])
    return JobPlan(sizes=sizes, num_stale=num_stale, made=made)


@pytest.fixture
def half_made(workspace: Workspace) -> Workspace:
    """Clips that are made, rejected, stale in part, stale, without rows, and rows whose clip went."""
    run_job(ToyStage(workspace=toy_workspace(workspace, 20)), RunnerConfig(workers=0))
    write_clips(workspace, [toy_clip(number) for number in range(20, 24)])
    for number, fingerprints in {2: ["a", "b"], 4: ["b", "b"]}.items():
        path = workspace.part("frames", shard_of(toy_clip(number).key))
        rows = [row for row in rows_of(read_table(path, Frame), Frame) if row.clip != number]
        new = [
            Frame(**toy_clip(number).key._asdict(), frame=k, fingerprint=each) for k, each in enumerate(fingerprints)
        ]
        write_table(table_of([*rows, *new], Frame), path)
    write_clips(workspace, [replace(toy_clip(0), video="gone")])
    gone = replace(toy_clip(6), video="gone")
    write_table(table_of([], Frame), workspace.part("frames", shard_of(gone.key)))
    return workspace


@pytest.mark.parametrize("retry", [None, "odd", "any", "other"])
@pytest.mark.parametrize("config", ["a", "b"])
def test_a_plan_from_traces_is_the_plan_from_all_rows(half_made: Workspace, retry: str | None, config: str) -> None:
    stage = ToyStage(workspace=half_made, config=config)
    plan = plan_job(stage, retry)
    assert plan == planned_from_all_rows(stage, retry)
    assert 0 < plan.num_todo <= 25
    assert plan.num_stale > 0


def test_traces_count_the_rows_that_agree(half_made: Workspace) -> None:
    stage = ToyStage(workspace=half_made)
    traces = [
        trace
        for path in half_made.manifest("frames").glob("*.parquet")
        for rows in read_traces(stage, int(path.stem)).values()
        for trace in rows["frames"]
    ]
    assert sum(trace.num for trace in traces) == len(read_parts(half_made.manifest("frames"), Frame))
    assert traces.count(Trace("a", "odd", 1)) == 10
    assert traces.count(Trace("b", None, 2)) == 1


def test_no_more_columns_are_read_than_say_what_is_made(half_made: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()

    def noting(path: Path, row_type: type, columns: list[str]) -> object:
        read.update(columns)
        return read_part(path, row_type, columns)

    monkeypatch.setattr(planning, "read_part", noting)
    plan_job(ToyStage(workspace=half_made))
    assert read == {"identity", "video", "clip", "fingerprint", "reason"}


def test_shares_of_a_plan_add_up_to_it(half_made: Workspace) -> None:
    stage = ToyStage(workspace=half_made)
    whole = plan_job(stage)
    shares = [plan_job(stage, share=Share(number, 3)) for number in (1, 2, 3)]
    assert sum(len(share.sizes) for share in shares) == len(whole.sizes)
    assert sum(share.num_todo for share in shares) == whole.num_todo
    total = Tally()
    for share in shares:
        total.add(share.made)
    assert total == whole.made
