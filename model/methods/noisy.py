"""Supervised pre-training on noisy labels (Fung and McDuff, FG 2020): a program says which AUs a face has.

    face ──encoder──▶ embedding ──dropout, one layer──▶ a logit for each AU ◀── labels, some of them wrong or missing

What was learned is meant to be fine-tuned on what annotators say: `tcae finetune`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tcae.model.display.columns import picture_sheet
from tcae.model.display.pictures import RGB
from tcae.model.losses import presence
from tcae.model.method import FaceNetwork, Method, Views
from tcae.model.networks.encoder import at_least_float32
from tcae.model.networks.stack import Stack
from tcae.model.networks.vgg13 import Vgg13, glorot
from tcae.model.recipes.noisy import NoisyNetwork, NoisyRecipe


class Noisy(Method[Tensor]):
    """An encoder and a classifier; 8,767,954 parameters at the published widths and 18 AUs."""

    recipe: NoisyRecipe

    def __init__(self, recipe: NoisyRecipe) -> None:
        super().__init__(recipe)
        self.drop = nn.Dropout(recipe.network.drop_hidden)
        self.classifier = nn.Linear(recipe.network.width, len(recipe.labels.aus))
        glorot(self.classifier)

    @staticmethod
    def encoder_of(network: NoisyNetwork) -> FaceNetwork:
        """The backbone that was chosen."""
        return Vgg13(network) if network.backbone == "vgg13" else Stack(network)

    def forward(self, views: Views) -> Tensor:
        """Log odds (N, L) of each AU."""
        (face,) = views.faces
        return at_least_float32(self.classifier(self.drop(self.encoder.embed(face)["face"])))

    def terms(self, made: Tensor, views: Views) -> dict[str, Tensor]:
        """Binary cross entropy, a sum over the AUs that are known (released code)."""
        return {"presence": presence(made, views.labels)}

    def measures(self, made: Tensor, views: Views) -> dict[str, Tensor]:
        """How many AUs of a face are rightly called present, wrongly, and wrongly called absent."""
        called, present, absent = made > 0, views.labels == 1, views.labels == 0
        outcomes = {"hits": called & present, "alarms": called & absent, "misses": ~called & present}
        return {name: outcome.float().sum(1) for name, outcome in outcomes.items()}

    def summary(self, means: Mapping[str, float]) -> dict[str, float]:
        """``f1`` of all AUs together; 0 where none is present and none is called."""
        hits = 2 * means["hits"]
        return {"f1": hits / max(hits + means["alarms"] + means["misses"], 1e-12)}

    def words(self, metrics: Mapping[str, float]) -> str:
        """The loss and the F1."""
        return f"{super().words(metrics)}, F1 {metrics['f1']:.3f}"

    def sheet(self, views: Views, title: str) -> RGB:
        """Each face beside a strip for every AU: bright where it is called present, and where its label says so."""
        (face,) = views.faces
        rows = {"probabilities": self(views).sigmoid(), "labels": views.labels.nan_to_num(nan=0.5)}
        strips = {name: _strips(values, face.shape[-1]) for name, values in rows.items()}
        note = f"strips from above: {', '.join(self.recipe.labels.aus)}; grey labels are missing"
        return picture_sheet({"face": face, **strips}, title, [note])


def _strips(values: Tensor, side: int) -> Tensor:
    """(N, L) in 0-1 as pictures (N, 1, side, side), a strip for each value."""
    rows = torch.arange(side, device=values.device) * values.shape[1] // side
    return values[:, None, rows, None].expand(-1, -1, -1, side)
