"""A method that is in no catalogue until a test puts it there: embeddings of any names and widths, and their runs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tcae.manifests.workspace import Workspace
from tcae.model.display.pictures import RGB
from tcae.model.method import FaceNetwork, Method, Views
from tcae.model.methods import catalogue as methods
from tcae.model.recipe import DrawConfig, LossWeights, NetworkConfig, Recipe
from tcae.model.recipes import catalogue as recipes
from tcae.model.training import checkpoints
from tcae.model.training.runs import RunFolder, run_folder, write_config
from tests.encoder_builders import stirred


@dataclass(frozen=True, kw_only=True)
class ToyNetwork(NetworkConfig):
    size: int = 8
    names: tuple[str, ...] = ("face",)
    components: tuple[int, ...] = (5,)

    @property
    def widths(self) -> dict[str, int]:
        return dict(zip(self.names, self.components, strict=True))


@dataclass(frozen=True, kw_only=True)
class ToyWeights(LossWeights):
    length: float = 1.0


@dataclass(frozen=True, kw_only=True)
class ToyRecipe(Recipe):
    method: Literal["toy"] = "toy"
    network: ToyNetwork = field(default_factory=ToyNetwork)
    weights: ToyWeights = field(default_factory=ToyWeights)
    draw: DrawConfig = field(default_factory=lambda: DrawConfig(kind="one", num_faces=1))


ONE = ToyNetwork()
THREE = ToyNetwork(names=("au", "identity", "features"), components=(3, 4, 7))


class ToyEncoder(FaceNetwork):
    """Convolutions with batch norms in a box within a box, and one linear layer for each embedding."""

    def __init__(self, network: ToyNetwork) -> None:
        super().__init__()
        inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        outer = (nn.Conv2d(4, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.trunk = nn.Sequential(inner, *outer)
        self.heads = nn.ModuleDict({name: nn.Linear(6, width) for name, width in network.widths.items()})

    def embed(self, faces: Tensor) -> dict[str, Tensor]:
        features = self.trunk(faces)
        return {name: head(features).float() for name, head in self.heads.items()}


class Toy(Method[Mapping[str, Tensor]]):
    @staticmethod
    def encoder_of(network: ToyNetwork) -> ToyEncoder:
        return ToyEncoder(network)

    def forward(self, views: Views) -> Mapping[str, Tensor]:
        return self.encoder.embed(views.faces[0])

    def terms(self, made: Mapping[str, Tensor], views: Views) -> dict[str, Tensor]:
        return {"length": torch.cat(list(made.values()), 1).square().mean(1)}

    def sheet(self, views: Views, title: str) -> RGB:
        return np.zeros((8, 8, 3), np.uint8)


def register_toy(patch: pytest.MonkeyPatch) -> None:
    """Put the method into both catalogues, for one test."""
    patch.setattr(methods, "METHODS", {**methods.METHODS, "toy": Toy})
    patch.setattr(recipes, "RECIPES", {**recipes.RECIPES, "toy": {"toy": ToyRecipe(name="toy", steps=1)}})


def write_toy_run(workspace: Workspace, network: ToyNetwork, start_from: str = "") -> RunFolder:
    """The run ``toy``, which nobody trained."""
    recipe = ToyRecipe(name="toy", steps=50, batch_size=4, network=network, start_from=start_from)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = stirred(Toy(recipe))
    folder, data = run_folder(workspace, "toy"), {"template": "tcae"}
    write_config(folder, recipe, data)
    state = {"recipe": asdict(recipe), "data": data, "metrics": {}, "model": model.state_dict(), "step": 50}
    for path in (folder.best, folder.last):
        checkpoints.save(path, state)
    return folder
