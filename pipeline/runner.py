"""Run tasks in this process, in local worker processes or on a cluster; the only door to Dask."""

import logging
import math
import os
import signal
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import psutil

from tcae.manifests.errors import ConfigError
from tcae.manifests.interrupts import signals_held_back
from tcae.manifests.places import Place
from tcae.pipeline.cluster import (
    CLUSTER_LOST,
    ClusterLostError,
    check_cluster,
    connected,
    in_step,
    own_code,
    silenced,
    workers_of,
)
from tcae.pipeline.machines import GPU
from tcae.pipeline.shares import WHOLE, Share
from tcae.pipeline.stopping import stop_file

if TYPE_CHECKING:
    from distributed import Client

WORKER_BYTES = 1.5e9
"""Memory that a worker with the networks needs."""
TASKS_PER_WORKER = 4
"""At the least, so that workers end together."""
CLIPS_PER_TASK = 300
"""At the most: large enough that Dask's own 2 ms a task are nothing."""
CLUSTER_WORKERS = 64
"""How many workers a cluster is taken to have when the work is cut into tasks."""
QUIET_DASK = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "500ms",
}
"""Dask's sampling profiler takes a sixth of a worker's time beside ours; its clocks, at the pace that they have by
themselves (20, 500 and 100 ms), another 2 % of a core, and 0.4 % at this pace (`bench/cluster.py`)."""
IN_FLIGHT_PER_WORKER = 3
"""Tasks that the scheduler knows of, so that stopping is quick and memory flat."""

Task = TypeVar("Task")
Result = TypeVar("Result")
Work = Callable[[Task, Place], Result]
"""Does one task; looks between items whether the stop file is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerConfig:
    """Where the work is done."""

    workers: int = 1
    """Local worker processes at the most; 0 works in this process."""
    scheduler: str | None = None
    """Address of a running Dask scheduler; then ``workers`` is not used."""
    gpus: tuple[int, ...] = ()
    """How many local workers each GPU has memory for; () for CPU work. Decoding and aligning keep a core busy that a
    GPU waits for, so there are as many workers as cores, and they share the GPUs."""
    on_gpu: bool = False
    """Only those workers of a cluster that were started with the resource ``GPU``, a task on each of their GPUs."""
    share: Share = WHOLE
    """Only these shards; other jobs have the others."""

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ConfigError(f"--workers must be at least 0, got {self.workers}")
        if self.scheduler is not None and "://" not in self.scheduler:
            raise ConfigError(f"--scheduler wants an address such as tcp://host:8786, got {self.scheduler!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """How many local workers start, and what bounds them."""

    num: int
    bound: str
    is_remote: bool = False
    """Whether they are a cluster's; then ``num`` only says how finely to cut the work, and ``bound`` names it."""

    def __str__(self) -> str:
        if self.is_remote:
            return f"on the cluster at {self.bound}"
        return f"{self.num} worker(s), bounded by {self.bound}" if self.num else f"in this process ({self.bound})"


def crew_for(config: RunnerConfig, num_items: int) -> Crew:
    """The number of local workers: never more than asked for, cores (or GPUs), memory or items allow."""
    if config.scheduler is not None:
        return Crew(num=CLUSTER_WORKERS, bound=config.scheduler, is_remote=True)
    bounds = {
        "cores": num_cores(),
        "--workers": config.workers,
        "free memory": max(1, int(psutil.virtual_memory().available / WORKER_BYTES)),
        "clips to do": num_items,
    }
    if config.gpus:
        bounds["GPU memory"] = len(config.gpus) * min(config.gpus)
    bound = min(bounds, key=lambda name: bounds[name])
    return Crew(num=bounds[bound], bound=bound)


def pack(sizes: dict[int, int], num_workers: int) -> list[list[int]]:
    """Group shards into tasks of at most some 300 clips, at least 4 tasks per worker where there are enough.

    Args:
        sizes: Clips to do, by shard; a shard is never divided.
        num_workers: Workers that will share the tasks.

    Returns:
        The tasks' shards; every shard is in exactly one.
    """
    total = sum(sizes.values())
    wanted = min(CLIPS_PER_TASK, max(1, math.ceil(total / (TASKS_PER_WORKER * max(1, num_workers)))))
    tasks: list[list[int]] = []
    room = 0
    for shard, size in sorted(sizes.items()):
        if not tasks or room < size:
            tasks.append([])
            room = wanted
        tasks[-1].append(shard)
        room -= size
    return tasks


def run_tasks(
    work: Work[Task, Result],
    tasks: Sequence[Task],
    config: RunnerConfig,
    crew: Crew,
    stop_folder: Place,
    on_result: Callable[[Result], None],
    on_death: Callable[[Task], bool] = lambda task: False,
    on_note: Callable[[str], None] = lambda note: None,
) -> bool:
    """Do every task once and hand each result over as it comes, in any order.

    A worker process that dies is replaced and its task done again; a task at which they die again and again is handed
    to ``on_death``, which says whether to do it once more, and the others go on. What the user should know of a cluster
    is handed to ``on_note`` first.

    On Ctrl-C or SIGTERM a file appears in ``stop_folder``: workers see it, finish the clip in hand, write their rows
    and answer; nothing new starts. A second Ctrl-C ends at once.

    Returns:
        False when the run was stopped before its end.

    Raises:
        ConfigError: the scheduler cannot be reached, or its workers cannot do our work.
        ClusterLostError: the scheduler went away; its workers write what they have in hand.
        Whatever ``work`` raises, after the tasks in flight have written their rows.
    """
    with stop_file(stop_folder) as stop:
        if config.scheduler is None and crew.num == 0:
            for task in tasks:
                if not stop.exists():
                    on_result(work(task, stop))
        elif tasks:
            with _client(config, crew, stop_folder, on_note) as client:
                if config.scheduler is not None:
                    work = partial(in_step, work, own_code())
                elif len(config.gpus) > 1:
                    work = partial(_on_one_gpu, work, len(config.gpus))
                needs = {GPU: 1} if config.on_gpu else {}
                _run_there(client, work, tasks, stop, on_result, on_death, needs)
        return not stop.exists()


def _run_there(
    client: "Client",
    work: Work[Task, Result],
    tasks: Sequence[Task],
    stop: Place,
    on_result: Callable[[Result], None],
    on_death: Callable[[Task], bool],
    needs: dict[str, int],
) -> None:
    from distributed import KilledWorker, as_completed

    waiting = iter(tasks)
    running = as_completed(loop=client.loop)
    task_of: dict[Hashable, Task] = {}
    failure: BaseException | None = None

    def submit(some: Iterable[Task]) -> None:
        for task in some:
            future = client.submit(work, task, stop, pure=False, resources=needs or None)
            task_of[future.key] = task
            running.add(future)

    submit(islice(waiting, IN_FLIGHT_PER_WORKER * _num_at_once(client, on_gpu=bool(needs))))
    for future in running:
        task = task_of.pop(future.key)
        if future.cancelled():
            raise ClusterLostError(CLUSTER_LOST)
        error = future.exception()
        following: Iterable[Task] = islice(waiting, 1)
        if isinstance(error, KilledWorker):
            if on_death(task):
                following = [task]
        elif error is not None:
            failure = failure or error
            stop.touch()
        else:
            on_result(future.result())
        if not stop.exists():
            submit(following)
    if failure is not None:
        stop.unlink(missing_ok=True)
        raise failure


def _num_at_once(client: "Client", *, on_gpu: bool) -> int:
    """How many tasks run at the same time."""
    return max(1, sum(worker.num_gpus if on_gpu else worker.num_threads for worker in workers_of(client)))


@contextmanager
def _client(config: RunnerConfig, crew: Crew, folder: Place, on_note: Callable[[str], None]) -> Iterator["Client"]:
    if config.scheduler is None:
        with silenced(), _own_cluster(crew) as client:
            yield client
    else:
        with connected(config.scheduler) as client:
            for note in check_cluster(client, config.scheduler, folder, on_gpu=config.on_gpu):
                on_note(note)
            yield client


def check_scheduler(config: RunnerConfig, folder: Place) -> None:
    """Refuse a cluster that cannot do our work, before anything is listed or planned.

    Args:
        config: Without a scheduler there is nothing to refuse.
        folder: A folder of the workspace that the cluster's workers must see.

    Raises:
        ConfigError: the scheduler cannot be reached, or its workers cannot do our work.
    """
    if config.scheduler is not None:
        with connected(config.scheduler) as client:
            check_cluster(client, config.scheduler, folder, on_gpu=config.on_gpu)


@contextmanager
def _own_cluster(crew: Crew) -> Iterator["Client"]:
    import dask
    from distributed import Client, LocalCluster

    # it is this process that tells the workers of Ctrl-C
    with dask.config.set(QUIET_DASK), signals_held_back(signal.SIGINT):
        cluster = LocalCluster(
            n_workers=crew.num,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        )
        client = Client(cluster, set_as_default=False)
    with cluster, client:
        yield client


def _on_one_gpu(work: Work[Task, Result], num_gpus: int, task: Task, stop: Place) -> Result:
    """Let a local worker see one of the GPUs: workers are named 0, 1, ... and CUDA looks once, at first use."""
    from distributed import get_worker

    seen = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(num_gpus)))
    devices = seen.split(",")  # one from the second task on
    os.environ["CUDA_VISIBLE_DEVICES"] = devices[int(get_worker().name) % len(devices)]
    return work(task, stop)


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
