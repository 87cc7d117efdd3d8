"""The Twin-Cycle Autoencoder (Li et al., CVPR 2019): two faces of one person tell facial actions from head pose.

    source ──encoder──▶ pose, AU ─┐            ┌─▶ pose displacement ─▶ pose-changed face
                                  ├─ decoders ─┤         + masks ─────▶ reconstructed target
    target ──encoder──▶ pose, AU ─┘            └─▶ AU displacement ───▶ AU-changed face

The twin cycles: each changed face is embedded again and moved back, by the decoder that changed it, to the source.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from tcae.model.display.pictures import RGB
from tcae.model.display.sheets import Swap, sample_sheet
from tcae.model.losses import l1, l2
from tcae.model.method import Method, Views
from tcae.model.networks.decoder import Decoder, Movement
from tcae.model.networks.encoder import Embeddings, Encoder
from tcae.model.networks.warp import lengths, reached, warp
from tcae.model.recipes.tcae import TCAENetwork, TCAERecipe


class Changed(NamedTuple):
    """The source face as changed towards the target; faces are (N, 3, H, W), displacements (N, 2, H, W)."""

    pose_image: Tensor
    """The source with the target's pose."""
    au_image: Tensor
    """The source with the target's facial actions."""
    output: Tensor
    """Both at once: the reconstructed target."""
    pose_displacement: Tensor
    au_displacement: Tensor
    displacement: Tensor
    """Of the output: both, weighed with the masks."""
    au_mask: Tensor
    """(N, 1, H, W) in 0-1: the AU displacement's weight; the pose displacement has the rest."""


class TwinCycle(NamedTuple):
    """All that one pass over a batch of pairs makes."""

    source: Embeddings
    target: Embeddings
    changed: Changed
    pose_image: Embeddings
    au_image: Embeddings
    output: Embeddings | None
    """None unless it was asked for."""
    pose_back: Tensor
    """(N, 3, H, W): the pose-changed face moved back to the source."""
    au_back: Tensor
    """(N, 3, H, W): the AU-changed face moved back to the source."""


class TCAE(Method[TwinCycle]):
    """Encoder and two decoders; 14,717,094 parameters at the published widths."""

    recipe: TCAERecipe
    encoder: Encoder

    def __init__(self, recipe: TCAERecipe) -> None:
        super().__init__(recipe)
        self.pose_decoder = Decoder(recipe.network)
        self.au_decoder = Decoder(recipe.network, recipe.network.au_reach)

    @staticmethod
    def encoder_of(network: TCAENetwork) -> Encoder:
        """Trunk and both branches."""
        return Encoder(network)

    def forward(self, views: Views) -> TwinCycle:
        """Run both cycles; the output is embedded again only where a term asks for it."""
        source, target = views.faces
        t, s = self.embed(target, source)  # in the released order, which the running statistics remember
        changed = self.change(source, s, t)

        weights = self.recipe.weights
        made = [changed.pose_image, changed.au_image, changed.output]
        num_made = 3 if weights.output_pose > 0 or weights.output_au > 0 else 2
        pose_image, au_image, *rest = self.embed(*made[:num_made])

        pose_back = warp(changed.pose_image, self.pose_decoder(pose_image.pose, s.pose).displacement)
        au_back = warp(changed.au_image, self.au_decoder(au_image.au, s.au).displacement)
        return TwinCycle(s, t, changed, pose_image, au_image, rest[0] if rest else None, pose_back, au_back)

    def terms(self, made: TwinCycle, views: Views) -> dict[str, Tensor]:
        """The ten terms; ``output_*``, which only the released code has, where the output was embedded.

        Each is a mean over all elements of its sample: the paper's sums, divided by W H 3, W H 2 and the width of an
        embedding (section 3).
        """
        source, target = views.faces
        s, t = made.source, made.target
        terms = {
            "reconstruction": l1(made.changed.output, target),
            "au_cycle": l1(made.au_back, source),
            "pose_cycle": l1(made.pose_back, source),
            "pose_image_pose": l2(made.pose_image.pose, t.pose),
            "pose_image_au": l2(made.pose_image.au, s.au),
            "au_image_pose": l2(made.au_image.pose, s.pose),
            "au_image_au": l2(made.au_image.au, t.au),
            "au_displacement_l1": reached(made.changed.au_displacement).abs().flatten(1).mean(1),
        }
        if made.output is not None:
            terms |= {"output_pose": l2(made.output.pose, t.pose), "output_au": l2(made.output.au, t.au)}
        return terms

    def measures(self, made: TwinCycle, views: Views) -> dict[str, Tensor]:
        """``copy_l1``, what the reconstruction would be if the source were left as it is; mean displacement lengths."""
        source, target = views.faces
        return {
            "copy_l1": l1(source, target),
            "au_length": lengths(made.changed.au_displacement).flatten(1).mean(1),
            "pose_length": lengths(made.changed.pose_displacement).flatten(1).mean(1),
        }

    def summary(self, means: Mapping[str, float]) -> dict[str, float]:
        """``displacement_ratio``, pose length over AU length: under 1 the branches have changed roles."""
        return {"displacement_ratio": means["pose_length"] / max(means["au_length"], 1e-12)}

    def words(self, metrics: Mapping[str, float]) -> str:
        """The reconstruction against copying, and how far each branch moves."""
        return (
            f"val reconstruction {metrics['reconstruction']:.4f} (copying the source: {metrics['copy_l1']:.4f}), "
            f"displacements: AU {metrics['au_length']:.4f}, pose {metrics['pose_length']:.4f}, "
            f"ratio {metrics['displacement_ratio']:.2f}"
        )

    def remark(self, metrics: Mapping[str, float]) -> str:
        """Says when the branches have changed roles."""
        if metrics["displacement_ratio"] >= 1:
            return ""
        return (
            f"the AU displacement is longer than the pose displacement ({metrics['au_length']:.3f} against "
            f"{metrics['pose_length']:.3f}): the branches have changed roles"
        )

    def sheet(self, views: Views, title: str) -> RGB:
        """The paper's Fig. 4, with the displacements beside it."""
        source, target = views.faces
        return sample_sheet(swaps_of(source, target, self.change(source, *self.embed(source, target))), title)

    def change(self, source: Tensor, s: Embeddings, t: Embeddings) -> Changed:
        """Move a source face with embeddings ``s`` towards a target's ``t``: its pose, its facial actions, and both."""
        pose = self.pose_decoder(s.pose, t.pose)
        au = self.au_decoder(s.au, t.au)
        au_mask = mask_of(au, pose)
        displacement = au_mask * au.displacement + (1 - au_mask) * pose.displacement
        return Changed(
            pose_image=warp(source, pose.displacement),
            au_image=warp(source, au.displacement),
            output=warp(source, displacement),
            pose_displacement=pose.displacement,
            au_displacement=au.displacement,
            displacement=displacement,
            au_mask=au_mask,
        )

    def embed(self, *faces: Tensor) -> list[Embeddings]:
        """Embed several batches of equal size, one after the other or in one pass, as the recipe says."""
        if self.recipe.passes == "separate":
            return [self.encoder(some) for some in faces]
        both = self.encoder(torch.cat(faces))
        chunks = [whole.chunk(len(faces)) for whole in both]
        return [Embeddings(pose, au) for pose, au in zip(*chunks, strict=True)]


def mask_of(one: Movement, other: Movement) -> Tensor:
    """The first movement's weight at each pixel (N, 1, H, W); the two weights are a softmax and sum to one.

    Both logits lie in (-1, 1), so a weight lies in about (0.119, 0.881).
    """
    return torch.sigmoid(one.logit - other.logit)


def swaps_of(source: Tensor, target: Tensor, changed: Changed) -> list[Swap]:
    """One batch as what a sheet draws, row by row.

    Args:
        source: (N, 3, H, W) in 0-1.
        target: The same.
        changed: What the model made of them.
    """
    parts = {
        "source": source,
        "target": target,
        "au_image": changed.au_image,
        "pose_image": changed.pose_image,
        "output": changed.output,
        "au_displacement": changed.au_displacement,
        "pose_displacement": changed.pose_displacement,
        "au_mask": changed.au_mask[:, 0],
    }
    arrays = {name: tensor.detach().float().cpu().numpy() for name, tensor in parts.items()}
    return [Swap(**{name: array[row] for name, array in arrays.items()}) for row in range(len(source))]
