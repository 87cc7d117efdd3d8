"""Trained networks that nobody trained: random weights, running statistics that are not those of a fresh network."""

from pathlib import Path

import torch
from torch import nn

from tcae.model.methods.tcae import TCAE
from tcae.model.recipe import ViewConfig
from tcae.model.recipes.tcae import TCAENetwork, TCAERecipe
from tcae.model.training.runs import Trained
from tests.method_builders import TINY


def stirred(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give every batch norm statistics, weights and biases of its own; evaluation mode."""
    draws = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None and layer.running_var is not None:
            for values in (layer.weight.data, layer.running_var):
                values.copy_(torch.rand(values.shape, generator=draws) + 0.5)
            for values in (layer.bias.data, layer.running_mean):
                values.copy_(torch.randn(values.shape, generator=draws) / 10)
    return module.eval()


def trained(
    network: TCAENetwork = TINY,
    template: str = "tcae",
    metrics: dict[str, float] | None = None,
    data: dict[str, str] | None = None,
) -> Trained:
    """A tiny network as ``load_trained`` gives it."""
    torch.manual_seed(0)
    recipe = TCAERecipe(
        name="tiny", steps=1, network=network, view=ViewConfig(centre_px=192, smallest_px=160, largest_px=180)
    )
    model = TCAE(recipe)
    stirred(model)
    return Trained(
        model=model,
        recipe=recipe,
        template=template,
        step=40,
        run="run",
        checkpoint="best",
        metrics=metrics or {},
        path=Path("best.pt"),
    )
