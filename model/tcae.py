"""The Twin-Cycle Autoencoder (Li et al., CVPR 2019): two faces of one person tell facial actions from head pose.

    source ──encoder──▶ pose, AU ─┐            ┌─▶ pose displacement ─▶ pose-changed face
                                  ├─ decoders ─┤         + masks ─────▶ reconstructed target
    target ──encoder──▶ pose, AU ─┘            └─▶ AU displacement ───▶ AU-changed face

The twin cycles: each changed face is embedded again and moved back, by the decoder that changed it, to the source.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from tcae.model.decoder import Decoder, Movement
from tcae.model.encoder import Embeddings, Encoder
from tcae.model.recipes import NetworkConfig
from tcae.model.warp import warp


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


class TCAE(nn.Module):
    """Encoder and two decoders; 14,717,094 parameters at the published widths."""

    def __init__(self, network: NetworkConfig, passes: Literal["separate", "shared"] = "separate") -> None:
        """Build the network.

        Args:
            network: Its widths.
            passes: Whether each kind of picture has batch statistics of its own; see ``Recipe.passes``.
        """
        super().__init__()
        self.passes = passes
        self.encoder = Encoder(network)
        self.pose_decoder = Decoder(network)
        self.au_decoder = Decoder(network, network.au_reach)

    def forward(self, source: Tensor, target: Tensor, embed_output: bool = True) -> TwinCycle:
        """Run both cycles.

        Args:
            source: (N, 3, size, size) in 0-1, the face that is moved.
            target: The same shape, another face of the same person.
            embed_output: Whether the reconstructed target is embedded again.
        """
        t, s = self.embed(target, source)  # in the released order, which the running statistics remember
        changed = self.change(source, s, t)

        made = [changed.pose_image, changed.au_image, changed.output]
        pose_image, au_image, *rest = self.embed(*made[: 2 + embed_output])

        pose_back = warp(changed.pose_image, self.pose_decoder(pose_image.pose, s.pose).displacement)
        au_back = warp(changed.au_image, self.au_decoder(au_image.au, s.au).displacement)
        return TwinCycle(s, t, changed, pose_image, au_image, rest[0] if rest else None, pose_back, au_back)

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
        """Embed several batches of equal size, one after the other or in one pass, as ``passes`` says."""
        if self.passes == "separate":
            return [self.encoder(some) for some in faces]
        both = self.encoder(torch.cat(faces))
        chunks = [whole.chunk(len(faces)) for whole in both]
        return [Embeddings(pose, au) for pose, au in zip(*chunks, strict=True)]


def mask_of(one: Movement, other: Movement) -> Tensor:
    """The first movement's weight at each pixel (N, 1, H, W); the two weights are a softmax and sum to one.

    Both logits lie in (-1, 1), so a weight lies in about (0.119, 0.881).
    """
    return torch.sigmoid(one.logit - other.logit)
