"""A cluster that cannot do our work is refused before anything is sent there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from distributed import Client
from distributed.versions import get_versions

from tcae.manifests.errors import ConfigError
from tcae.pipeline import cluster
from tcae.pipeline.cluster import PROFILED, check_cluster, in_step, own_code
from tcae.pipeline.machines import PACKAGES, look_around

ADDRESS = "tcp://10.0.0.1:8786"
WORKER = "tcp://10.0.0.2:1"


class FakeClient:
    """A cluster whose machines answer what they are told to."""

    def __init__(self, **answers: Any) -> None:
        here = get_versions(PACKAGES)["packages"]
        self.scheduler = {"packages": here | answers.get("scheduler", {})}
        self.worker = {"packages": here | answers.get("worker", {})}
        self.here = {"packages": here}
        code = look_around()() | {"profiler": str(answers.get("is_profiled", False))}
        self.scheduler_code, self.worker_code = answers.get("scheduler_code", code), answers.get("worker_code", code)
        self.is_seen = answers.get("is_seen", True)
        self.known = {"host": "10.0.0.2", "nthreads": 1, "resources": answers.get("resources", {})}
        self.is_empty = answers.get("is_empty", False)

    def wait_for_workers(self, num: int, timeout: float) -> None:
        if self.is_empty:
            raise TimeoutError

    def scheduler_info(self, n_workers: int) -> dict[str, object]:
        return {"workers": {WORKER: self.known}}

    def get_versions(self, packages: list[str]) -> dict[str, object]:
        return {"client": self.here, "scheduler": self.scheduler, "workers": {WORKER: self.worker}}

    def run_on_scheduler(self, function: Callable[[], object]) -> object:
        return self.scheduler_code

    def run(self, function: Callable[[], object], workers: list[str], on_error: str) -> dict[str, object]:
        assert workers == [WORKER]
        return {WORKER: self.worker_code if isinstance(function(), dict) else self.is_seen}


def check(folder: Path, *, on_gpu: bool = False, **answers: Any) -> list[str]:
    return check_cluster(cast(Client, FakeClient(**answers)), ADDRESS, folder, on_gpu=on_gpu)


def test_a_cluster_like_this_machine_is_taken_without_a_word(tmp_path: Path) -> None:
    assert check(tmp_path / "locks") == []
    assert list((tmp_path / "locks").iterdir()) == []


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"is_empty": True}, rf"at {ADDRESS} has no workers; start some with `dask worker {ADDRESS} --nthreads 1`"),
        ({"on_gpu": True}, rf"none of the 1 worker\(s\) at {ADDRESS} offers a GPU; start one for each device: "),
        ({"scheduler": {"tcae": "0.0.1"}}, rf"the scheduler {ADDRESS} has tcae 0\.0\.1; install tcae "),
        ({"worker": {"tcae": "0.0.1"}}, rf"the worker {WORKER} has tcae 0\.0\.1; install tcae "),
        ({"worker": {"tcae": None}}, rf"the worker {WORKER} has no tcae; install tcae "),
        ({"worker": {"python": "3.8.1"}}, rf"the worker {WORKER} runs Python 3\.8; it must be 3\.\d+, as it is here"),
        (
            {"scheduler_code": {"code": "x"}},
            rf"the scheduler {ADDRESS} has this release .* other code",
        ),
        ({"worker_code": {"code": "x"}}, rf"the worker {WORKER} has this release .* other code"),
        ({"worker_code": OSError("gone")}, rf"the worker {WORKER} cannot say which tcae it has \(OSError\('gone'\)\)"),
        ({"is_seen": False}, r"does not see .*; workers must share the workspace's disk"),
        ({"is_seen": OSError("gone")}, r"does not see .*; workers must share the workspace's disk"),
    ],
)
def test_what_is_lacking_is_said_with_the_machine(answers: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        check(tmp_path, **answers)
    assert list(tmp_path.iterdir()) == []


def test_other_packages_and_idle_gpus_are_told(tmp_path: Path) -> None:
    package, idle = check(tmp_path, worker={"av": "0.1"}, resources={"GPU": 1})
    assert package.startswith("the workers have av 0.1, this machine ")
    assert idle == "some workers offer a GPU, which this run leaves idle; --device cuda takes them"
    assert check(tmp_path, on_gpu=True, resources={"GPU": 1}) == []
    assert check(tmp_path, is_profiled=True) == [PROFILED]


def test_a_worker_that_dies_while_it_is_asked_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = cast(Client, FakeClient(worker_code=OSError("gone"), is_seen=OSError("gone")))
    seen = [cluster.workers_of(client), [], []]
    monkeypatch.setattr(cluster, "workers_of", lambda client: seen.pop(0))
    assert check_cluster(client, ADDRESS, tmp_path) == []


def test_a_worker_that_came_later_with_other_code_does_nothing(tmp_path: Path) -> None:
    assert in_step(lambda task, stop: task + 1, own_code(), 1, tmp_path) == 2
    with pytest.raises(
        ConfigError, match=r"the worker process \d+ on .* came later and has other code of tcae; install"
    ):
        in_step(lambda task, stop: task + 1, "0" * 16, 1, tmp_path)
