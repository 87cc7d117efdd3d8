"""Two processes on the CPU: what they exchange, what they learn together, and `torchrun`."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from torch import Tensor

from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.batches import LoaderConfig, train_batches
from tcae.model.training.checkpoints import load
from tcae.model.training.processes import Processes, is_first, joined
from tests.process_builders import (
    CPU,
    NUM_STEPS,
    RECIPE,
    STAGES,
    TOML,
    WORLD,
    free_ports,
    frozen_step,
    learned,
    made_up_batch,
    share,
    two,
)
from tests.training_builders import make_training_workspace

LIMIT_SECONDS = 180
"""After which processes are killed; on an idle machine they need a tenth of it."""


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_training_workspace(Workspace(tmp_path_factory.mktemp("two") / "workspace"), side=32)


@pytest.fixture(scope="module")
def results(faces: Workspace, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What came of both processes."""
    folder = tmp_path_factory.mktemp("results")
    ports = free_ports(2)
    ranks = [get_context("spawn").Process(target=two, args=(rank, ports, faces.root, folder)) for rank in range(WORLD)]
    try:
        for one in ranks:
            one.start()
        for one in ranks:
            one.join(LIMIT_SECONDS)
        assert [one.exitcode for one in ranks] == [0, 0]
    finally:
        for one in ranks:
            one.kill()
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(WORLD)]


def both(results: list[dict[str, Any]], name: str) -> tuple[Any, Any]:
    return results[0]["exchanged"][name], results[1]["exchanged"][name]


def test_each_process_knows_its_place(results: list[dict[str, Any]]) -> None:
    assert [result["place"] for result in results] == [(0, 2), (1, 2)]
    assert both(results, "first") == (True, False)


def test_gathered_values_stand_side_by_side_in_the_order_of_ranks(results: list[dict[str, Any]]) -> None:
    wanted = torch.tensor([[1.0, 2.0, 11.0, 12.0], [3.0, 4.0, 13.0, 14.0]])
    assert all(torch.equal(gathered, wanted) for gathered in both(results, "gathered"))
    assert both(results, "has gradient") == (False, False)
    assert all(torch.equal(own, wanted[:, 2 * rank : 2 * rank + 2]) for rank, own in enumerate(both(results, "own")))


def test_gradients_become_their_mean(results: list[dict[str, Any]]) -> None:
    for rank in range(WORLD):
        assert torch.equal(results[rank]["exchanged"]["weight"], torch.arange(6.0).reshape(3, 2) + 0.5)
        assert torch.equal(results[rank]["exchanged"]["bias"], torch.full((3,), 10.5))
    assert both(results, "unused") == (None, None)


def test_all_hear_whether_one_says_yes(results: list[dict[str, Any]]) -> None:
    assert both(results, "any") == ([False, True, True, True],) * 2


def test_all_hear_the_value_of_the_first(results: list[dict[str, Any]]) -> None:
    for heard in both(results, "from first"):
        assert heard[0] == 0.1
        assert heard[1] != heard[1]


def weights_of(results: list[dict[str, Any]], *how: Any) -> tuple[Tensor, Tensor]:
    return results[0]["learned"][how][0], results[1]["learned"][how][0]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("select", ["sample", "term"])
def test_a_global_selection_is_that_of_one_process_with_the_whole_batch(
    results: list[dict[str, Any]], select: str, stage: tuple[float, float]
) -> None:
    wanted, loss = learned(frozen_step(select, "global"), made_up_batch(), stage)
    for weights in weights_of(results, select, "global", stage):
        torch.testing.assert_close(weights, wanted, rtol=1e-5, atol=1e-6)
    losses = [result["learned"][select, "global", stage][1] for result in results]
    assert sum(losses) / WORLD == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("select", ["sample", "term"])
def test_a_selection_by_process_is_the_mean_of_what_each_would_learn(
    results: list[dict[str, Any]], select: str, stage: tuple[float, float]
) -> None:
    halves = [share(made_up_batch(), rank) for rank in range(WORLD)]
    alone = [learned(frozen_step(select, "process"), half, stage)[0] for half in halves]
    for weights in weights_of(results, select, "process", stage):
        torch.testing.assert_close(weights, sum(alone) / WORLD, rtol=1e-5, atol=1e-6)


def test_the_two_selections_differ_where_a_part_is_selected(results: list[dict[str, Any]]) -> None:
    everything, part, _ = STAGES
    both_ways = [weights_of(results, "sample", scope, everything)[0] for scope in ("global", "process")]
    torch.testing.assert_close(*both_ways, rtol=1e-5, atol=1e-6)
    one, other = (weights_of(results, "sample", scope, part)[0] for scope in ("global", "process"))
    assert (one - other).abs().max() > 1e-4


def test_each_process_trains_on_its_half_of_the_batch(results: list[dict[str, Any]], faces: Workspace) -> None:
    index = PairIndex.open(faces.manifest("pairs") / "train")
    whole = train_batches(faces, index, RECIPE, LoaderConfig(workers=0), start_step=0, stop_step=20)
    halves = zip(*(result["run"]["batches"] for result in results), strict=True)
    for batch, (first, second) in zip(whole, halves, strict=True):
        assert len(first[1]) == len(second[1]) == 2
        for dim, part, one, other in zip((1, 0, 0), batch[:3], first, second, strict=True):
            assert torch.equal(part, torch.cat([one, other], dim))


def test_processes_stay_together(results: list[dict[str, Any]]) -> None:
    first, second = (result["run"] for result in results)
    assert first["step"] == second["step"] == NUM_STEPS
    assert first["position"] == second["position"] == 1  # told by the first, who alone validates
    assert (first["validates"], second["validates"]) == (True, False)
    assert all(torch.equal(value, second["parameters"][name]) for name, value in first["parameters"].items())


def test_one_process_exchanges_with_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    values = torch.arange(6.0).reshape(2, 3)
    with joined(CPU) as alone:
        assert alone == Processes()
        assert alone.is_first
        assert torch.equal(alone.own(alone.gathered(values)), values)
        assert (alone.any(True), alone.any(False), alone.from_first(0.25)) == (True, False, 0.25)
        assert not torch.distributed.is_initialized()
    assert is_first()
    monkeypatch.setenv("RANK", "1")
    assert not is_first()


@contextmanager
def torchrun(faces: Workspace, config: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a training in two processes; whatever happens, none of them is left behind."""
    scripts = Path(sys.executable).parent
    command: list[str | Path] = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python",
        scripts / "tcae", "train", "--root", faces.root, "--recipe", "small", "--config", config,
        "--workers", "0", "--device", "cpu", "--checkpoint-every", "1000", "--keep-every", "1000",
    ]  # fmt: skip
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            for child in psutil.Process(running.pid).children(recursive=True):
                child.kill()
            running.kill()
        running.communicate()


def test_a_run_of_two_processes_is_stopped_by_sigterm_and_goes_on(
    faces: Workspace, results: list[dict[str, Any]], tmp_path: Path
) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(TOML)
    last = faces.root / "runs" / "small" / "checkpoints" / "last.pt"
    with torchrun(faces, config) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("step 10: val"):
                running.send_signal(signal.SIGTERM)
                break
        errors = running.communicate(timeout=LIMIT_SECONDS)[1]
    assert "stopped by SIGTERM after step" in errors
    assert running.returncode != 0
    stopped = load(last, CPU)["step"]
    assert 10 <= stopped < NUM_STEPS

    with torchrun(faces, config) as running:
        output, errors = running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == 0, errors
    assert f"resumed from {last} at step {stopped}" in errors
    assert "recipe small, on cpu (1 threads), 2 processes" in errors
    assert output.count(f"{NUM_STEPS - stopped} steps trained now, {NUM_STEPS} of {NUM_STEPS} done") == 1
    assert sorted(path.name for path in (faces.root / "runs").iterdir() if path.is_dir()) == ["small", "two"]

    model = load(last, CPU)["model"]
    undisturbed = load(faces.root / "runs" / "two" / "checkpoints" / "last.pt", CPU)["model"]
    assert all(torch.equal(value, undisturbed[name]) for name, value in model.items())
    assert all(torch.equal(value, model[name]) for name, value in results[0]["run"]["parameters"].items())
