"""The ten loss terms, each per sample; which count, and for how much, is the recipe's ``LossWeights``.

Every term is a mean over all elements of its sample: the paper's sums, divided by W H 3, W H 2 and the width of an
embedding (Li et al., CVPR 2019, section 3). ``output_pose`` and ``output_au`` are in the released code only.
"""

from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import Tensor

from tcae.model.recipes import LossWeights
from tcae.model.tcae import TwinCycle
from tcae.model.warp import reached


def terms_of(cycle: TwinCycle, source: Tensor, target: Tensor) -> dict[str, Tensor]:
    """The terms of a batch of pairs, (N,) each.

    Args:
        cycle: What the network made of the pairs.
        source: (N, 3, H, W).
        target: (N, 3, H, W).

    Returns:
        By name, as in ``LossWeights``; ``output_*`` only if the output was embedded.
    """
    s, t = cycle.source, cycle.target
    terms = {
        "reconstruction": _l1(cycle.changed.output, target),
        "au_cycle": _l1(cycle.au_back, source),
        "pose_cycle": _l1(cycle.pose_back, source),
        "pose_image_pose": _l2(cycle.pose_image.pose, t.pose),
        "pose_image_au": _l2(cycle.pose_image.au, s.au),
        "au_image_pose": _l2(cycle.au_image.pose, s.pose),
        "au_image_au": _l2(cycle.au_image.au, t.au),
        "au_displacement_l1": reached(cycle.changed.au_displacement).abs().flatten(1).mean(1),
    }
    if cycle.output is not None:
        terms |= {"output_pose": _l2(cycle.output.pose, t.pose), "output_au": _l2(cycle.output.au, t.au)}
    return terms


def needs_output(weights: LossWeights) -> bool:
    """Whether a term wants the reconstructed target embedded again."""
    return weights.output_pose > 0 or weights.output_au > 0


def weighted(terms: Mapping[str, Tensor], weights: LossWeights) -> dict[str, Tensor]:
    """Each term that counts, times its weight."""
    return {name: weight * terms[name] for name, weight in asdict(weights).items() if weight > 0}


def total_of(terms: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of the terms, (N,)."""
    return torch.stack(list(weighted(terms, weights).values())).sum(0)


def _l1(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs().flatten(1).mean(1)


def _l2(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).square().flatten(1).mean(1)
