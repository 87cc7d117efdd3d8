"""Pre-training on noisy labels: its loss, what it leaves out, what it counts, and that it learns."""

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tcae.model.losses import presence
from tcae.model.method import Views
from tcae.model.methods.noisy import Noisy
from tcae.model.networks.encoder import Encoder
from tcae.model.recipe import LabelsConfig
from tcae.model.recipes.noisy import ENCODER, RELEASED, SMALL, NoisyNetwork, NoisyRecipe
from tcae.model.recipes.tcae import TCAENetwork
from tests.method_builders import draws

Backbone = Literal["vgg13", "encoder"]
AUS = ("AU01", "AU04", "AU12")
NAN = math.nan
LABELS = torch.tensor([[1, 0, NAN], [0, NAN, 1], [NAN, NAN, NAN], [1, 1, 0]])


def recipe_of(backbone: Backbone = "vgg13", size: int = 8, drop: float = 0.5) -> NoisyRecipe:
    network = NoisyNetwork(
        size=size,
        backbone=backbone,
        channels={8: (4, 8, 8), 16: (8, 16, 16, 16)}[size],
        layers={8: (1, 2, 1), 16: (1, 1, 1, 1)}[size],
        hidden=16,
        drop_block=drop,
        drop_hidden=drop,
    )
    return replace(SMALL, network=network, labels=LabelsConfig(table="synthetic", aus=AUS))


def model_of(recipe: NoisyRecipe, seed: int = 0) -> Noisy:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Noisy(recipe)


def views_of(size: int = 8, num: int = 4) -> Views:
    faces = interpolate(torch.rand(num, 3, 4, 4, generator=draws(1)), size=size, mode="bilinear")
    return Views((faces,), LABELS[:num])


def slow_loss(logits: Tensor, labels: Tensor) -> list[float]:
    """Minus the log of the probability of what is known."""
    losses = []
    for row, wanted in zip(logits.tolist(), labels.tolist(), strict=True):
        loss = 0.0
        for logit, label in zip(row, wanted, strict=True):
            probability = 1 / (1 + math.exp(-logit))
            if label == 1:
                loss -= math.log(probability)
            elif label == 0:
                loss -= math.log(1 - probability)
        losses.append(loss)
    return losses


def test_the_loss_is_minus_the_log_of_the_probability_of_what_is_known() -> None:
    logits = 3 * torch.randn(4, 3, generator=draws(2), dtype=torch.float64)
    assert presence(logits, LABELS).tolist() == pytest.approx(slow_loss(logits, LABELS))


def test_a_missing_label_teaches_nothing() -> None:
    logits = torch.randn(4, 3, generator=draws(2), dtype=torch.float64, requires_grad=True)
    presence(logits, LABELS).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.equal(logits.grad == 0, LABELS.isnan())
    assert presence(logits, LABELS)[2].item() == 0


def test_the_losses_gradient_is_that_of_its_differences() -> None:
    logits = torch.randn(4, 3, generator=draws(3), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda some: presence(some, LABELS), logits)


def test_logits_as_large_as_they_get_lose_no_digit() -> None:
    logits = torch.tensor([[200.0, -200.0]])
    assert presence(logits, torch.tensor([[0.0, 0.0]])).item() == pytest.approx(200)
    assert presence(logits, torch.tensor([[1.0, 0.0]])).item() == 0


def test_the_published_network_has_8767954_parameters() -> None:
    """Counted by hand: each convolution 9 in out + out, each layer in out + out."""
    convolutions = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256), *[(256, 256)] * 5]
    layers = [(4 * 4 * 256, 1024), (1024, 1024), (1024, 18)]
    counted = sum(9 * one * two + two for one, two in convolutions) + sum(one * two + two for one, two in layers)
    assert sum(weight.numel() for weight in Noisy(RELEASED).parameters()) == counted == 8_767_954


def test_the_published_network_begins_by_glorots_rule() -> None:
    model = Noisy(RELEASED)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            area = layer.weight[0, 0].numel()
            limit = math.sqrt(6 / (area * (layer.weight.shape[0] + layer.weight.shape[1])))
            assert 0.9 * limit < layer.weight.abs().max().item() <= 1.0001 * limit
            assert not layer.bias.any()  # type: ignore[union-attr]


@pytest.mark.parametrize("backbone", ["vgg13", "encoder"])
def test_the_encoder_alone_begins_as_the_run_does(backbone: Backbone) -> None:
    """So that the untrained encoder, which a probe sets beside a trained one, is the run's own start."""
    recipe = recipe_of(backbone)
    trained = model_of(recipe).encoder.state_dict()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        alone = Noisy.encoder_of(recipe.network).state_dict()
    assert all(torch.equal(alone[name], weight) for name, weight in trained.items())


def test_this_projects_encoder_is_that_of_tcae_without_its_second_branch() -> None:
    theirs, ours = Encoder(TCAENetwork()), Noisy.encoder_of(ENCODER.network)
    shapes = [weight.shape for part in (theirs.trunk, theirs.au) for weight in part.parameters()]
    assert [weight.shape for weight in ours.parameters()] == shapes


def test_a_face_is_seen_in_grey_as_opencv_makes_it() -> None:
    cv2 = pytest.importorskip("cv2")
    model = model_of(recipe_of(drop=0)).eval()
    face = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    grey = torch.from_numpy(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY))
    seen: list[Tensor] = []
    model.encoder.blocks.register_forward_pre_hook(lambda _, args: seen.append(args[0]))  # type: ignore[union-attr]
    model.encoder.embed(torch.from_numpy(face).permute(2, 0, 1)[None])
    torch.testing.assert_close(seen[0][0, 0], (255 * grey - 127.5) / 127.5, atol=1e-5, rtol=0)


@pytest.mark.parametrize("backbone", ["vgg13", "encoder"])
def test_labels_do_not_change_what_is_called(backbone: Backbone) -> None:
    model, views = model_of(recipe_of(backbone)).eval(), views_of()
    assert torch.equal(model(views), model(views._replace(labels=1 - views.labels)))


def test_dropout_is_drawn_anew_in_training_and_never_afterwards() -> None:
    model, views = model_of(recipe_of()), views_of()
    assert not torch.equal(model(views), model(views))
    torch.manual_seed(3)
    once = model(views)
    torch.manual_seed(3)
    assert torch.equal(model(views), once)  # what a checkpoint holds of the generator is enough to go on
    model.eval()
    assert torch.equal(model(views), model(views))


def test_f1_is_that_of_all_decisions_together() -> None:
    model, logits = model_of(recipe_of()), torch.tensor([[1.0, 1, 1], [1, -1, -1], [1, 1, 1], [2, -2, -2]])
    measures = model.measures(logits, Views((), LABELS))
    assert {name: values.tolist() for name, values in measures.items()} == {
        "hits": [1, 0, 0, 1],
        "alarms": [1, 1, 0, 0],
        "misses": [0, 1, 0, 1],
    }
    means = {name: values.mean().item() for name, values in measures.items()}
    assert model.summary(means) == {"f1": pytest.approx(2 * 2 / (2 * 2 + 2 + 2))}
    assert model.words({"total": 1.5, "presence": 1.5, "f1": 0.5}) == "val total 1.5000 (presence 1.5000), F1 0.500"
    assert model.summary({"hits": 0, "alarms": 0, "misses": 0}) == {"f1": 0}


def test_a_sheet_has_a_row_for_every_face_whatever_is_missing() -> None:
    model = model_of(recipe_of(size=16)).eval()
    with torch.inference_mode():
        one, four = (model.sheet(views_of(16, num), "noisy") for num in (1, 4))
    assert one.shape[1:] == four.shape[1:]
    assert four.shape[0] > 3 * one.shape[0] // 2


@pytest.mark.parametrize("backbone", ["vgg13", "encoder"])
def test_four_faces_are_learned_by_heart_in_sixty_steps(backbone: Backbone) -> None:
    model, views = model_of(recipe_of(backbone, size=16, drop=0.0)), views_of(16)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = model.terms(model(views), views)["presence"].mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert losses[-1] < 0.1 * losses[0]
