"""Temporal consistency (Lu, Tavabi and Soleymani, BMVC 2020): the farther in time, the farther from the anchor.

    anchor ────────┐
    its sibling ───┼─encoder─▶ embeddings of length 1 ─▶ squared distances from the anchor, which should grow in time
    ever later ────┘

Each face should be farther from the anchor than the face before it, by a margin; no decoder, no picture is made.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from tcae.model.display.columns import picture_sheet
from tcae.model.display.pictures import NOTE, RGB, below, enlarged, factor_of, picture_of, written
from tcae.model.method import Method, Views
from tcae.model.networks.resnet import ResNetEncoder, is_torchvisions, torchvisions
from tcae.model.networks.weights import check_shapes, shapes_of
from tcae.model.recipes.temporal import TemporalNetwork, TemporalRecipe

COLLAPSED = 1e-6
"""Squared distances below it are 0 but for rounding."""


class Temporal(Method[Tensor]):
    """An encoder and nothing else; 11,307,840 parameters at the published widths. A pass makes the distances."""

    recipe: TemporalRecipe
    encoder: ResNetEncoder

    @staticmethod
    def encoder_of(network: TemporalNetwork) -> ResNetEncoder:
        """ResNet, linear layer, length 1."""
        return ResNetEncoder(network.planes, network.width)

    def forward(self, views: Views) -> Tensor:
        """Squared distances from the anchor, (N, T - 1), in the order of time.

        The anchors, their siblings and all later faces go through the encoder one after the other, with batch
        statistics of their own (released code).
        """
        anchor, sibling, *later = views.faces
        near, first = self.encoder(anchor), self.encoder(sibling)
        far = self.encoder(torch.cat(later)).view(len(later), *near.shape)  # (T - 2, N, D)
        apart: Tensor = torch.cat([first[None], far]) - near  # (T - 1, N, D)
        return apart.square().sum(2).T

    def terms(self, made: Tensor, views: Views) -> dict[str, Tensor]:
        """``ranking``: the sum of a hinge for each two neighbours in time (released code; ten of them)."""
        return {"ranking": (made[:, :-1] - made[:, 1:] + self.recipe.margin).relu().sum(1)}

    def measures(self, made: Tensor, views: Views) -> dict[str, Tensor]:
        """Whether each later face is farther than the one before it, by its place and on average; the largest distance.

        ``in_order`` is 0.5 by chance. ``reach`` falls to 0 where all faces of a clip are embedded alike.
        """
        in_order = (made[:, 1:] > made[:, :-1]).float()
        places = {f"in_order_{place:02}": right for place, right in enumerate(in_order.T, start=1)}
        return {"in_order": in_order.mean(1), **places, "reach": made.max(dim=1).values}

    def words(self, metrics: Mapping[str, float]) -> str:
        """The loss, and how many neighbours in time are in order."""
        return f"{super().words(metrics)}, {metrics['in_order']:.0%} in order"

    def remark(self, metrics: Mapping[str, float]) -> str:
        """That nothing can be learned from distances that are all 0."""
        return "all faces of a clip are embedded alike" if metrics["reach"] < COLLAPSED else ""

    def sheet(self, views: Views, title: str) -> RGB:
        """The faces of each clip in the order of time, with their squared distance from the anchor below each."""
        distances = pad(self(views), (1, 0)).T.tolist()  # T lists of N; the anchor's own is 0
        pictures = [[picture_of(face) for face in faces.float().cpu().numpy()] for faces in views.faces]
        names = ["anchor", *(f"+{1 + self.recipe.draw.spacing * step}" for step in range(len(pictures) - 1))]
        columns = {
            name: [noted(picture, f"{far:.3f}") for picture, far in zip(*column, strict=True)]
            for name, *column in zip(names, pictures, distances, strict=True)
        }
        return picture_sheet(columns, title, ["+ counts faces in time; below each its squared distance, of 0 to 4"])

    def begin(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take torchvision's weights of ResNet-18 but for the classifier, or a checkpoint of this method."""
        if is_torchvisions(tensors):
            found = torchvisions(tensors)
            check_shapes(path, shapes_of(self.encoder.trunk), found)
            self.encoder.trunk.load_state_dict(found)
        else:
            super().begin(tensors, path)


def noted(picture: RGB, words: str) -> RGB:
    """A picture, enlarged where it is small, with words below it."""
    large = enlarged(picture, factor_of(len(picture)))
    return below([large, written(words, large.shape[1], NOTE)])
