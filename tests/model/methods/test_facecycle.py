"""FaceCycle's two cycles, its terms, what is frozen when, and what a training may begin with."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.model.losses import total_of
from tcae.model.methods.facecycle import Cycle, FaceCycle, asymmetry, beyond, paired, swapped
from tcae.model.networks.codes import inverse_of, moved
from tcae.model.networks.imagenet import displayed, normalised
from tcae.model.networks.vgg import Seen
from tcae.model.recipes.facecycle import RELEASED, STAGE_TWO, FaceCycleNetwork, FaceCycleRecipe
from tests.method_builders import draws, views
from tests.model.networks.test_ssim import slow_ssim

NETWORK = FaceCycleNetwork(
    size=16, channels=(2, 3, 4), hidden=5, code=6, movement=(3, 3, 2), vgg=(2, 2, 3, 3), blocks=1, identity_blocks=1
)
ONE = replace(RELEASED, network=NETWORK)
TWO = replace(STAGE_TWO, network=replace(NETWORK, identity=True), start_from="one.pt")
NUM = 3


def made(recipe: FaceCycleRecipe, seed: int = 0, **changes: Any) -> FaceCycle:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FaceCycle(replace(recipe, **changes)).eval()


def smooth(num: int = NUM, size: int = 16, seed: int = 0) -> Tensor:
    return interpolate(torch.rand(num, 3, 5, 5, generator=draws(seed)), size=size, mode="bilinear", align_corners=True)


SEEN = views(smooth(seed=1), smooth(seed=2))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=draws(seed), dtype=torch.float64)


def made_up(stage: int) -> Cycle:
    """Noise of the right shapes, of 2 samples, that no network made."""
    names = ("reexpressed", "direct", "plain", "moved")[: 4 if stage == 1 else 2]
    maps = [Seen(noise(4, 2, 4, 4, seed=k), noise(4, 3, 2, 2, seed=k), noise(4, 3, 1, 1, seed=k)) for k in range(5)]
    faces = noise(4, 3, 12, 12, seed=10)
    again = {name: noise(4, 3, 12, 12, seed=11 + place) for place, name in enumerate(names)}
    made = Cycle(faces, maps[0], 2 * noise(4, 2, 16, 16) - 1, noise(4, 3, 12, 12, seed=20), again, tuple(maps[1:]))
    if stage == 1:
        return made._replace(straight=noise(4, 3, 12, 12, seed=21))
    return made._replace(before=noise(4, 3, 12, 12, seed=22), mean=noise(1, 3, 12, 12, seed=23))


def halves_apart(faces: NDArray[np.float64]) -> list[float]:
    """The mean absolute difference of pixels that lie opposite one another."""
    width = faces.shape[-1]
    return [
        float(np.mean([np.abs(face[:, :, x] - face[:, :, width - 1 - x]) for x in range(width // 2)])) for face in faces
    ]


def slow_style(one: Seen, other: Seen) -> NDArray[np.float64]:
    totals = np.zeros(4)
    for a, b in zip(one, other, strict=True):
        for n in range(4):
            x, y = (maps[n].numpy().reshape(maps.shape[1], -1) for maps in (a, b))
            totals[n] += np.mean((x @ x.T / x.shape[1] - y @ y.T / y.shape[1]) ** 2)
    return totals


def slow_terms(cycle: Cycle) -> dict[str, NDArray[np.float64]]:
    """models.md 3.3, for each of the four faces."""
    faces = cycle.faces.numpy()
    found: dict[str, Any] = {}
    for name, picture in cycle.again.items():
        found[f"pixel_{name}"] = [float(np.mean(np.abs(a - b))) for a, b in zip(picture.numpy(), faces, strict=True)]
        if name != "moved":
            found[f"ssim_{name}"] = [1 - value for value in slow_ssim(picture, cycle.faces)]
    found["perceptual"] = np.mean([slow_style(texture, cycle.seen) for texture in cycle.textures], axis=0)
    found["symmetry_neutral"] = halves_apart(cycle.neutral.numpy())
    if cycle.straight is not None:
        found["symmetry_straight"] = halves_apart(cycle.straight.numpy())
    if cycle.before is not None and cycle.mean is not None:
        before, mean = cycle.before.numpy(), cycle.mean.numpy()[0]
        pairs = zip(cycle.neutral.numpy(), before, strict=True)
        found["pixel_neutral"] = [float(np.mean(np.abs(a - b))) for a, b in pairs]
        found["margin"] = [float(np.mean(np.abs(mean - face))) - 0.1 for face in before]
    return {name: np.asarray(values) for name, values in found.items()}


@pytest.mark.parametrize(("stage", "recipe"), [(1, ONE), (2, TWO)], ids=["one", "two"])
def test_the_terms_are_the_released_codes_and_means_over_both_faces(stage: int, recipe: FaceCycleRecipe) -> None:
    cycle = made_up(stage)
    found = made(recipe).terms(cycle, views(noise(2, 3, 12, 12)))
    expected = slow_terms(cycle)
    assert set(found) == set(expected) == {name for name, weight in asdict(recipe.weights).items() if weight > 0}
    for name, term in found.items():
        of_each = expected[name]
        np.testing.assert_allclose(term.numpy(), [(of_each[n] + of_each[n + 2]) / 2 for n in (0, 1)], rtol=1e-9)


def test_terms_without_weight_are_left_out() -> None:
    weights = replace(ONE.weights, ssim_plain=0.0, symmetry_straight=0.0)
    found = made(ONE, weights=weights).terms(made_up(1), views(noise(2, 3, 12, 12)))
    assert not {"ssim_plain", "symmetry_straight", "ssim_moved", "margin"} & set(found)


def test_the_margin_counts_as_released_or_only_beyond_it() -> None:
    mean, faces = torch.zeros(1, 1, 1, 2), torch.tensor([[[[0.05, 0.3]]], [[[0.0, 0.0]]]])
    torch.testing.assert_close(beyond(mean, faces, 0.1, hinged=False), torch.tensor([0.075, -0.1]))
    torch.testing.assert_close(beyond(mean, faces, 0.1, hinged=True), torch.tensor([0.1, 0.0]))


def test_a_symmetric_face_has_no_asymmetry() -> None:
    faces = smooth()
    torch.testing.assert_close(asymmetry(faces + faces.flip(-1)), torch.zeros(NUM))
    assert (asymmetry(faces) > 0).all()


def test_each_face_is_made_again_of_the_neutral_face_of_its_samples_other_face() -> None:
    method = made(ONE)
    cycle = method(SEEN)
    faces, others = cycle.faces, torch.cat(SEEN.faces[::-1])
    torch.testing.assert_close(displayed(faces), torch.cat(SEEN.faces))
    displacement = method.decoder(method.encoder.motion(faces).code)
    of_others = method.decoder(method.encoder.motion(normalised(others)).code)
    neutral = method.generator(method.vgg(normalised(others)), of_others)
    back = inverse_of(displacement)
    torch.testing.assert_close(cycle.again["reexpressed"], method.generator(method.vgg(neutral), back))
    torch.testing.assert_close(cycle.again["moved"], moved(neutral, back))
    torch.testing.assert_close(cycle.again["direct"], moved(moved(normalised(others), of_others), back))
    torch.testing.assert_close(cycle.again["plain"], method.generator(method.vgg(faces)))


def test_where_nothing_moves_a_face_made_again_directly_is_the_other_face() -> None:
    method = made(ONE)
    for weight in list(method.decoder.parameters())[-2:]:
        torch.nn.init.zeros_(weight)
    cycle = method(SEEN)
    torch.testing.assert_close(cycle.straight, cycle.faces)
    torch.testing.assert_close(cycle.again["direct"], swapped(cycle.faces))
    torch.testing.assert_close(cycle.neutral, method.generator(cycle.seen, torch.zeros(2 * NUM, 2, 1, 1)))


def test_textures_are_those_of_the_published_pictures() -> None:
    """models.md 3.3: the neutral face and three of the four faces made again; in stage two, two."""
    method = made(ONE)
    cycle = method(SEEN)
    pictures = (cycle.neutral, *(cycle.again[name] for name in ("moved", "direct", "reexpressed")))
    for texture, picture in zip(cycle.textures, pictures, strict=True):
        torch.testing.assert_close(texture, method.vgg(picture))
    assert len(made(TWO)(SEEN).textures) == 2


def test_swapping_twice_is_no_swap_and_pairs_are_first_and_second_faces() -> None:
    values = torch.arange(6.0)
    assert swapped(values).tolist() == [3, 4, 5, 0, 1, 2]
    assert swapped(swapped(values)).tolist() == values.tolist()
    assert paired(values).tolist() == [1.5, 2.5, 3.5]


def test_the_generator_draws_with_noise_in_training_only() -> None:
    method = made(ONE)
    torch.testing.assert_close(method(SEEN).neutral, method(SEEN).neutral)
    method.train()
    assert not torch.allclose(method(SEEN).neutral, method(SEEN).neutral)
    frozen = made(TWO).train()
    torch.testing.assert_close(frozen(SEEN).before, frozen(SEEN).before)


def test_stage_two_learns_identities_and_nothing_that_stage_one_has_learned() -> None:
    method = made(TWO).train()
    total_of(method.terms(method(SEEN), SEEN), TWO.weights).mean().backward()  # type: ignore[no-untyped-call]
    learned = {name.split(".")[0] for name, weight in method.named_parameters() if weight.grad is not None}
    assert learned == {"encoder", "normaliser"}
    assert all(weight.grad is None for weight in method.encoder.motion.parameters())
    assert {name.split(".")[0] for name, weight in method.named_parameters() if not weight.requires_grad} == {
        *("encoder", "decoder", "vgg", "generator")
    }


def test_stage_two_takes_every_identity_off_and_puts_each_on_their_mean() -> None:
    method = made(TWO)
    for weight in method.encoder.identity.code.parameters():
        weight.data *= 100  # so that identities differ
    cycle = method(SEEN)
    codes = method.encoder.identity(cycle.faces).code
    before = made(ONE)
    before.load_state_dict({k: v for k, v in method.state_dict().items() if k in before.state_dict()})
    assert cycle.before is not None
    assert cycle.mean is not None
    torch.testing.assert_close(cycle.before, before(SEEN).neutral)
    off = [method.normaliser(method.vgg(cycle.before[n : n + 1]), codes[n : n + 1], on=False) for n in range(2 * NUM)]
    torch.testing.assert_close(cycle.mean, torch.cat(off).mean(0, keepdim=True))
    again = [method.normaliser(method.vgg(cycle.mean), codes[n : n + 1], on=True) for n in range(2 * NUM)]
    torch.testing.assert_close(cycle.neutral, torch.cat(again))
    assert not torch.allclose(again[0], again[1])


def test_stage_two_begins_with_stage_one_only() -> None:
    with pytest.raises(ConfigError, match=r"stage two begins with stage one's network: --set start_from=runs/"):
        made(TWO, start_from="")
    with pytest.raises(ConfigError, match="stage one has no term margin; its weight must be 0"):
        made(ONE, weights=replace(ONE.weights, margin=1.0))
    with pytest.raises(ConfigError, match="stage two has no term pixel_plain"):
        made(TWO, weights=ONE.weights)
    one, two = made(ONE, seed=1), made(TWO)
    before = {name: tensor.clone() for name, tensor in two.state_dict().items()}
    two.begin(one.state_dict(), Path("one.pt"))
    for name, tensor in two.state_dict().items():
        begun = one.state_dict().get(name, before[name])
        torch.testing.assert_close(tensor, begun)
    assert any(name.startswith("normaliser.") for name in before)
    again = made(TWO, seed=5)
    again.begin(two.state_dict(), Path("two.pt"))
    torch.testing.assert_close(dict(again.state_dict()), dict(two.state_dict()))
    wider = made(ONE, network=replace(NETWORK, code=7))
    with pytest.raises(CheckpointError, match=r"one\.pt holds other tensors .*code"):
        two.begin(wider.state_dict(), Path("one.pt"))


def test_a_file_of_vgg_weights_is_taken_and_the_substitute_is_gone() -> None:
    method = made(ONE)
    substitute = method.measures(method(SEEN), SEEN)["vgg_substitute"]
    assert substitute.tolist() == [1.0] * NUM
    tensors = {f"features.{name}": torch.ones_like(tensor) for name, tensor in method.vgg.features.state_dict().items()}
    method.begin(tensors | {"classifier.0.weight": torch.zeros(2, 2)}, Path("vgg19.pth"))
    assert method.measures(method(SEEN), SEEN)["vgg_substitute"].tolist() == [0.0] * NUM
    other = made(ONE, seed=3)
    other.begin(method.state_dict(), Path("one.pt"))  # a checkpoint brings it along
    torch.testing.assert_close(other.vgg.state_dict(), method.vgg.state_dict())


@pytest.mark.parametrize(("known", "said"), [(0.0, True), (1.0, False)])
def test_a_substitute_is_named_in_every_line_and_on_every_sheet(known: float, said: bool) -> None:
    method = made(ONE)
    plain = method.sheet(SEEN, "")
    method.vgg.known.fill_(known)
    metrics = {"total": 1.0, "vgg_substitute": 1 - known}
    assert ("VGG-19 replaced by random convolutions" in method.words(metrics)) is said
    assert (method.sheet(SEEN, "").shape == plain.shape) is said  # the note takes a line


def test_each_stage_draws_its_own_columns() -> None:
    """One: six pictures a row. Two: seven."""
    one, two = made(ONE).sheet(SEEN, "a title"), made(TWO).sheet(SEEN, "a title")
    assert one.shape[0] == two.shape[0]
    assert two.shape[1] / one.shape[1] == pytest.approx(7 / 6, abs=0.02)


def test_its_measure_is_the_mean_length_of_displacements() -> None:
    cycle = made_up(1)
    found = made(ONE).measures(cycle, views(noise(2, 3, 12, 12)))["displacement_length"]
    of_each = [np.mean(np.hypot(*each)) for each in cycle.displacement.numpy()]
    np.testing.assert_allclose(found.numpy(), [(of_each[0] + of_each[2]) / 2, (of_each[1] + of_each[3]) / 2])
