"""The split-brain autoencoder (Zhang, Isola, Efros, CVPR 2017): each half of a network predicts what the other sees.

    face ──▶ L ───half──▶ conv3 ──rest──▶ a and b     the embedding is conv3 of both halves, averaged over a grid
         └─▶ ab ──half──▶ conv3 ──rest──▶ L

No half sees what it predicts, so neither can copy; what is predicted is the face itself, shrunk to conv3's cells.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy, interpolate

from tcae.model.display.columns import picture_sheet
from tcae.model.display.pictures import RGB
from tcae.model.method import Method, Views
from tcae.model.networks.colour import (
    AB_REACH,
    NUM_AB_BINS,
    NUM_L_BINS,
    ab_bins,
    ab_centres,
    l_bins,
    l_centres,
    lab_of,
    rgb_of,
)
from tcae.model.networks.encoder import at_least_float32
from tcae.model.networks.halves import HalvesEncoder, rest_of_half, scaled_of
from tcae.model.recipes.splitbrain import SplitBrainNetwork, SplitBrainRecipe


class Crossed(NamedTuple):
    """What each half says of the other's channels, (N, C, side, side): logits of bins, or values in -1 to 1."""

    colour: Tensor
    """From L."""
    lightness: Tensor
    """From a and b."""


class SplitBrain(Method[Crossed]):
    """Two halves of AlexNet that never meet; 16,297,637 parameters at the widths of the recipe `paper`."""

    recipe: SplitBrainRecipe
    encoder: HalvesEncoder

    def __init__(self, recipe: SplitBrainRecipe) -> None:
        super().__init__(recipe)
        in_bins = recipe.network.predicts == "bins"
        self.to_colour = rest_of_half(recipe.network, NUM_AB_BINS if in_bins else 2)
        self.to_lightness = rest_of_half(recipe.network, NUM_L_BINS if in_bins else 1)

    @staticmethod
    def encoder_of(network: SplitBrainNetwork) -> HalvesEncoder:
        """Both halves up to conv3."""
        return HalvesEncoder(network)

    def forward(self, views: Views) -> Crossed:
        """Predict each half's channels from the other's."""
        lightness, colour = self.encoder(views.faces[0])
        return Crossed(at_least_float32(self.to_colour(lightness)), at_least_float32(self.to_lightness(colour)))

    def terms(self, made: Crossed, views: Views) -> dict[str, Tensor]:
        """Cross entropy over the bins, a mean over cells; with values half the squared distance (equation 2)."""
        wanted = adaptive_avg_pool2d(lab_of(views.faces[0]), made.colour.shape[-1])
        if self.recipe.network.predicts == "bins":
            colour = cross_entropy(made.colour, ab_bins(wanted[:, 1:]), reduction="none")
            lightness = cross_entropy(made.lightness, l_bins(wanted[:, :1]), reduction="none")
        else:
            scaled = scaled_of(wanted)
            colour = (made.colour - scaled[:, 1:]).square().sum(1) / 2
            lightness = (made.lightness - scaled[:, :1]).square().sum(1) / 2
        return {"colour": colour.flatten(1).mean(1), "lightness": lightness.flatten(1).mean(1)}

    def sheet(self, views: Views, title: str) -> RGB:
        """The face, then its lightness in the predicted colour, its colour in the predicted lightness, and both."""
        (faces,) = views.faces
        lab, guess = lab_of(faces), self.guess(self(views), faces.shape[-1])
        mixed = {
            "face": lab,
            "its L": torch.cat([lab[:, :1], torch.zeros_like(lab[:, 1:])], 1),
            "ab from L": torch.cat([lab[:, :1], guess[:, 1:]], 1),
            "L from ab": torch.cat([guess[:, :1], lab[:, 1:]], 1),
            "both": guess,
        }
        return picture_sheet({name: rgb_of(each) for name, each in mixed.items()}, title)

    def guess(self, made: Crossed, side: int) -> Tensor:
        """The Lab (N, 3, side, side) that was predicted: of bins the mean of their middles."""
        if self.recipe.network.predicts == "bins":
            ab = torch.einsum("nkhw,kc->nchw", made.colour.softmax(1), ab_centres(made.colour))
            lightness = torch.einsum("nkhw,kc->nchw", made.lightness.softmax(1), l_centres(made.lightness))
        else:
            ab, lightness = made.colour * AB_REACH, 50 * (made.lightness + 1)
        return interpolate(torch.cat([lightness, ab], 1), size=(side, side), mode="bilinear", align_corners=False)
