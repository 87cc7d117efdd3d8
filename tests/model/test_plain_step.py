"""Our step against the bench's plain one: the same weights after three steps."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tcae.model.data.batch import Batch
from tcae.model.data.views import view
from tcae.model.methods.tcae import TCAE
from tcae.model.recipe import Stage
from tcae.model.training.step import Step
from tests.method_builders import TINY, draws, network, views

plain: Any = pytest.importorskip("bench.plain", reason="needs bench/, which lies beside the tests in a checkout only")

STAGES: list[Stage] = [(0.0, 0.5), (0.1, 0.6), (0.4, 0.9)]
NUM, SIDE = 8, 16


def batches() -> list[tuple[Tensor, Tensor]]:
    """Three, as decoded."""
    faces = torch.randint(0, 256, (3, 2, NUM, SIDE, SIDE, 3), generator=draws(5)).to(torch.uint8)
    return [(source, target) for source, target in faces]


def crops() -> Tensor:
    """Another part of source and target; x, y, side in pixels of a 256-px face."""
    return torch.tensor([[16, 32, 200, 0], [24, 16, 210, 0]]).expand(NUM, 2, 4)


def stepped_plainly(dtype: torch.dtype) -> TCAE:
    model = network().to(dtype)
    step = plain.PlainStep(model, torch.device("cpu"))
    for (source, target), (low, high) in zip(batches(), STAGES, strict=True):
        seen = [view(some, crops()[:, k], TINY.size).to(dtype) for k, some in enumerate((source, target))]
        step(*seen, low, high)
    return model


def stepped(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> TCAE:
    model = network().to(dtype)
    step = Step(model, torch.device("cpu"))
    seen = step.views
    monkeypatch.setattr(step, "views", lambda batch: views(*(face.to(dtype) for face in seen(batch).faces)))
    for (source, target), stage in zip(batches(), STAGES, strict=True):
        step(Batch(torch.stack([source, target]), crops(), torch.zeros(NUM, 0), []), stage)
    return model


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_after_three_steps_the_weights_are_the_plain_steps(
    dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs, start = stepped(dtype, monkeypatch), stepped_plainly(dtype), network().to(dtype)
    for name, weight in ours.named_parameters():
        other = theirs.get_parameter(name)
        torch.testing.assert_close(weight, other, rtol=tolerance, atol=tolerance, msg=name)
    ways = [(weight - start.get_parameter(name)).abs().max().item() for name, weight in ours.named_parameters()]
    assert max(ways) > 100 * tolerance  # so the weights did not just stay where they were
