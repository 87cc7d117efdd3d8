"""FAb-Net (Wiles, Koepke, Zisserman, BMVC 2018): one embedding that tells how a face moves to become another.

    source 1 ──encoder──▶ s1 ─┬─ displacement decoder ─▶ source 1 moved ─┐
    target ────encoder──▶ t ──┤                                          ├─ weighed with the masks ─▶ target
    source 2 ──encoder──▶ s2 ─┴─ displacement decoder ─▶ source 2 moved ─┘
                                 mask decoder ─▶ masks, a softmax over the sources

With one source the mask has nothing to choose from and its decoder rests; with several, the second phase, it learns
and the displacement decoder rests, as the first phase left it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tcae.model.display.columns import Column, picture_sheet
from tcae.model.display.pictures import RGB
from tcae.model.display.wheel import colour_of, common_scale, number
from tcae.model.losses import l1
from tcae.model.method import Method, Views
from tcae.model.networks.fabnet import FabNetEncoder, PixelDecoder
from tcae.model.networks.warp import warp
from tcae.model.recipes.fabnet import FabNetNetwork, FabNetRecipe


class Moved(NamedTuple):
    """What one pass makes of N samples with S sources each."""

    output: Tensor
    """(N, 3, H, W): the reconstructed target."""
    images: Tensor
    """(S, N, 3, H, W): each source moved towards the target."""
    displacements: Tensor
    """(S, N, 2, H, W)."""
    masks: Tensor
    """(S, N, 1, H, W) in 0-1: what part of the output is of this source; they sum to 1."""


class FabNet(Method[Moved]):
    """Encoder and two decoders; 11,568,643 parameters at the published widths."""

    recipe: FabNetRecipe
    encoder: FabNetEncoder

    def __init__(self, recipe: FabNetRecipe) -> None:
        super().__init__(recipe)
        width, layers = recipe.network.layers[-1], recipe.network.decoder
        self.displacement_decoder = PixelDecoder(width, layers, channels=2)
        self.mask_decoder = PixelDecoder(width, layers, channels=1)
        self.num_sources = recipe.draw.num_faces - 1
        self.mask_decoder.requires_grad_(self.num_sources > 1)
        self.displacement_decoder.requires_grad_(self.num_sources == 1 or not recipe.start_from)

    @staticmethod
    def encoder_of(network: FabNetNetwork) -> FabNetEncoder:
        """All eight convolutions; the embedding is what the last one makes."""
        return FabNetEncoder(network)

    def forward(self, views: Views) -> Moved:
        """Move every source towards the target; each kind of face is embedded by itself, the target first."""
        *sources, target = views.faces
        t = self.encoder(target)
        s = [self.encoder(source) for source in sources]
        displacements = torch.stack([self.displacement_decoder(one, t) for one in s])
        images = torch.stack([warp(source, way) for source, way in zip(sources, displacements, strict=True)])
        masks = self.masks(s, t) if len(s) > 1 else torch.ones_like(images[:, :, :1])
        return Moved((masks * images).sum(0), images, displacements, masks)

    def masks(self, sources: Sequence[Tensor], target: Tensor) -> Tensor:
        """The weights of the moved sources at each pixel, from their embeddings (N, D) each: (S, N, 1, H, W)."""
        return torch.stack([self.mask_decoder(source, target) for source in sources]).softmax(0)

    def terms(self, made: Moved, views: Views) -> dict[str, Tensor]:
        """The mean absolute difference to the target; there is no other term."""
        return {"reconstruction": l1(made.output, views.faces[-1])}

    def measures(self, made: Moved, views: Views) -> dict[str, Tensor]:
        """``copy_l1``, what the term would be if the first source were left as it is; mean displacement length."""
        length = made.displacements.norm(dim=2).mean((0, 2, 3))
        return {"copy_l1": l1(views.faces[0], views.faces[-1]), "length": length}

    def words(self, metrics: Mapping[str, float]) -> str:
        """The reconstruction against copying."""
        return f"val reconstruction {metrics['reconstruction']:.4f} (copying the source: {metrics['copy_l1']:.4f})"

    def sheet(self, views: Views, title: str) -> RGB:
        """Sources, target and reconstruction, how each source is moved, and where each of several is seen."""
        made, several = self(views), self.num_sources > 1
        which = [f" {place + 1}" if several else "" for place in range(self.num_sources)]
        ways = [list(way.float().cpu().numpy()) for way in made.displacements]
        scale = common_scale([way for some in ways for way in some])
        columns: dict[str, Column] = {f"source{one}": face for one, face in zip(which, views.faces, strict=False)}
        columns |= {"target": views.faces[-1], "reconstruction": made.output}
        for one, some, mask in zip(which, ways, made.masks, strict=True):
            columns[f"displacement{one}"] = [colour_of(way, scale) for way in some]
            columns |= {f"mask{one}": mask} if several else {}
        note = f"Displacements: the hue is the direction; full colour is {number(scale)} half images and more."
        return picture_sheet(columns, title, [note])
