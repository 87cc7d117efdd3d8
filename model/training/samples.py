"""The sample sheet of a model: what it makes of a few fixed pairs."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tcae.model.data.batches import Batch
from tcae.model.display.pictures import RGB
from tcae.model.display.sheets import Swap, sample_sheet
from tcae.model.methods.tcae import Changed
from tcae.model.training.step import Step
from tcae.model.training.validation import evaluating


def picked(batches: Sequence[Batch], num: int) -> Batch:
    """So many pairs, evenly picked from all batches; all of them where there are fewer."""
    source, target, crops = (torch.cat(parts) for parts in zip(*(batch[:3] for batch in batches), strict=True))
    rows = torch.arange(min(num, len(source))) * len(source) // min(num, len(source))
    return Batch(source[rows], target[rows], crops[rows], [])


def sheet(step: Step, batch: Batch, title: str) -> RGB:
    """Draw what the model makes of every pair of a batch: (H, W, 3) uint8."""
    source, target = step.views(*batch[:3])
    with evaluating(step), torch.autocast(step.device.type, torch.bfloat16, enabled=step.recipe.precision == "bf16"):
        changed = step.model.change(source, *step.model.embed(source, target))
    return sample_sheet(swaps_of(source, target, changed), title)


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
    arrays = {name: _array(tensor) for name, tensor in parts.items()}
    return [Swap(**{name: array[row] for name, array in arrays.items()}) for row in range(len(source))]


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().cpu().numpy()
