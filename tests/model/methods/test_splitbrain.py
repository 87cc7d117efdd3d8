"""The split brain: its loss by hand, that no half sees what it predicts, and that it learns."""

from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tcae.model.losses import total_of
from tcae.model.method import Views
from tcae.model.methods.splitbrain import Crossed, SplitBrain
from tcae.model.networks.colour import lab_of, rgb_of
from tcae.model.recipes.splitbrain import PAPER, SplitBrainNetwork, SplitBrainRecipe
from tests.method_builders import draws
from tests.recipe_builders import TINY

Floats: TypeAlias = NDArray[np.float64]


def tiny(**changes: object) -> SplitBrainRecipe:
    recipe = TINY["splitbrain"]
    assert isinstance(recipe, SplitBrainRecipe)
    return replace(recipe, network=replace(recipe.network, **changes))  # type: ignore[arg-type]  # any field


def seen(num: int = 3, side: int = 16, seed: int = 0) -> Views:
    faces = torch.rand(num, 3, side, side, generator=draws(seed))
    return Views((faces,), torch.zeros(num, 0))


def made(num_colours: int, num_lightnesses: int) -> Crossed:
    colour, lightness = (torch.randn(3, num, 4, 4, generator=draws(num)) for num in (num_colours, num_lightnesses))
    return Crossed(colour, lightness)


def shrunk(views: Views) -> Floats:
    """Lab of 4 x 4 cells, each the mean of its 4 x 4 pixels: (3, 3, 4, 4)."""
    cells: Floats = lab_of(views.faces[0]).double().numpy().reshape(3, 3, 4, 4, 4, 4).mean((3, 5))
    return cells


def test_with_bins_each_term_is_the_mean_over_cells_of_minus_the_log_of_the_right_bins_share() -> None:
    views, guess = seen(), made(529, 100)
    terms = SplitBrain(tiny()).terms(guess, views)
    colour, lightness = guess.colour.double().numpy(), guess.lightness.double().numpy()
    for row, lab in enumerate(shrunk(views)):
        sums = [0.0, 0.0]
        for y in range(4):
            for x in range(4):
                light, a, b = lab[:, y, x]
                wanted = 23 * int(np.rint(a / 10) + 11) + int(np.rint(b / 10) + 11)
                for number, (logits, right) in enumerate(((colour, wanted), (lightness, int(light)))):
                    shares = np.exp(logits[row, :, y, x])
                    sums[number] -= np.log(shares[right] / shares.sum()) / 16
        assert [terms["colour"][row].item(), terms["lightness"][row].item()] == pytest.approx(sums, rel=1e-5)


def test_with_values_each_term_is_half_the_squared_distance() -> None:
    views, guess = seen(), made(2, 1)
    terms = SplitBrain(tiny(predicts="values")).terms(guess, views)
    for row, (light, a, b) in enumerate(shrunk(views)):
        wanted = np.stack([a, b]) / 110
        colour = ((guess.colour[row].numpy() - wanted) ** 2).sum() / 2 / 16
        lightness = ((guess.lightness[row, 0].numpy() - (light / 50 - 1)) ** 2).sum() / 2 / 16
        assert [terms["colour"][row].item(), terms["lightness"][row].item()] == pytest.approx([colour, lightness])


def test_no_half_sees_what_it_predicts() -> None:
    """Grey of equal lightness changes nothing that L says, other lightness nothing that a and b say."""
    model = SplitBrain(tiny()).eval().double()
    noise = 5 * torch.randn(1, 3, 16, 16, generator=draws(1), dtype=torch.float64)
    lab = torch.tensor([60.0, 10.0, 15.0]).view(1, 3, 1, 1) + noise
    grey, dark = lab.clone(), lab.clone()
    grey[:, 1:], dark[:, 0] = 0, 40
    plain, uncoloured, darker = (model(Views((rgb_of(some),), torch.zeros(1, 0))) for some in (lab, grey, dark))
    torch.testing.assert_close(plain.colour, uncoloured.colour, atol=1e-6, rtol=0)
    torch.testing.assert_close(plain.lightness, darker.lightness, atol=1e-6, rtol=0)
    assert (plain.lightness - uncoloured.lightness).abs().max() > 1e-5
    assert (plain.colour - darker.colour).abs().max() > 1e-5


def test_it_learns_four_faces() -> None:
    torch.manual_seed(0)
    model, views = SplitBrain(tiny()), seen(4)
    smooth = torch.nn.functional.interpolate(views.faces[0][:, :, :2, :2], size=16, mode="bilinear")
    views = Views((smooth,), views.labels)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.03)
    losses = []
    for _ in range(50):
        loss = total_of(model.terms(model(views), views), model.recipe.weights).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def test_what_was_predicted_surely_is_guessed() -> None:
    model, views = SplitBrain(tiny()), seen()
    sure = Crossed(torch.full((3, 529, 4, 4), -99.0), torch.full((3, 100, 4, 4), -99.0))
    sure.colour[:, 23 * 12 + 9], sure.lightness[:, 70] = 99.0, 99.0
    guess = model.guess(sure, 16)
    assert guess.shape == views.faces[0].shape
    torch.testing.assert_close(guess[0, :, 5, 5], torch.tensor([70.5, 10.0, -20.0]))


def test_the_papers_network_has_as_many_parameters_as_its_layers_say() -> None:
    def block(narrow: int, wide: int, kernel: int) -> int:
        return narrow * wide * kernel**2 + 3 * wide  # weights, a bias, batch norm's two

    def half(num_seen: int, num_told: int) -> int:
        kept = block(num_seen, 48, 11) + block(48, 128, 5) + block(128, 192, 3)
        rest = block(192, 192, 3) + block(192, 128, 3) + block(128, 2048, 3) + block(2048, 2048, 1)
        return kept + rest + 2048 * num_told + num_told

    with torch.device("meta"):
        model = SplitBrain(PAPER)
    assert sum(weight.numel() for weight in model.parameters()) == half(1, 529) + half(2, 100) == 16_297_637


@pytest.mark.parametrize("size", [8, 16, 20])
def test_the_cells_are_as_many_as_the_network_says(size: int) -> None:
    model = SplitBrain(tiny(size=size, grid=1))
    network = model.recipe.network
    assert isinstance(network, SplitBrainNetwork)
    assert model(seen(side=size)).colour.shape == (3, 529, network.side, network.side)


def test_its_sheet_has_a_row_for_each_face() -> None:
    model = SplitBrain(tiny()).eval()
    with torch.inference_mode():
        one, three = (model.sheet(seen(num), "split brain") for num in (1, 3))
    assert one.shape[1] == three.shape[1]
    assert three.shape[0] > one.shape[0]
