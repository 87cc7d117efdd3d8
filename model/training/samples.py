"""The sample sheet of a method: what it makes of a few fixed samples."""

from collections.abc import Sequence

import torch

from tcae.model.data.batch import Batch
from tcae.model.display.pictures import RGB
from tcae.model.training.step import Step
from tcae.model.training.validation import evaluating


def picked(batches: Sequence[Batch], num: int) -> Batch:
    """So many samples, evenly picked from all batches; all of them where there are fewer."""
    faces = torch.cat([batch.faces for batch in batches], dim=1)
    crops, labels = (
        torch.cat(parts) for parts in zip(*((batch.crops, batch.labels) for batch in batches), strict=True)
    )
    rows = torch.arange(min(num, len(crops))) * len(crops) // min(num, len(crops))
    return Batch(faces[:, rows], crops[rows], labels[rows], [])


def sheet(step: Step, batch: Batch, title: str) -> RGB:
    """Draw what the method makes of every sample of a batch: (H, W, 3) uint8."""
    with evaluating(step), torch.autocast(step.device.type, torch.bfloat16, enabled=step.recipe.precision == "bf16"):
        return step.method.sheet(step.views(batch), title)
