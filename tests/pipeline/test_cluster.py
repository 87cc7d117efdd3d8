"""A cluster that cannot do our work is refused before anything is sent there."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from distributed import Client
from distributed.protocol.pickle import dumps

from tcae.manifests.errors import ConfigError
from tcae.pipeline import cluster
from tcae.pipeline.cluster import check_cluster

ADDRESS = "tcp://10.0.0.1:8786"


class FakeClient:
    """A cluster whose machines answer what they are told to."""

    def __init__(self, scheduler: object = None, worker: object = None, is_seen: object = True) -> None:
        here = cluster._version_there()()
        self.scheduler, self.worker, self.is_seen = scheduler or here, worker if worker is not None else here, is_seen

    def wait_for_workers(self, num: int, timeout: float) -> None:
        if self.worker == "none":
            raise TimeoutError

    def run_on_scheduler(self, function: Callable[[], str]) -> object:
        return self.scheduler

    def run(self, function: Callable[..., Any], *args: str, on_error: str) -> dict[str, object]:
        if not args:
            return {"tcp://10.0.0.2:1": self.worker}
        assert function(*args) is True
        return {"tcp://10.0.0.2:1": self.is_seen}


def check(folder: Path, **answers: object) -> None:
    check_cluster(cast(Client, FakeClient(**answers)), ADDRESS, folder)


def test_a_cluster_with_this_release_and_the_workspace_is_taken(tmp_path: Path) -> None:
    check(tmp_path / "locks")
    assert list((tmp_path / "locks").iterdir()) == []


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"worker": "none"}, rf"at {ADDRESS} has no workers; start some with `dask worker {ADDRESS} --nthreads 1`"),
        ({"scheduler": "0.0.1"}, rf"the scheduler {ADDRESS} has tcae 0\.0\.1; install tcae "),
        ({"worker": "0.0.1"}, r"the worker tcp://10\.0\.0\.2:1 has tcae 0\.0\.1; install tcae "),
        ({"worker": ""}, r"the worker tcp://10\.0\.0\.2:1 has no tcae; install tcae "),
        ({"worker": TypeError("code")}, r"the worker tcp://10\.0\.0\.2:1 has no tcae \(code\); install tcae "),
        ({"is_seen": False}, r"does not see .*; workers must share the workspace's disk"),
        ({"is_seen": OSError("gone")}, r"does not see .*; workers must share the workspace's disk"),
    ],
)
def test_what_is_lacking_is_said_with_the_machine(answers: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        check(tmp_path, **answers)
    assert list(tmp_path.iterdir()) == []


def test_the_question_can_be_answered_where_there_is_no_tcae() -> None:
    program = (
        "import sys, pickle; sys.modules['tcae'] = None; "
        "print(repr(pickle.loads(bytes.fromhex(sys.argv[1]))()), end='')"
    )
    data = dumps(cluster._version_there()).hex()
    done = subprocess.run([sys.executable, "-I", "-c", program, data], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("''", "")
