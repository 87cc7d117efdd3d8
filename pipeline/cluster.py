"""Whether a running Dask cluster can do our work, asked before anything is sent there."""

import logging
import os
import socket
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tcae.manifests.errors import ConfigError, TcaeError
from tcae.manifests.places import Place
from tcae.pipeline.machines import (
    PACKAGES,
    Worker,
    compare_packages,
    fit_workers,
    look_around,
    look_for,
    refuse_other_release,
    refuse_shared_devices,
)

if TYPE_CHECKING:
    from distributed import Client

Task = TypeVar("Task")
Result = TypeVar("Result")

CONNECT_SECONDS = 10.0
"""How long a scheduler may take to answer."""
WORKER_SECONDS = 30.0
"""How long the first worker may take to come."""


_NEEDED = {
    True: "workers must share the workspace's disk",
    False: "workers need the store's credentials, and its endpoint where it is not the usual one",
}


CLUSTER_LOST = "the Dask scheduler is gone; start it again: the same command goes on from here"

PROFILED = (
    "Dask's profiler runs in the workers and takes a part of their time; "
    "start them with DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False"
)


class ClusterLostError(TcaeError):
    """The scheduler went away in the middle of a run."""


@contextmanager
def connected(address: str) -> Iterator["Client"]:
    """A client of a running scheduler, without Dask's own words on stderr.

    Raises:
        ConfigError: no scheduler answers there.
        ClusterLostError: it went away in the middle of a question.
    """
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    with silenced():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", VersionMismatchWarning)  # our own check says what matters of it
                client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except OSError as error:
            raise ConfigError(f"no Dask scheduler answers at {address}; start one with `dask scheduler`") from error
        with client:
            try:
                yield client
            except OSError as error:
                if error.errno is not None:  # a file's; Dask's own, of lost and refused connections, have none
                    raise
                raise ClusterLostError(CLUSTER_LOST) from error


def silenced() -> AbstractContextManager[Any]:
    """While the block runs, Dask logs nothing that is not the end of everything."""
    from distributed.utils import silence_logging_cmgr

    silence: AbstractContextManager[Any] = silence_logging_cmgr(logging.CRITICAL)
    return silence


def check_cluster(client: "Client", address: str, folder: Place, *, on_gpu: bool = False) -> list[str]:
    """Refuse a cluster that lacks workers, this tcae, a GPU or the workspace.

    Dask itself would wait, restart workers for ever or find nothing to do. Workers without a GPU are passed over where
    one is wanted.

    Args:
        client: Connected to the cluster's scheduler.
        address: The scheduler's, for messages.
        folder: A folder of the workspace; a file is put there for the workers to look for.
        on_gpu: Whether the work is done on the workers' GPUs.

    Returns:
        What the user should know although the work can be done.

    Raises:
        ConfigError: says which machine lacks what.
    """
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError as error:
        raise ConfigError(
            f"the Dask scheduler at {address} has no workers; start some with `dask worker {address} --nthreads 1`"
        ) from error
    workers = workers_of(client)
    fit = fit_workers(workers, address, on_gpu=on_gpu)
    notes = _check_versions(client, address, fit)
    notes += _check_code(client, address, fit, on_gpu=on_gpu)
    _check_disk(client, folder, fit)
    if not on_gpu and any(worker.num_gpus for worker in workers):
        notes.append("some workers offer a GPU, which this run leaves idle; --device cuda takes them")
    return notes


def workers_of(client: "Client") -> list[Worker]:
    """The workers that the scheduler has now."""
    return [
        Worker(
            address=name, host=known["host"], num_threads=int(known["nthreads"]), resources=known.get("resources") or {}
        )
        for name, known in client.scheduler_info(n_workers=-1)["workers"].items()
    ]


def _check_versions(client: "Client", address: str, workers: list[Worker]) -> list[str]:
    """Compare versions, which every Dask tells without running any code of ours."""
    asked: Any = client.get_versions(packages=list(PACKAGES))
    here = asked["client"]["packages"]
    refuse_other_release(f"the scheduler {address}", asked["scheduler"]["packages"], here)
    there = asked["workers"]
    found = {worker.address: there[worker.address]["packages"] for worker in workers if worker.address in there}
    for name, versions in found.items():
        refuse_other_release(f"the worker {name}", versions, here)
    return compare_packages(found, here)


def own_code() -> str:
    """A digest of the code of this machine's tcae, as its files are now."""
    return str(look_around()()["code"])


_code_at_first = lru_cache(maxsize=1)(own_code)


def in_step(work: Callable[[Task, Place], Result], code: str, task: Task, stop: Place) -> Result:
    """Do a task in a worker that has the command's code; workers may come when the cluster was checked already.

    Raises:
        ConfigError: it has other code.
    """
    if _code_at_first() != code:
        raise ConfigError(
            f"the worker process {os.getpid()} on {socket.gethostname()} came later and has other code of tcae; "
            "install there what is here"
        )
    return work(task, stop)


def _ask(client: "Client", question: Callable[[], Any], workers: list[Worker]) -> dict[str, Any]:
    """What each worker answers, or the error that it raises; those that die meanwhile are passed over."""
    answers = client.run(question, workers=[worker.address for worker in workers], on_error="return")
    alive = {worker.address for worker in workers_of(client)} if any(map(_is_error, answers.values())) else answers
    return {name: answer for name, answer in answers.items() if name in alive}


def _is_error(answer: object) -> bool:
    return isinstance(answer, BaseException)


def _check_code(client: "Client", address: str, workers: list[Worker], *, on_gpu: bool) -> list[str]:
    here = own_code()
    machines = {f"the scheduler {address}": client.run_on_scheduler(look_around())}
    found = _ask(client, look_around(), workers)
    machines |= {f"the worker {name}": answer for name, answer in found.items()}
    for machine, answer in machines.items():
        if not isinstance(answer, dict):
            raise ConfigError(f"{machine} cannot say which tcae it has ({answer!r}); start it again")
        if answer["code"] != here:
            raise ConfigError(f"{machine} has this release of tcae with other code; install there what is here")
    if on_gpu:
        devices = {name: answer["devices"] for name, answer in found.items()}
        refuse_shared_devices(devices, [worker for worker in workers if worker.address in found], address)
    return [PROFILED] if any(answer["profiler"] == "True" for answer in found.values()) else []


def _check_disk(client: "Client", folder: Place, workers: list[Worker]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / f"seen-{uuid.uuid4().hex}"
    token.touch()
    try:
        for worker, is_seen in _ask(client, look_for(str(token)), workers).items():
            if is_seen is not True:
                why = f"{folder} ({is_seen})" if is_seen else folder
                raise ConfigError(f"the worker {worker} does not see {why}; {_NEEDED[isinstance(folder, Path)]}")
    finally:
        token.unlink()
