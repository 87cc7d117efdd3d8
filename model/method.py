"""What the trainer asks of a method, and all that it knows of it.

    faces of one identity, views ──method──▶ whatever one pass makes ──▶ terms (learned from), measures (looked at)
                                     └ encoder: a face to its named embeddings, which is all that is kept in the end

A method is a file in ``methods/`` and a file in ``recipes/``, both named in the two catalogues. The recipe says which
faces make a sample (``draw``), which labels come with it (``labels``) and what each term weighs (``weights``).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from torch import Tensor, nn

from tcae.model.display.pictures import RGB
from tcae.model.networks.weights import check_shapes, shapes_of
from tcae.model.recipe import Recipe

Made = TypeVar("Made")
"""What one pass of a method makes."""


class Views(NamedTuple):
    """N samples as a network sees them."""

    faces: tuple[Tensor, ...]
    """As many as ``DrawConfig`` says, in its order, (N, 3, size, size) each, RGB in 0-1."""
    labels: Tensor
    """(N, L): 1 where an AU is there, 0 where not, NaN where nobody knows; L is 0 where nothing is asked for."""


class FaceNetwork(nn.Module, ABC):
    """What stays of a method: a face to its embeddings. Whatever it wants of pixels (grey, mean and spread) it does."""

    @abstractmethod
    def embed(self, faces: Tensor) -> Mapping[str, Tensor]:
        """Embed faces.

        Args:
            faces: (N, 3, size, size) RGB in 0-1.

        Returns:
            (N, D) at least float32, by the names and with the widths of ``NetworkConfig.widths``, in their order.
        """


class Method(nn.Module, ABC, Generic[Made]):
    """A network that learns from faces; its weights are those of its recipe's seed until it is trained."""

    def __init__(self, recipe: Recipe) -> None:
        """Build the encoder; the method adds what it is trained with."""
        super().__init__()
        self.recipe = recipe
        self.encoder = self.encoder_of(recipe.network)

    @staticmethod
    @abstractmethod
    def encoder_of(network: Any) -> FaceNetwork:
        """The encoder alone, which embeds, is exported and is probed; ``network`` is its method's ``NetworkConfig``."""

    @abstractmethod
    def forward(self, views: Views) -> Made:
        """Run one pass over a batch; convolutions may be in bfloat16."""

    @abstractmethod
    def terms(self, made: Made, views: Views) -> dict[str, Tensor]:
        """The loss terms of each sample, (N,) float32 each, unweighted; their names are those of ``recipe.weights``."""

    def measures(self, made: Made, views: Views) -> dict[str, Tensor]:
        """What a validation notes beside the terms, (N,) each."""
        return {}

    def summary(self, means: Mapping[str, float]) -> dict[str, float]:
        """What a validation notes of the means of all terms and measures."""
        return {}

    def words(self, metrics: Mapping[str, float]) -> str:
        """The figures of a validation that tell a user whether something was learned."""
        terms = ", ".join(f"{name} {metrics[name]:.4f}" for name in asdict(self.recipe.weights) if name in metrics)
        return f"val total {metrics['total']:.4f} ({terms})"

    def remark(self, metrics: Mapping[str, float]) -> str:
        """What a user should hear of a validation; mostly nothing."""
        return ""

    @abstractmethod
    def sheet(self, views: Views, title: str) -> RGB:
        """Draw what the network makes of some samples, one below the other; evaluation mode, without gradients."""

    def begin(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take the weights of ``recipe.start_from``, by default those of the same network.

        Raises:
            CheckpointError: they are others; the message names the first that differ.
        """
        check_shapes(path, shapes_of(self), tensors)
        self.load_state_dict(dict(tensors))
