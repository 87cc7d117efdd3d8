"""VGG-19's first blocks: their weights, what is seen through them, and textures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models import vgg19  # type: ignore[import-untyped]

from tcae.manifests.errors import CheckpointError
from tcae.model.networks.vgg import Seen, Vgg, gram, is_vgg, style_distance
from tests.method_builders import draws, pictures

WIDTHS = (2, 3, 4, 5)


def tiny(seed: int = 0) -> Vgg:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Vgg(WIDTHS)


def torchvisions(seed: int = 0) -> dict[str, Tensor]:
    """What torchvision's file holds of VGG-19, up to relu4_1, and one more layer; noise."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in vgg19(weights=None).state_dict().items()}
    kept = [name for name in shapes if name.startswith("features.") and int(name.split(".")[1]) <= 21]
    made = {name: 0.05 * torch.randn(shapes[name], generator=draws(seed)) for name in kept}
    return made | {"features.34.bias": torch.zeros(512), "classifier.0.weight": torch.zeros(2, 2)}


def seen(seed: int) -> Seen:
    """Made-up maps of two pictures."""
    shapes = ((3, 4, 4), (4, 2, 2), (5, 1, 1))
    return Seen(*(torch.rand(2, *shape, generator=draws(seed), dtype=torch.float64) for shape in shapes))


def test_torchvisions_weights_are_taken_and_see_what_torchvisions_network_sees() -> None:
    tensors = torchvisions()
    assert is_vgg(tensors)
    ours = Vgg((64, 128, 256, 512))
    ours.take(tensors, Path("vgg19.pth"))
    assert ours.known == 1
    with torch.device("meta"):
        layers = vgg19(weights=None).features[:21]
    own = {name.removeprefix("features."): tensor for name, tensor in tensors.items() if _number(name) < 21}
    layers.load_state_dict(own, assign=True)
    faces = pictures(1, 16).float()
    with torch.inference_mode():
        made = ours(faces)
        for number, map_ in zip((7, 12, 21), made, strict=True):
            torch.testing.assert_close(map_, layers[:number](faces))
    assert [map_.shape[1:] for map_ in made] == [(128, 8, 8), (256, 4, 4), (512, 2, 2)]


def _number(name: str) -> int:
    first, number, *_ = name.split(".")
    return int(number) if first == "features" else 99


def test_weights_of_other_widths_are_refused_by_name() -> None:
    message = r"vgg19\.pth holds other tensors .* 0\.weight \(64, 3, 3, 3\) not \(2, 3, 3, 3\)"
    with pytest.raises(CheckpointError, match=message):
        tiny().take(torchvisions(), Path("vgg19.pth"))


def test_the_substitute_is_random_of_the_seed_frozen_and_says_so() -> None:
    one, same, other = tiny(), tiny(), tiny(seed=1)
    faces = pictures(2, 16).float()
    torch.testing.assert_close(one(faces), same(faces))
    assert not torch.allclose(one(faces).fourth, other(faces).fourth)
    assert not any(weight.requires_grad for weight in one.parameters())
    assert one.known == 0
    assert "known" in one.state_dict()


def test_the_substitute_keeps_the_spread_of_what_it_sees() -> None:
    """He et al., ICCV 2015: the mean square of activations stays, layer by layer."""
    torch.manual_seed(0)
    maps = Vgg((32, 32, 32, 32))(torch.randn(4, 3, 32, 32))
    for map_ in maps:
        assert 0.2 < map_.square().mean() < 5


def test_gradients_go_through_to_the_picture() -> None:
    faces = pictures(1, 8).float().requires_grad_()
    (gradient,) = torch.autograd.grad(tiny()(faces).fourth.sum(), faces)
    assert gradient.abs().sum() > 0


def test_a_gram_matrix_is_the_mean_of_products_of_channels() -> None:
    maps = seen(0).second
    found = gram(maps)
    for n in range(2):
        for i in range(3):
            for j in range(3):
                product = sum(maps[n, i, y, x] * maps[n, j, y, x] for y in range(4) for x in range(4))
                assert found[n, i, j].item() == pytest.approx(float(product) / (4 * 4))


def test_textures_differ_by_the_mean_squares_of_their_gram_matrices() -> None:
    one, other = seen(1), seen(2)
    expected = []
    for n in range(2):
        total = 0.0
        for a, b in zip(one, other, strict=True):
            x, y = (maps[n].numpy().reshape(maps.shape[1], -1) for maps in (a, b))
            total += float(np.mean((x @ x.T / x.shape[1] - y @ y.T / y.shape[1]) ** 2))
        expected.append(total)
    np.testing.assert_allclose(style_distance(one, other).numpy(), expected, rtol=1e-9)


def test_a_texture_does_not_care_where_things_are() -> None:
    one = seen(3)
    shuffled = Seen(*(maps.flip(-1).roll(1, -2) for maps in one))
    torch.testing.assert_close(style_distance(one, shuffled), torch.zeros(2, dtype=torch.float64))
