"""One step: a batch of samples in, the weights moved, the loss terms out."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from tcae.model.curriculum import selected_loss, share_of
from tcae.model.data.batch import Batch
from tcae.model.data.views import view
from tcae.model.method import Method, Views
from tcae.model.recipe import Recipe, Stage
from tcae.model.training.optimisers import optimiser_of
from tcae.model.training.processes import Processes


class Step:
    """A method with its optimiser on a device.

    Convolutions run on channels-last memory, on which they are fastest, and in bfloat16 where the recipe says so.
    Gradients are averaged over the processes of the run.
    """

    def __init__(
        self,
        method: Method[Any],
        device: torch.device,
        *,
        processes: Processes | None = None,
        compile: bool = False,
    ) -> None:
        """Move the network to the device and make its optimiser.

        Args:
            method: Trained in place; its recipe says by which weights, curriculum, optimiser and precision.
            device: Where it runs.
            processes: With which others.
            compile: Let torch fuse the forward and backward pass, which takes minutes at first and a C++ compiler.
        """
        self.method: Method[Any] = method.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe: Recipe = method.recipe
        self.device = device
        self.processes = processes or Processes()
        self.optimiser = optimiser_of(self.recipe.optimiser, self.learned())
        self._terms = torch.compile(self._forward) if compile else self._forward

    def __call__(self, batch: Batch, stage: Stage) -> dict[str, Tensor]:
        """Learn from a batch.

        Args:
            batch: As decoded, on any device.
            stage: Which part of the sorted samples counts.

        Returns:
            Every term as the mean over this process's batch, without gradient, on the device.
        """
        self.method.train()
        terms = self._terms(self.views(batch))
        loss = selected_loss(terms, self.recipe.weights, self.recipe.curriculum.select, partial(self._share, stage))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self.learned())
        self.optimiser.step()
        return {name: term.detach().mean() for name, term in terms.items()} | {"loss": loss.detach()}

    def learned(self) -> list[Parameter]:
        """The parameters that change; a method freezes others by ``requires_grad_(False)``."""
        return [parameter for parameter in self.method.parameters() if parameter.requires_grad]

    def views(self, batch: Batch) -> Views:
        """What the network sees of a batch: each face (N, 3, size, size) in 0-1, channels last, on the device."""
        crops = batch.crops.to(self.device, non_blocking=True)
        faces = batch.faces.to(self.device, non_blocking=True)
        seen = (view(some, crops[:, place], self.recipe.network.size) for place, some in enumerate(faces))
        labels = batch.labels.to(self.device, non_blocking=True)
        return Views(tuple(some.contiguous(memory_format=torch.channels_last) for some in seen), labels)

    def made(self, views: Views) -> Any:
        """One pass of the method, in the recipe's precision."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            return self.method(views)

    def _forward(self, views: Views) -> dict[str, Tensor]:
        return self.method.terms(self.made(views), views)

    def _share(self, stage: Stage, losses: Tensor) -> Tensor:
        """What each sample of this process counts; the mean over the processes is that over the stage's samples."""
        if self.recipe.curriculum.scope == "process":
            return share_of(losses, stage)
        return self.processes.own(share_of(self.processes.gathered(losses), stage)) * self.processes.world
