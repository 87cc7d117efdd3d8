"""Local workers that die: each is replaced, and the clip at which one died is made, or rejected, by itself."""

from collections.abc import Iterator

import pytest

from tcae.manifests.workspace import Workspace
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.job import run_job
from tests.faults.deadly import DeadlyStage, RestlessStage, one_shard
from tests.toys import ToyStage, toy_workspace

ONE = RunnerConfig(workers=1)


@pytest.fixture
def unforgiving() -> Iterator[None]:
    """Dask gives a task up at the first death."""
    import dask
    import distributed  # whose defaults must be there before

    with dask.config.set({f"{distributed.__name__}.scheduler.allowed-failures": 0}):
        yield


@pytest.mark.usefixtures("unforgiving")
def test_more_deadly_clips_than_dask_forgives_cost_no_other_clip(workspace: Workspace) -> None:
    _, numbers = one_shard(workspace, 6)
    stage = DeadlyStage(workspace=workspace, fates=dict.fromkeys(numbers[1:4], "crash"))
    tally = run_job(stage, ONE)
    assert (tally.clips, tally.left, tally.deaths) == (6, 0, [])
    assert (tally.done["frames"], tally.rejected["frames", "crash"]) == (6, 3)


@pytest.mark.usefixtures("unforgiving")
def test_tasks_that_wait_beside_a_deadly_one_are_not_blamed(workspace: Workspace) -> None:
    """Dask counts a death against every task that the worker had in hand."""
    stage = DeadlyStage(workspace=toy_workspace(workspace), fates={2: "crash", 6: "kill"})
    tally = run_job(stage, ONE)
    assert (tally.clips, tally.left, tally.deaths) == (12, 0, [])
    assert tally.rejected == {("frames", "odd"): 6, ("frames", "crash"): 1, ("frames", "memory"): 1}


@pytest.mark.usefixtures("unforgiving")
def test_a_task_at_which_workers_die_and_get_nowhere_is_given_up_and_named(workspace: Workspace) -> None:
    """As where they die while the parts are written."""
    shard, numbers = one_shard(workspace, 3)
    tally = run_job(RestlessStage(workspace=workspace), ONE)
    (death,) = tally.deaths
    assert death.startswith(f"shard {shard:04d} (process ")
    assert death.endswith(f", at clip id/v/{numbers[-1]}_folder)")
    assert (tally.clips, tally.left) == (3, 3)
    assert run_job(ToyStage(workspace=workspace), RunnerConfig(workers=0)).made == 3
