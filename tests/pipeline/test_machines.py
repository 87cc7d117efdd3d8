"""What the machines of a cluster have is judged before anything is sent there."""

import subprocess
import sys
from pathlib import Path

import pytest
from distributed.protocol.pickle import dumps

from tcae.manifests.errors import ConfigError
from tcae.pipeline.machines import (
    Worker,
    compare_packages,
    fit_workers,
    look_around,
    look_for,
    refuse_other_release,
    refuse_shared_devices,
)

ADDRESS = "tcp://10.0.0.1:8786"
LINE = rf"start one for each device: `CUDA_VISIBLE_DEVICES=0 dask worker {ADDRESS} --nthreads 1 --resources GPU=1`"
HERE = {
    "python": "3.11.7.final.0",
    "tcae": "0.1.0",
    "av": "18.1.0",
    "facenet-pytorch": "2.5.3",
    "numpy": "2.4.0",
    "opencv-python": "5.0.0",
    "torch": "2.15.0",
}


def worker(number: int = 2, host: str | None = None, num_threads: int = 1, **resources: float) -> Worker:
    host = host or f"10.0.0.{number}"
    return Worker(address=f"tcp://{host}:{number}", host=host, num_threads=num_threads, resources=resources)


def test_tasks_go_to_all_workers_or_to_those_with_a_gpu() -> None:
    plain, other, gpu = worker(2), worker(3, disk=1), worker(4, GPU=1)
    assert fit_workers([plain, other, gpu], ADDRESS, on_gpu=False) == [plain, other, gpu]
    assert fit_workers([plain, other, gpu], ADDRESS, on_gpu=True) == [gpu]


@pytest.mark.parametrize("workers", [[], [worker(2)], [worker(2, disk=1), worker(3, GPU=0.5)]])
def test_a_cluster_without_a_gpu_is_refused_with_what_to_type(workers: list[Worker]) -> None:
    with pytest.raises(ConfigError, match=rf"none of the {len(workers)} worker\(s\) at {ADDRESS} offers a GPU; {LINE}"):
        fit_workers(workers, ADDRESS, on_gpu=True)


def test_a_worker_that_does_several_clips_at_once_is_refused_unless_it_is_passed_over() -> None:
    workers = [worker(2, num_threads=4), worker(3, GPU=1)]
    message = rf"tcp://10.0.0.2:2 has 4 threads, .*; start it with `dask worker {ADDRESS} --nworkers 4 --nthreads 1`"
    with pytest.raises(ConfigError, match=message):
        fit_workers(workers, ADDRESS, on_gpu=False)
    assert fit_workers(workers, ADDRESS, on_gpu=True) == workers[1:]


@pytest.mark.parametrize(
    ("first", "second", "device"),
    [(None, None, "0"), ("0", None, "0"), ("1", "1", "1"), ("1,0", "1", "1"), ("GPU-aa", "GPU-aa", "GPU-aa")],
)
def test_two_workers_of_a_machine_on_one_device_are_refused(first: str | None, second: str | None, device: str) -> None:
    workers = [worker(1, "10.0.0.2"), worker(2, "10.0.0.2")]
    devices = dict(zip([each.address for each in workers], [first, second], strict=True))
    message = rf"10.0.0.2:1 and tcp://10.0.0.2:2 of one machine both take its GPU {device}; {LINE}"
    with pytest.raises(ConfigError, match=message):
        refuse_shared_devices(devices, workers, ADDRESS)


def test_a_worker_that_offers_a_gpu_and_sees_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"tcp://10.0.0.2:2 offers a GPU and its CUDA_VISIBLE_DEVICES shows none"):
        refuse_shared_devices({worker().address: ""}, [worker()], ADDRESS)


def test_the_same_number_on_two_machines_is_two_devices() -> None:
    workers = [worker(2), worker(3), worker(4, "10.0.0.2")]
    devices = {workers[0].address: "0", workers[1].address: None, workers[2].address: "1"}
    refuse_shared_devices(devices, workers, ADDRESS)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"python": "3.12.1.final.0"}, r"^the worker w runs Python 3\.12; it must be 3\.11, as it is here$"),
        ({"tcae": "0.0.9"}, r"^the worker w has tcae 0\.0\.9; install tcae 0\.1\.0 there, as it is here$"),
        ({"tcae": None}, r"^the worker w has no tcae; install tcae 0\.1\.0 there, as it is here$"),
    ],
)
def test_another_python_or_release_is_refused(other: dict[str, str | None], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        refuse_other_release("the worker w", HERE | other, HERE)
    refuse_other_release("the worker w", HERE | {"python": "3.11.9.final.0"}, HERE)


def test_workers_that_differ_among_themselves_are_refused() -> None:
    found = {"tcp://a:1": HERE, "tcp://b:2": HERE | {"numpy": "2.3.1"}, "tcp://c:3": HERE}
    message = r"different versions of numpy: 2\.3\.1 \(tcp://b:2\), 2\.4\.0 \(tcp://a:1\); install one everywhere"
    with pytest.raises(ConfigError, match=message):
        compare_packages(found, HERE)


def test_workers_that_agree_on_another_version_than_here_are_one_line_for_each_package() -> None:
    there = HERE | {"av": "17.2.0", "torch": None}
    notes = compare_packages({"tcp://a:1": there, "tcp://b:2": there}, HERE)
    assert [note.partition(":")[0] for note in notes] == [
        "the workers have av 17.2.0, this machine 18.1.0",
        "the workers have torch none, this machine 2.15.0",
    ]
    assert compare_packages({"tcp://a:1": HERE}, HERE) == []


def ask(function: object, *, path: str = "", prelude: str = "pass") -> str:
    """What a function without a home gives in another process, where tcae is what ``path`` has."""
    program = (
        f"import sys, pickle; sys.path.insert(0, {path!r}); {prelude}; "
        "print(pickle.loads(bytes.fromhex(sys.argv[1]))(), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, dumps(function).hex()], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout


def test_the_digest_of_the_code_is_of_its_files_and_of_nothing_else(tmp_path: Path) -> None:
    here = look_around()()["code"]
    digests = []
    for number, text in enumerate(["a = 1", "a = 1", "a = 2"]):
        folder = tmp_path / str(number) / "tcae"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(text)
        (folder / f"{number}.txt").touch()
        digests.append(ask(look_around(), path=str(tmp_path / str(number))))
    assert digests[0] == digests[1] != digests[2]
    assert str(here) not in digests[0]


def test_the_questions_can_be_answered_where_there_is_no_tcae() -> None:
    answer = ask(look_around(), prelude="import importlib.util; importlib.util.find_spec = lambda name: None")
    assert answer.startswith("{'code': 'e3b0c44298fc1c14', 'devices': ")
    assert ask(look_for("/nowhere/at/all")) == "False"
    assert ask(look_for("/")) == "True"
