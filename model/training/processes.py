"""One process or several: the only door to torch.distributed. `torchrun` starts them and says who is who."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import Parameter


@dataclass(frozen=True)
class Processes:
    """Where this process stands among those of the run; by default it is alone."""

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes, validates and speaks."""
        return self.rank == 0

    def gathered(self, values: Tensor) -> Tensor:
        """Every process's (T, N) side by side in the order of their ranks, (T, world N), without gradient."""
        if self.world == 1:
            return values.detach()
        parts = [torch.empty_like(values) for _ in range(self.world)]
        dist.all_gather(parts, values.detach().contiguous())
        return torch.cat(parts, dim=-1)

    def own(self, values: Tensor) -> Tensor:
        """This process's (T, N) of what ``gathered`` laid side by side."""
        return values.chunk(self.world, dim=-1)[self.rank]

    def average_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Replace every gradient by its mean over the processes, in one exchange."""
        if self.world == 1:
            return
        gradients = [one.grad for one in parameters if one.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.world
        for gradient, mean in zip(gradients, torch.split(flat, [one.numel() for one in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def any(self, flag: bool) -> bool:
        """Whether one of the processes says yes; all hear the same answer."""
        if self.world == 1:
            return flag
        votes = torch.tensor(int(flag))
        dist.all_reduce(votes, dist.ReduceOp.MAX)
        return bool(votes)

    def from_first(self, value: float) -> float:
        """The first process's value, in every process; the others wait for it."""
        if self.world == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64)
        dist.broadcast(told, 0)
        return float(told)


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the processes that `torchrun` started with this one, if it did, until the block ends."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Processes()
        return
    # what lies on the CPU, such as a stop flag, goes through gloo and never waits for a GPU
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), world)
    finally:
        dist.destroy_process_group()


def local_rank() -> int:
    """Which of this machine's processes this is; its GPU has the same number."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_first() -> bool:
    """Whether this process, of all that `torchrun` started with it, is the one that speaks to the user."""
    return int(os.environ.get("RANK", "0")) == 0
