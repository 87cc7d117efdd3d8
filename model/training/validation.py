"""How well a model does on pairs that it was not trained on."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from tcae.model.data.batches import Batch
from tcae.model.losses import needs_output, terms_of, total_of
from tcae.model.training.step import Step
from tcae.model.networks.warp import lengths


def validate(step: Step, batches: Iterable[Batch]) -> dict[str, float]:
    """Measure a model on batches of pairs, with its running statistics and without jitter.

    Returns:
        The mean over pairs of every term and of their weighted ``total`` (no sample is left out); ``copy_l1``, what the
        reconstruction would be if the source were left as it is; ``au_length`` and ``pose_length``, the mean lengths of
        the displacements in half-image units; and ``displacement_ratio``, pose over AU: under 1 the branches have
        changed roles. NaN where there is no pair.
    """
    names: list[str] = []
    sums: list[Tensor] = []
    num_pairs = 0
    with evaluating(step):
        for batch in batches:
            values = _measure(step, batch)
            names = list(values)
            sums.append(torch.stack([value.sum() for value in values.values()]).double().cpu())
            num_pairs += len(batch.source)
    if not num_pairs:
        return {"total": float("nan")}
    means = dict(zip(names, (torch.stack(sums).sum(0) / num_pairs).tolist(), strict=True))
    return means | {"displacement_ratio": means["pose_length"] / max(means["au_length"], 1e-12), "num_pairs": num_pairs}


def _measure(step: Step, batch: Batch) -> dict[str, Tensor]:
    """The values of a batch, (N,) each."""
    weights = step.recipe.weights
    source, target = step.views(*batch[:3])
    with torch.autocast(step.device.type, torch.bfloat16, enabled=step.recipe.precision == "bf16"):
        cycle = step.model(source, target, embed_output=needs_output(weights))
    terms = terms_of(cycle, source, target)
    return terms | {
        "total": total_of(terms, weights),
        "copy_l1": (source - target).abs().flatten(1).mean(1),
        "au_length": lengths(cycle.changed.au_displacement).flatten(1).mean(1),
        "pose_length": lengths(cycle.changed.pose_displacement).flatten(1).mean(1),
    }


@contextmanager
def evaluating(step: Step) -> Iterator[None]:
    """Without gradients, with running statistics, until the block ends."""
    step.model.eval()
    with torch.inference_mode():
        yield
    step.model.train()
