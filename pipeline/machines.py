"""What the machines of a Dask cluster have, and whether that gives the rows that this machine would give."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tcae.manifests.errors import ConfigError

GPU = "GPU"
"""The resource that a worker with a device of its own is started with."""
PIXELS = ("av", "facenet-pytorch", "numpy", "opencv-python", "torch")
"""Packages that decide what a face looks like."""
PACKAGES = ("tcae", "distributed", *PIXELS)
"""What every machine is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker process, as its scheduler knows it."""

    address: str
    """For example ``tcp://10.0.0.2:40123``."""
    host: str
    """The machine's address."""
    num_threads: int
    """Tasks that it does at once."""
    resources: Mapping[str, float]
    """What it was started with, by name."""

    @property
    def num_gpus(self) -> int:
        """Tasks that want a GPU and that it takes at once."""
        return int(self.resources.get(GPU, 0))


Versions = Mapping[str, str | None]
"""Of ``python`` and of ``PACKAGES``; None for one that is not installed."""


def fit_workers(workers: Sequence[Worker], address: str, *, on_gpu: bool) -> list[Worker]:
    """The workers that tasks go to: all, or those with a GPU.

    Args:
        workers: All that there are.
        address: The scheduler's, for the message.
        on_gpu: Whether the work is done on GPUs.

    Raises:
        ConfigError: there is none, or one does several tasks at once.
    """
    fit = [worker for worker in workers if worker.num_gpus or not on_gpu]
    if not fit:
        raise ConfigError(
            f"none of the {len(workers)} worker(s) at {address} offers a {GPU}; "
            f"start one for each device: {gpu_line(address)}"
        )
    for worker in fit:
        if worker.num_threads > 1:
            raise ConfigError(
                f"the worker {worker.address} has {worker.num_threads} threads, and clips want a process each; "
                f"start it with `dask worker {address} --nworkers {worker.num_threads} --nthreads 1`"
            )
    return fit


def gpu_line(address: str) -> str:
    """What a user types for a worker on a GPU."""
    return f"`CUDA_VISIBLE_DEVICES=0 dask worker {address} --nthreads 1 --resources {GPU}=1`, 1 for the next"


def refuse_shared_devices(devices: Mapping[str, str | None], workers: Sequence[Worker], address: str) -> None:
    """Refuse two workers of a machine that would compute on the same GPU.

    Args:
        devices: ``CUDA_VISIBLE_DEVICES`` of each worker, by address; None where it is not set, which shows all.
        workers: Those that do the work.
        address: The scheduler's, for the message.

    Raises:
        ConfigError: says which two, or which sees none.
    """
    seen: dict[tuple[str, str], Worker] = {}
    for worker in workers:
        shown = devices[worker.address]
        first = "0" if shown is None else shown.partition(",")[0].strip()
        if not first:
            raise ConfigError(
                f"the worker {worker.address} offers a {GPU} and its CUDA_VISIBLE_DEVICES shows none; "
                f"start one for each device: {gpu_line(address)}"
            )
        other = seen.setdefault((worker.host, first), worker)
        if other is not worker:
            raise ConfigError(
                f"the workers {other.address} and {worker.address} of one machine both take its GPU {first}; "
                f"start one for each device: {gpu_line(address)}"
            )


def refuse_other_release(machine: str, found: Versions, here: Versions) -> None:
    """Refuse a machine with another Python or another tcae.

    Raises:
        ConfigError: says what it has, and what would be right.
    """
    theirs, ours = (_minor(versions["python"]) for versions in (found, here))
    if theirs != ours:
        raise ConfigError(f"{machine} runs Python {theirs}; it must be {ours}, as it is here")
    if found["tcae"] != here["tcae"]:
        what = f"tcae {found['tcae']}" if found["tcae"] else "no tcae"
        raise ConfigError(f"{machine} has {what}; install tcae {here['tcae']} there, as it is here")


def _minor(python: str | None) -> str:
    return ".".join((python or "unknown").split(".")[:2])


def compare_packages(found: Mapping[str, Versions], here: Versions) -> list[str]:
    """Compare what decides the pixels among the workers, and with this machine.

    Args:
        found: The versions of each worker, by address.
        here: Of this machine.

    Returns:
        A line for each package that is another version there than here.

    Raises:
        ConfigError: the workers differ among themselves, so that rows would depend on who makes them.
    """
    notes = []
    for name in PIXELS if found else ():
        having = defaultdict(list)
        for address, versions in found.items():
            having[versions[name] or "none"].append(address)
        if len(having) > 1:
            told = ", ".join(f"{version} ({addresses[0]})" for version, addresses in sorted(having.items()))
            raise ConfigError(f"the workers have different versions of {name}: {told}; install one everywhere")
        (version,) = having
        if version != (here[name] or "none"):
            notes.append(
                f"the workers have {name} {version}, this machine {here[name]}: "
                "faces may differ in their last bits from those made here"
            )
    return notes


def look_around() -> Callable[[], dict[str, str | None]]:
    """A function without a home, which is sent whole, so that it also runs where another tcae is or none.

    It gives a digest of tcae's code, ``CUDA_VISIBLE_DEVICES``, and whether Dask's profiler is on.
    """

    def look() -> dict[str, str | None]:
        import hashlib
        import importlib.util
        import os

        import dask

        digest = hashlib.sha256()
        spec = importlib.util.find_spec("tcae")
        for root in (spec.submodule_search_locations or []) if spec else []:
            names = []
            for folder, _, files in os.walk(root, followlinks=True):
                names += [os.path.join(folder, name) for name in files if name.endswith(".py")]  # noqa: PTH118
            for name in sorted(names):
                with open(name, "rb") as source:  # noqa: PTH123
                    digest.update(f"{os.path.relpath(name, root)}\0".encode() + source.read() + b"\0")
        return {
            "code": digest.hexdigest()[:16],
            "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
            "profiler": str(dask.config.get("distributed.worker.profile.enabled", None)),
        }

    return look


def look_for(path: str) -> Callable[[], bool]:
    """A function without a home that looks whether a file, or an object at a URL, is there."""

    def look() -> bool:
        from tcae.manifests.places import place  # the machine is known to have our code

        return place(path).exists()

    return look
