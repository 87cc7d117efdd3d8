"""How well a method does on samples that it was not trained on."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from tcae.model.data.batch import Batch
from tcae.model.losses import total_of
from tcae.model.training.step import Step


def validate(step: Step, batches: Iterable[Batch]) -> dict[str, float]:
    """Measure a method on batches of samples, with its running statistics and without jitter.

    Returns:
        The mean over samples of every term, of their weighted ``total`` (no sample is left out) and of the method's
        own measures; what the method says of these means; and ``num_samples``. NaN where there is no sample.
    """
    names: list[str] = []
    sums: list[Tensor] = []
    num = 0
    with evaluating(step):
        for batch in batches:
            if batch.num:
                values = _measure(step, batch)
                names = list(values)
                sums.append(torch.stack([value.sum() for value in values.values()]).double().cpu())
                num += batch.num
    if not num:
        return {"total": float("nan")}
    means = dict(zip(names, (torch.stack(sums).sum(0) / num).tolist(), strict=True))
    return means | step.method.summary(means) | {"num_samples": num}


def _measure(step: Step, batch: Batch) -> dict[str, Tensor]:
    """The values of a batch, (N,) each."""
    views = step.views(batch)
    made = step.made(views)
    terms = step.method.terms(made, views)
    return terms | {"total": total_of(terms, step.recipe.weights)} | step.method.measures(made, views)


@contextmanager
def evaluating(step: Step) -> Iterator[None]:
    """Without gradients, with running statistics, until the block ends."""
    step.method.eval()
    with torch.inference_mode():
        yield
    step.method.train()
