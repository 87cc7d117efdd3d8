"""The Deforming Autoencoder (Shu et al., ECCV 2018): a face is an aligned appearance times a deformation.

                         ┌─ code ─ texture decoder ─▶ aligned appearance ─┐
    face ──encoder──▶ latent                                              ├─ warp ─▶ the face again
                         └─ code ─ offset decoder ─▶ offsets ─ sum ─▶ grid ┘

The offsets between neighbouring positions are never negative, so the deformation has no folds; the texture's code is
short, so that what moves in a face is best told by the deformation.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tcae.model.display.columns import picture_sheet
from tcae.model.display.pictures import RGB
from tcae.model.display.wheel import colour_of, common_scale, number
from tcae.model.losses import l1
from tcae.model.method import Method, Views
from tcae.model.networks.deforming import CodeDecoder, DeformingEncoder, grid_of_offsets, offsets_of
from tcae.model.networks.warp import identity_grid, lengths, sampled
from tcae.model.recipes.deformae import DeformAENetwork, DeformAERecipe


class Deformed(NamedTuple):
    """What one pass over N faces makes."""

    texture: Tensor
    """(N, 3, H, W) in 0-1: the appearance, aligned with that of all other faces."""
    grid: Tensor
    """(N, H, W, 2): where each pixel is fetched from in the texture."""
    output: Tensor
    """(N, 3, H, W): the texture, deformed."""

    @property
    def displacement(self) -> Tensor:
        """(N, 2, H, W): the grid less the one that changes nothing."""
        return self.grid.permute(0, 3, 1, 2) - identity_grid(self.texture).permute(0, 3, 1, 2)


class DeformAE(Method[Deformed]):
    """Encoder and two decoders; 3,235,760 parameters at the released widths."""

    recipe: DeformAERecipe
    encoder: DeformingEncoder

    def __init__(self, recipe: DeformAERecipe) -> None:
        super().__init__(recipe)
        net = recipe.network
        self.texture_decoder = CodeDecoder(net.latent, net.texture_code, net.decoder, 3, nn.ReLU)
        self.offset_decoder = CodeDecoder(net.latent, net.deformation_code, net.decoder, 2, nn.Tanh)

    @staticmethod
    def encoder_of(network: DeformAENetwork) -> DeformingEncoder:
        """A face to the latent; the codes belong to the decoders."""
        return DeformingEncoder(network)

    def forward(self, views: Views) -> Deformed:
        """Make the texture and the grid of each face, and the face of both; gradients go into both."""
        latent = self.encoder(views.faces[0])
        texture = self.texture_decoder(latent).clamp(0, 1)
        grid = grid_of_offsets(offsets_of(self.offset_decoder(latent)))
        return Deformed(texture, grid, sampled(texture, grid))

    def terms(self, made: Deformed, views: Views) -> dict[str, Tensor]:
        """How far the face is missed, how rough its displacement is, and how far the batch's mean one is from zero.

        ``smoothness`` is the total variation along a line of pixels, a mean over the lines, summed over both
        directions and both axes. ``bias`` is one number for all samples of a batch (of each process): the mean square
        of the batch's mean displacement.
        """
        displacement = made.displacement
        along_x, along_y = displacement.diff(dim=3).abs(), displacement.diff(dim=2).abs()
        rough = along_x.sum(3).mean(2).sum(1) + along_y.sum(2).mean(2).sum(1)
        bias = displacement.mean(0).square().mean()
        return {"reconstruction": l1(made.output, views.faces[0]), "smoothness": rough, "bias": bias.expand_as(rough)}

    def measures(self, made: Deformed, views: Views) -> dict[str, Tensor]:
        """``texture_l1``, what the reconstruction would be without the deformation; mean displacement length."""
        return {
            "texture_l1": l1(made.texture, views.faces[0]),
            "length": lengths(made.displacement).flatten(1).mean(1),
        }

    def sheet(self, views: Views, title: str) -> RGB:
        """Face, texture, displacement and reconstruction; then each texture deformed as the next row's face."""
        made = self(views)
        ways = list(made.displacement.float().cpu().numpy())
        scale = common_scale(ways)
        columns = {
            "face": views.faces[0],
            "aligned appearance": made.texture,
            "displacement": [colour_of(way, scale) for way in ways],
            "reconstruction": made.output,
            "deformed as the next": sampled(made.texture, torch.roll(made.grid, -1, 0)),
        }
        note = f"Displacements: the hue is the direction; full colour is {number(scale)} half images and more."
        return picture_sheet(columns, title, [note])
