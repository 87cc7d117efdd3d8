"""The published network's training step, figure by figure (golden/README.md beside the project).

``TCAE_GOLDEN=FILE`` reads another case than ``../shared/golden/tcae_released.json``. Weights and pictures are given by
formulas, in float64; one forward and two backward passes serve all tests.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tcae.model.curriculum import selected_loss, share_of
from tcae.model.losses import total_of
from tcae.model.methods.tcae import TCAE, TwinCycle
from tcae.model.networks.warp import lengths
from tcae.model.recipe import Recipe
from tcae.model.recipes.tcae import PAPER, RELEASED
from tests.method_builders import views

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "golden" / "tcae_released.json"
REL = 1e-6


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What one step on the golden pictures made."""

    case: Mapping[str, Any]
    cycle: TwinCycle
    terms: Mapping[str, Tensor]
    totals: Mapping[str, float]
    """By recipe: the loss of the lowest half."""
    norms: Mapping[str, Mapping[str, float]]
    """By recipe and part: L2 norm of the gradient."""


def layers_of(model: TCAE) -> Iterator[tuple[str, nn.Conv2d | nn.BatchNorm2d]]:
    """Convolutions and batch norms with the names of the golden list, which counts a branch's on from its trunk's."""
    depth = sum(isinstance(module, nn.Conv2d) for module in model.encoder.trunk)
    parts: list[tuple[str, nn.Module, int]] = [
        ("encoder.trunk", model.encoder.trunk, 0),
        ("encoder.pose", model.encoder.pose, depth),
        ("encoder.au", model.encoder.au, depth),
        ("decoder.pose", model.pose_decoder, 0),
        ("decoder.au", model.au_decoder, 0),
    ]
    for name, part, number in parts:
        for module in part.modules():
            if isinstance(module, nn.Conv2d):
                number += 1
                yield f"{name}.conv{number}", module
            elif isinstance(module, nn.BatchNorm2d):
                yield f"{name}.bn{number}", module


def fill(model: TCAE, seed: int) -> None:
    """Every weight by its formula."""
    with torch.no_grad():
        for k, (_, layer) in enumerate(layers_of(model)):
            phase = k + 100 * seed
            i = torch.arange(layer.weight.numel(), dtype=torch.float64)
            j = torch.arange(layer.weight.shape[0], dtype=torch.float64)
            if isinstance(layer, nn.Conv2d):
                wave = (
                    math.sqrt(2 / layer.weight[0].numel()) * math.sqrt(2) * (0.7 * i + 0.013 * i.sqrt() + phase).sin()
                )
                bias = 0.01 * (j + phase).cos()
            else:
                wave, bias = 1 + 0.1 * (i + phase).sin(), 0.1 * (0.3 * j + phase).cos()
            layer.weight.copy_(wave.view_as(layer.weight))
            assert layer.bias is not None
            layer.bias.copy_(bias)


def golden_pictures(which: int, batch: int, seed: int) -> Tensor:
    """Sources (0) or targets (1): (batch, 3, 256, 256) in 0-1."""
    t, p = 2 * math.pi / 256, 0.31 * which + 0.17 * seed
    sides = [torch.arange(side, dtype=torch.float64) for side in (batch, 3, 256, 256)]
    n, c, y, x = torch.meshgrid(*sides, indexing="ij")
    one = torch.sin(t * ((n + 1) * x + (c + 2) * y) + p + n)
    other = torch.cos(t * ((c + 1) * x - (n + 2) * y) - 2 * p + c)
    return 0.5 + 0.25 * one + 0.25 * other


def norms_of(model: TCAE) -> dict[str, float]:
    """L2 norm of each part's gradient."""
    parts = {"encoder": model.encoder, "pose_decoder": model.pose_decoder, "au_decoder": model.au_decoder}
    gradients = {
        name: torch.cat([weight.grad.flatten() for weight in part.parameters() if weight.grad is not None])
        for name, part in parts.items()
    }
    return {name: gradient.norm().item() for name, gradient in gradients.items()}


def learn_nothing(model: TCAE, recipe: Recipe, terms: Mapping[str, Tensor]) -> tuple[float, dict[str, float]]:
    """Loss and gradients of the first stage; the weights stay."""
    model.zero_grad()
    share = partial(share_of, stage=(0.0, 0.5))
    loss = selected_loss(terms, recipe.weights, recipe.curriculum.select, share)
    loss.backward(retain_graph=True)  # type: ignore[no-untyped-call]
    return loss.item(), norms_of(model)


@pytest.fixture(scope="module")
def golden() -> Mapping[str, Any]:
    named = os.environ.get("TCAE_GOLDEN")
    path = Path(named) if named else BESIDE
    if not named and not path.is_file():
        pytest.skip(f"needs the golden figures in {path}")
    figures: Mapping[str, Any] = json.loads(path.read_text())
    return figures


@pytest.fixture(scope="module")
def passed(golden: Mapping[str, Any]) -> Passed:
    case = golden["case"]
    model = TCAE(RELEASED).double().train()
    fill(model, case["seed"])
    source, target = (golden_pictures(which, case["batch"], case["seed"]) for which in (0, 1))
    seen = views(source, target)
    cycle = model(seen)
    terms = model.terms(cycle, seen)
    made = {recipe.name: learn_nothing(model, recipe, terms) for recipe in (RELEASED, PAPER)}
    return Passed(
        case=case,
        cycle=cycle,
        terms={name: term.detach() for name, term in terms.items()},
        totals={name: loss for name, (loss, _) in made.items()},
        norms={name: norms for name, (_, norms) in made.items()},
    )


def test_the_layers_are_the_published_ones_in_their_order(golden: Mapping[str, Any]) -> None:
    layers = [[name, list(layer.weight.shape)] for name, layer in layers_of(TCAE(RELEASED))]
    assert layers == golden["layers"]


def test_batch_norm_adds_1e_5_and_there_are_14717094_parameters(golden: Mapping[str, Any]) -> None:
    model = TCAE(RELEASED)
    assert {module.eps for module in model.modules() if isinstance(module, nn.BatchNorm2d)} == {1e-5}
    assert sum(weight.numel() for weight in model.parameters()) == 14_717_094
    numbers = [math.prod(shape) + shape[0] for _, shape in golden["layers"]]  # each has a bias for each channel
    assert sum(numbers) == 14_717_094


def test_the_ten_terms_of_every_pair(passed: Passed) -> None:
    expected = passed.case["terms_per_sample"]
    assert sorted(passed.terms) == sorted(expected)
    for name, term in passed.terms.items():
        assert term.tolist() == pytest.approx(expected[name], rel=REL), name


def test_the_first_sources_embeddings(passed: Passed) -> None:
    expected = passed.case["embeddings_first4"]
    assert passed.cycle.source.pose[0, :4].tolist() == pytest.approx(expected["source_pose"], rel=REL)
    assert passed.cycle.source.au[0, :4].tolist() == pytest.approx(expected["source_au"], rel=REL)


def test_the_spread_of_the_sources_embeddings(passed: Passed) -> None:
    """Unbiased, over all components of all embeddings of the batch at once (not per component, then averaged)."""
    expected = passed.case["embedding_std"]
    assert passed.cycle.source.pose.std().item() == pytest.approx(expected["pose"], rel=REL)
    assert passed.cycle.source.au.std().item() == pytest.approx(expected["au"], rel=REL)


def test_the_mean_lengths_of_the_displacements(passed: Passed) -> None:
    expected, changed = passed.case["mean_displacement_length"], passed.cycle.changed
    assert lengths(changed.pose_displacement).mean().item() == pytest.approx(expected["pose"], rel=REL)
    assert lengths(changed.au_displacement).mean().item() == pytest.approx(expected["au"], rel=REL)


def test_the_range_of_the_au_mask(passed: Passed) -> None:
    mask = passed.cycle.changed.au_mask
    assert [mask.min().item(), mask.max().item()] == pytest.approx(passed.case["alpha_au_min_max"], rel=REL)


def test_the_papers_loss_of_every_pair(passed: Passed) -> None:
    totals = total_of(passed.terms, PAPER.weights).tolist()
    assert totals == pytest.approx(passed.case["paper_loss_per_sample"], rel=REL)


@pytest.mark.parametrize("recipe", ["released", "paper"])
def test_the_loss_of_the_easier_half(passed: Passed, recipe: str) -> None:
    assert passed.totals[recipe] == pytest.approx(passed.case[f"{recipe}_total_0_50"], rel=REL)


@pytest.mark.parametrize("recipe", ["released", "paper"])
@pytest.mark.parametrize("part", ["encoder", "pose_decoder", "au_decoder"])
def test_the_gradient_of_every_part(passed: Passed, recipe: str, part: str) -> None:
    expected = passed.case[f"gradient_norms_{recipe}_0_50"][part]
    assert passed.norms[recipe][part] == pytest.approx(expected, rel=REL)
