"""FaceCycle's pictures: what is moved, what is filled, and whose identity is asked for."""

import torch
from torch import Tensor

from tcae.model.networks.codes import moved
from tcae.model.networks.generator import Generator, Normaliser
from tcae.model.networks.vgg import Seen
from tests.method_builders import draws
from tests.model.networks.test_codes import TINY


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=draws(seed))


def seen(num: int = 2, seed: int = 1) -> Seen:
    """Of faces of 16 px by the tiny network's VGG."""
    return Seen(noise(num, 2, 8, 8, seed=seed), noise(num, 3, 4, 4, seed=seed), noise(num, 3, 2, 2, seed=seed))


def generator() -> Generator:
    torch.manual_seed(0)
    return Generator(TINY).eval()


def test_a_face_that_is_moved_is_drawn_of_moved_maps_and_of_what_fills_them() -> None:
    network, maps, displacement = generator(), seen(), 0.3 * noise(2, 2, 16, 16)
    whole = [map_.mean((2, 3), keepdim=True).expand_as(map_) for map_ in maps[:2]]
    third = moved(maps.third, displacement) + network.fill_third(whole[1])
    second = moved(maps.second, displacement) + network.fill_second(whole[0])
    torch.testing.assert_close(network(maps, displacement), network(Seen(second, third, maps.fourth)))


def test_pictures_have_the_faces_size_and_no_bounds() -> None:
    made = generator()(seen(3))
    assert made.shape == (3, 3, 16, 16)
    for weight in (network := generator()).last.parameters():
        weight.data *= 100
    assert network(seen()).abs().max() > 1


def test_noise_fills_in_training_and_only_where_something_moves() -> None:
    network, still = generator().train(), torch.zeros(2, 2, 16, 16)
    torch.testing.assert_close(network(seen()), network(seen()))
    assert not torch.allclose(network(seen(), still), network(seen(), still))


def test_an_identity_asks_for_the_spread_and_mean_of_each_channel() -> None:
    torch.manual_seed(0)
    network, maps, codes = Normaliser(TINY).eval(), seen(), noise(2, 6)
    network.draw = torch.nn.Identity()  # type: ignore[assignment]
    for on, layer in ((False, network.off), (True, network.on)):
        made = network(maps, codes, on=on)
        asked = layer(codes[:, :, None, None])[:, :, 0, 0]
        torch.testing.assert_close(made.mean((2, 3)), asked[:, 3:])
        torch.testing.assert_close(made.std((2, 3), correction=0), asked[:, :3].abs(), rtol=1e-3, atol=1e-4)


def test_faces_that_differ_in_light_and_contrast_only_are_one_to_the_normaliser() -> None:
    torch.manual_seed(0)
    network, maps, codes = Normaliser(TINY).eval(), seen(), noise(2, 6)
    brighter = maps._replace(third=3 * maps.third + 2)
    torch.testing.assert_close(network(brighter, codes, on=True), network(maps, codes, on=True), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(network(maps, codes, on=True), network(maps, codes, on=False))
