import pytest
import torch
from torch import optim

from tcae.model.recipe import OptimiserConfig
from tcae.model.training.optimisers import lr_at, optimiser_of, set_lr


def parameters() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.zeros(2))]


def test_the_name_chooses_the_optimiser() -> None:
    sgd = optimiser_of(OptimiserConfig(momentum=0.5), parameters())
    assert isinstance(sgd, optim.SGD)
    assert sgd.param_groups[0]["momentum"] == 0.5
    adamw = optimiser_of(OptimiserConfig(name="adamw", weight_decay=0.1), parameters())
    assert isinstance(adamw, optim.AdamW)
    assert (adamw.param_groups[0]["betas"], adamw.param_groups[0]["weight_decay"]) == ((0.9, 0.999), 0.1)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.25), (3, 1.0), (4, 1.0), (8, 0.5), (12, 0.0), (99, 0.0)],
    ids=["first", "end of warm-up", "top", "half way", "last", "beyond"],
)
def test_the_rate_rises_and_falls_like_a_cosine(step: int, rate: float) -> None:
    config = OptimiserConfig(lr=1.0, warmup_steps=4, decay="cosine")
    assert lr_at(config, step, 12) == pytest.approx(rate, abs=1e-12)


def test_a_constant_rate_stays() -> None:
    assert {lr_at(OptimiserConfig(lr=0.3), step, 10) for step in range(30)} == {0.3}


def test_the_rate_reaches_every_group() -> None:
    optimiser = optim.SGD([{"params": parameters()}, {"params": parameters()}], lr=1.0)
    set_lr(optimiser, 0.125)
    assert [group["lr"] for group in optimiser.param_groups] == [0.125, 0.125]
