"""What the processes of a two-process test do."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tcae.manifests.workspace import Workspace
from tcae.model.data.batch import Batch
from tcae.model.data.batches import LoaderConfig
from tcae.model.methods.tcae import TCAE
from tcae.model.recipe import CurriculumConfig, OptimiserConfig, Stage
from tcae.model.train import train
from tcae.model.training.interrupts import StopWish
from tcae.model.training.options import RunOptions
from tcae.model.training.processes import Processes, joined
from tcae.model.training.step import Step
from tcae.model.training.trainer import Trainer
from tests.recipe_builders import tiny_recipe

WORLD = 2
CPU = torch.device("cpu")
STAGES: tuple[Stage, ...] = ((0.0, 1.0), (0.1, 0.6), (0.5, 1.0))
NUM_STEPS = 100

RECIPE = tiny_recipe(
    steps=NUM_STEPS, least_steps=5, curriculum=CurriculumConfig(stages=((0.0, 1.0), (0.1, 0.6)), patience=1)
)
"""Of the runs."""

TOML = """
steps = 100
batch_size = 4
least_steps = 5
val_pairs = 6

[network]
size = 8
trunk = [4]
branch = [6, 8]
decoder = [8, 6]

[curriculum]
stages = [[0.0, 1.0], [0.1, 0.6]]
patience = 1
"""
"""What makes ``RECIPE`` of ``small``."""


class Frozen(TCAE):
    """Normalises by running statistics in training too, so that no sample depends on those beside it."""

    def train(self, mode: bool = True) -> "Frozen":
        super().train(False)
        return self


def frozen_step(select: Any, scope: Any, processes: Processes | None = None) -> Step:
    """A step whose gradient is a sum over samples."""
    recipe = tiny_recipe(
        optimiser=OptimiserConfig(name="sgd", lr=0.1), curriculum=CurriculumConfig(select=select, scope=scope)
    )
    torch.manual_seed(3)
    return Step(Frozen(recipe), CPU, processes=processes)


def made_up_batch(num: int = 8) -> Batch:
    """Pairs that differ much in how hard they are."""
    generator = torch.Generator().manual_seed(0)
    source = torch.randint(0, 256, (num, 16, 16, 3), generator=generator)
    noise = torch.randint(-128, 128, source.shape, generator=generator) * torch.arange(num).view(-1, 1, 1, 1) / num
    target = (source + noise).clamp(0, 255)
    crops = torch.tensor([16, 16, 224, 0]).expand(num, 2, 4)
    return Batch(torch.stack([source, target]).to(torch.uint8), crops, torch.zeros(num, 0), [])


def share(batch: Batch, rank: int) -> Batch:
    """One process's share of a batch."""
    crops, labels = (part.chunk(WORLD)[rank] for part in (batch.crops, batch.labels))
    return Batch(batch.faces.chunk(WORLD, dim=1)[rank], crops, labels, [])


def learned(step: Step, batch: Batch, stage: Stage) -> tuple[Tensor, float]:
    """The model's weights after a step, in one row, and the loss."""
    loss = float(step(batch, stage)["loss"])
    return torch.cat([one.detach().flatten() for one in step.method.parameters()]), loss


def learned_apart(rank: int, processes: Processes) -> dict[Any, tuple[Tensor, float]]:
    """The same for this process's half of the batch, for every way to select."""
    half = share(made_up_batch(), rank)
    return {
        (select, scope, stage): learned(frozen_step(select, scope, processes), half, stage)
        for select in ("sample", "term")
        for scope in ("global", "process")
        for stage in STAGES
    }


def exchanged(rank: int, processes: Processes) -> dict[str, Any]:
    """What each exchange gives."""
    model = torch.nn.Linear(2, 3)
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, 10.0 * number + rank)
    model.weight.grad = torch.arange(6.0).reshape(3, 2) + rank
    unused = torch.nn.Parameter(torch.zeros(1))
    processes.average_gradients([*model.parameters(), unused])
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True) + 10 * rank
    gathered = processes.gathered(values)
    return {
        "weight": model.weight.grad,
        "bias": model.bias.grad,
        "unused": unused.grad,
        "gathered": gathered,
        "has gradient": gathered.requires_grad,
        "own": processes.own(gathered),
        "any": [processes.any(False), processes.any(rank == 0), processes.any(rank == 1), processes.any(True)],
        "from first": [processes.from_first(0.1 + rank), processes.from_first(float("nan") if rank == 0 else 1.0)],
        "first": processes.is_first,
    }


def a_run(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Train; the first batches that came, and the weights and the curriculum's position at the end."""
    seen: list[Batch] = []
    trainers: list[Trainer] = []
    original = Trainer.run

    def run(self: Trainer, batches: Iterator[Batch], wish: StopWish) -> None:
        trainers.append(self)
        original(self, kept(batches, seen), wish)

    monkeypatch.setattr(Trainer, "run", run)
    how = RunOptions(device="cpu", loader=LoaderConfig(workers=0), log_every=50)
    outcome = train(workspace, RECIPE, how, "two")
    return {
        "batches": [tuple(batch[:3]) for batch in seen[:20]],
        "parameters": {name: value.detach() for name, value in trainers[0].state.step.method.named_parameters()},
        "position": trainers[0].state.curriculum.position,
        "validates": bool(trainers[0].val),
        "step": outcome.step,
    }


def kept(batches: Iterator[Batch], seen: list[Batch]) -> Iterator[Batch]:
    for batch in batches:
        seen.append(batch)
        yield batch


def two(rank: int, ports: list[int], workspace: Path, results: Path) -> None:
    """All of it, as the process of that rank; the main process finds what came of it in ``results``."""
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": str(WORLD),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(ports[0]),
    }
    with pytest.MonkeyPatch.context() as monkeypatch:
        made: dict[str, Any] = {"run": a_run(Workspace(workspace), monkeypatch)}
    os.environ["MASTER_PORT"] = str(ports[1])
    with joined(CPU) as processes:
        made["place"] = (processes.rank, processes.world)
        made["exchanged"] = exchanged(rank, processes)
        made["learned"] = learned_apart(rank, processes)
    torch.save(made, results / f"{rank}.pt")


def free_ports(num: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(num)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
