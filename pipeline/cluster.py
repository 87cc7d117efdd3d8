"""Whether a running Dask cluster can do our work, asked before anything is sent there."""

import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tcae.manifests.errors import ConfigError, TcaeError

if TYPE_CHECKING:
    from distributed import Client

WORKER_SECONDS = 30.0
"""How long the first worker may take to come."""


class ClusterLostError(TcaeError):
    """The scheduler went away in the middle of a run."""


def check_cluster(client: "Client", address: str, folder: Path) -> None:
    """Refuse a cluster that lacks workers, this release of tcae or the workspace.

    Dask itself would wait, restart workers for ever or find nothing to do.

    Args:
        client: Connected to the cluster's scheduler.
        address: The scheduler's, for the message.
        folder: A folder of the workspace; a file is put there for the workers to look for.

    Raises:
        ConfigError: says which machine lacks what.
    """
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError as error:
        raise ConfigError(
            f"the Dask scheduler at {address} has no workers; start some with `dask worker {address} --nthreads 1`"
        ) from error
    here = version("tcae")
    _refuse_other(f"the scheduler {address}", client.run_on_scheduler(_version_there()), here)
    for worker, found in client.run(_version_there(), on_error="return").items():
        _refuse_other(f"the worker {worker}", found, here)
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / f"seen-{uuid.uuid4().hex}"
    token.touch()
    try:
        for worker, is_seen in client.run(_seen_there(), str(token), on_error="return").items():
            if is_seen is not True:
                raise ConfigError(f"the worker {worker} does not see {folder}; workers must share the workspace's disk")
    finally:
        token.unlink()


def _refuse_other(machine: str, found: object, here: str) -> None:
    if found != here:
        what = f"tcae {found}" if isinstance(found, str) and found else f"no tcae ({found})" if found else "no tcae"
        raise ConfigError(f"{machine} has {what}; install tcae {here} there, as it is here")


def _version_there() -> Callable[[], str]:
    """A function without a home, which is sent whole, so that it also runs where there is no tcae."""

    def look() -> str:
        import importlib
        import importlib.metadata

        try:
            importlib.import_module("tcae")
            return importlib.metadata.version("tcae")
        except ImportError:
            return ""

    return look


def _seen_there() -> Callable[[str], bool]:
    def look(path: str) -> bool:
        import os.path

        return os.path.exists(path)  # noqa: PTH110 (sent to a machine that may have other versions)

    return look
