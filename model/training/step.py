"""One step: a batch of pairs in, the weights moved, the ten terms out."""

from functools import partial

import torch
from torch import Tensor

from tcae.model.curriculum import selected_loss, share_of
from tcae.model.data.views import view
from tcae.model.losses import needs_output, terms_of
from tcae.model.recipe import Recipe, Stage
from tcae.model.methods.tcae import TCAE
from tcae.model.training.optimisers import optimiser_of
from tcae.model.training.processes import Processes


class Step:
    """A model with its optimiser on a device.

    Convolutions run on channels-last memory, on which they are fastest, and in bfloat16 where the recipe says so.
    Gradients are averaged over the processes of the run.
    """

    def __init__(
        self,
        model: TCAE,
        recipe: Recipe,
        device: torch.device,
        *,
        processes: Processes | None = None,
        compile: bool = False,
    ) -> None:
        """Move the model to the device and make its optimiser.

        Args:
            model: Trained in place.
            recipe: Weights, curriculum, optimiser and precision.
            device: Where it runs.
            processes: With which others.
            compile: Let torch fuse the forward and backward pass, which takes minutes at first and a C++ compiler.
        """
        self.model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe, self.device = recipe, device
        self.processes = processes or Processes()
        self.optimiser = optimiser_of(recipe.optimiser, self.model.parameters())
        self._terms = torch.compile(self._forward) if compile else self._forward

    def __call__(self, source: Tensor, target: Tensor, crops: Tensor, stage: Stage) -> dict[str, Tensor]:
        """Learn from a batch.

        Args:
            source: (N, P, P, 3) uint8, as decoded, on any device.
            target: The same.
            crops: (N, 2, 3): the part of source and target that the network sees; x, y and side in pixels of a 256 px
                face.
            stage: Which part of the sorted samples counts.

        Returns:
            Every term as the mean over this process's batch, without gradient, on the device.
        """
        self.model.train()
        terms = self._terms(*self.views(source, target, crops))
        loss = selected_loss(terms, self.recipe.weights, self.recipe.curriculum.select, partial(self._share, stage))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self.model.parameters())
        self.optimiser.step()
        return {name: term.detach().mean() for name, term in terms.items()} | {"loss": loss.detach()}

    def views(self, source: Tensor, target: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
        """What the network sees of both faces: (N, 3, size, size) in 0-1, channels last, on the device."""
        size, crops = self.recipe.network.size, crops.to(self.device, non_blocking=True)
        source, target = source.to(self.device, non_blocking=True), target.to(self.device, non_blocking=True)
        faces = view(source, crops[:, 0], size), view(target, crops[:, 1], size)
        return tuple(some.contiguous(memory_format=torch.channels_last) for some in faces)  # type: ignore[return-value]

    def _forward(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            cycle = self.model(source, target, embed_output=needs_output(self.recipe.weights))
        return terms_of(cycle, source, target)

    def _share(self, stage: Stage, losses: Tensor) -> Tensor:
        """What each sample of this process counts; the mean over the processes is that over the stage's samples."""
        if self.recipe.curriculum.scope == "process":
            return share_of(losses, stage)
        return self.processes.own(share_of(self.processes.gathered(losses), stage)) * self.processes.world
