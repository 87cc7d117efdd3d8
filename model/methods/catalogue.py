"""Every method, by the name that `tcae train --method` takes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tcae.model.method import FaceNetwork, Method
from tcae.model.methods.deformae import DeformAE
from tcae.model.methods.fabnet import FabNet
from tcae.model.methods.facecycle import FaceCycle
from tcae.model.methods.noisy import Noisy
from tcae.model.methods.splitbrain import SplitBrain
from tcae.model.methods.tcae import TCAE
from tcae.model.methods.temporal import Temporal
from tcae.model.recipe import NetworkConfig, Recipe

METHODS: Mapping[str, type[Method[Any]]] = MappingProxyType(
    {
        "tcae": TCAE,
        "fabnet": FabNet,
        "deformae": DeformAE,
        "facecycle": FaceCycle,
        "noisy": Noisy,
        "splitbrain": SplitBrain,
        "temporal": Temporal,
    }
)


def method_of(recipe: Recipe) -> Method[Any]:
    """A recipe's network, untrained."""
    return METHODS[recipe.method](recipe)


def encoder_of(method: str, network: NetworkConfig) -> FaceNetwork:
    """A method's encoder, untrained."""
    return METHODS[method].encoder_of(network)
