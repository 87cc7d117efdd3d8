"""The ResNet against torchvision's own, and the encoder that ends it."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models import resnet18  # type: ignore[import-untyped]

from tcae.model.networks.imagenet import MEAN, SPREAD
from tcae.model.networks.resnet import ResNet, ResNetEncoder, is_torchvisions, torchvisions
from tests.method_builders import draws

PUBLISHED = (64, 128, 256, 512)
NARROW = (2, 3, 4, 6)


def test_it_is_torchvisions_resnet_18_but_for_the_classifier() -> None:
    theirs, ours = resnet18(weights=None).eval(), ResNet(PUBLISHED).eval()
    ours.load_state_dict(torchvisions(theirs.state_dict()))
    theirs.fc = torch.nn.Identity()
    pixels = torch.randn(2, 3, 64, 64, generator=draws(1))
    torch.testing.assert_close(ours(pixels), theirs(pixels))


def test_its_first_weights_are_spread_as_torchvisions() -> None:
    theirs, ours = resnet18(weights=None).state_dict(), ResNet(PUBLISHED).state_dict()
    for name, tensor in ours.items():
        if tensor.ndim == 4:
            assert tensor.std().item() == pytest.approx(theirs[name].std().item(), rel=0.1), name


def test_the_published_encoder_has_11307840_parameters() -> None:
    """torchvision's 11,689,512 less its classifier's 513,000, and 512 x 256 + 256."""
    assert sum(weight.numel() for weight in ResNetEncoder(PUBLISHED, 256).parameters()) == 11_307_840


def test_older_files_do_not_say_how_many_batches_were_seen() -> None:
    whole = {**ResNet(NARROW).state_dict(), "fc.weight": torch.zeros(1), "fc.bias": torch.zeros(1)}
    older = {name: tensor for name, tensor in whole.items() if not name.endswith("num_batches_tracked")}
    assert len(older) < len(whole) - 2
    ResNet(NARROW).load_state_dict(torchvisions(older))
    assert is_torchvisions(older)
    assert not is_torchvisions(ResNetEncoder(NARROW, 5).state_dict())


@pytest.mark.parametrize("side", [16, 30, 64])
def test_an_embedding_has_length_1_and_the_promised_width_at_any_side(side: int) -> None:
    faces = torch.rand(3, 3, side, side, generator=draws(2))
    embedded = ResNetEncoder(NARROW, 5).embed(faces)
    assert list(embedded) == ["face"]
    assert embedded["face"].shape == (3, 5)
    torch.testing.assert_close(embedded["face"].norm(dim=1), torch.ones(3))


def test_pixels_are_put_as_imagenets_were() -> None:
    seen: list[Tensor] = []
    encoder = ResNetEncoder(NARROW, 5).eval()
    encoder.trunk.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    faces = torch.rand(2, 3, 16, 16, generator=draws(3))
    encoder(faces)
    for channel in range(3):
        expected = (faces[:, channel].numpy() - MEAN[channel]) / SPREAD[channel]
        np.testing.assert_allclose(seen[0][:, channel].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_all_that_it_holds_lies_in_its_checkpoint() -> None:
    """A network is built on the meta device and filled from a checkpoint; nothing else may be left empty."""
    with torch.device("meta"):
        hollow = ResNetEncoder(NARROW, 5)
    filled = ResNetEncoder(NARROW, 5).eval()
    hollow.load_state_dict(filled.state_dict(), assign=True)
    faces = torch.rand(2, 3, 16, 16, generator=draws(4))
    torch.testing.assert_close(hollow.eval()(faces), filled(faces))
