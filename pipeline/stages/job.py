"""A whole stage: plan every shard, pack the shards into tasks, run them, add up what came of it."""

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tcae.manifests.places import Place
from tcae.pipeline.runner import Crew, RunnerConfig, crew_for, pack, run_tasks
from tcae.pipeline.stages.base import Stage, Tally
from tcae.pipeline.stages.planning import JobPlan, plan_job
from tcae.pipeline.stages.shards import last_note, plan_shard, run_shard
from tcae.pipeline.stages.stored import run_stored_shard, take_apart
from tcae.pipeline.tuning import tune_process

LOOK_SECONDS = 2.0
"""How often a worker looks into a store whether to stop."""


@dataclass(kw_only=True)
class Watch:
    """What a command shows while a stage runs; the default shows nothing."""

    on_plan: Callable[[JobPlan, Crew], None] = field(default=lambda plan, crew: None)
    """Called once, before anything runs."""
    on_tally: Callable[[Tally], None] = field(default=lambda tally: None)
    """Called with each task's tally as it comes."""
    on_note: Callable[[str], None] = field(default=lambda note: None)
    """Called with what the user should know of the cluster, before anything is sent there."""


def run_job(stage: Stage, config: RunnerConfig, retry: str | None = None, watch: Watch | None = None) -> Tally:
    """Run a stage on everything that it has to do.

    Args:
        stage: What to run.
        config: Where to run it.
        retry: Take rejected clips again: those with this reason, or ``any``.
        watch: What to call on the way.

    Returns:
        The tally over all selected clips of the share: those made now and those found made; ``left`` when the user
        stopped it or workers died.
    """
    watch = watch or Watch()
    plan = plan_job(stage, retry, config.share)
    crew = crew_for(config, plan.num_todo)
    watch.on_plan(plan, crew)
    total = plan.made

    def note(tally: Tally) -> None:
        total.add(tally)
        watch.on_tally(tally)

    tasks = pack(plan.sizes, crew.num)
    progress = Progress({task[0]: sum(plan.sizes[shard] for shard in task) for task in tasks})

    def is_again(task: list[int]) -> bool:
        lost = _lost(stage, task)
        is_further = progress.is_further(task[0], lost)
        if not is_further:
            note(lost)
        return is_further

    stop_folder = stage.workspace.signs if config.scheduler else stage.workspace.root / "manifests" / ".locks"
    is_whole = run_tasks(
        partial(_run_shards, stage, retry),
        tasks,
        config,
        crew,
        stop_folder,
        note,
        is_again,
        watch.on_note,
    )
    if not is_whole:
        total.is_stopped = True
        unseen = max(0, plan.num_todo - total.made - total.left)
        total.clips, total.left = total.clips + unseen, total.left + unseen
    return total


MOST_UNBEGUN = 3
"""How often a task that no worker has begun is given again."""


class Progress:
    """Whether tasks at which workers die get on, so that it is worth doing them once more."""

    def __init__(self, num_left: dict[int, int]) -> None:
        """Begin with the clips that each task, known by its first shard, has to do."""
        self._num_left = num_left
        self._died_at: set[str] = set()
        self._notes: dict[int, str] = {}
        self._unbegun: Counter[int] = Counter()

    def is_further(self, task: int, lost: Tally) -> bool:
        """Whether clips were settled since the last time, or workers died at a clip that now becomes a suspect.

        A task that no worker has begun may wait beside the one at which they die, which Dask does not tell apart.
        """
        note = lost.deaths[0] if lost.deaths else ""
        died_at = note.partition(", at clip ")[2]
        if died_at and note != self._notes.get(task):  # which names the process, too
            is_new = died_at not in self._died_at
        else:
            self._unbegun[task] += 1
            is_new = self._unbegun[task] <= MOST_UNBEGUN
        is_further = is_new or lost.left < self._num_left[task]
        self._num_left[task], self._notes[task] = lost.left, note
        self._died_at.add(died_at)
        return is_further


def _run_shards(stage: Stage, retry: str | None, shards: list[int], stop: Place) -> Tally:
    tune_process()
    run = run_shard if stage.workspace.store is None else run_stored_shard
    is_stopped = stop.exists if isinstance(stop, Path) else seldom(stop.exists)
    tally = Tally()
    for shard in shards:
        tally.add(run(stage, shard, retry, is_stopped))
    return tally


def seldom(look: Callable[[], bool]) -> Callable[[], bool]:
    """The answer of a look that was taken at most ``LOOK_SECONDS`` ago: a look into a store takes its time."""
    seen, due = False, -math.inf

    def glance() -> bool:
        nonlocal seen, due
        if time.monotonic() >= due:
            seen = look()
            due = time.monotonic() + LOOK_SECONDS
        return seen

    return glance


def _lost(stage: Stage, shards: list[int]) -> Tally:
    """The tally of a task at which workers died: what they wrote, and the shard and clip that they got to."""
    tally = Tally()
    for shard in shards:
        own = stage if stage.workspace.store is None else take_apart(stage, shard)[0]
        plan = plan_shard(own, shard)
        tally.add(Tally(clips=len(plan.todo) + len(plan.made), kept=len(plan.made), left=len(plan.todo)))
        for key in plan.made:
            tally.count(plan.found[key])
        if plan.todo and not tally.deaths:
            tally.deaths.append(f"shard {shard:04d} ({last_note(own, shard) or 'before its first clip'})")
    return tally
