"""Shapes, sizes and batch statistics of the encoder."""

import pytest
import torch
from torch import nn

from tcae.model.networks.encoder import Encoder
from tcae.model.recipes.tcae import TCAENetwork
from tests.method_builders import TINY, network, pictures


@pytest.fixture(scope="module")
def published() -> Encoder:
    return Encoder(TCAENetwork()).eval()


def test_the_published_encoder_has_8035488_parameters(published: Encoder) -> None:
    assert sum(weight.numel() for weight in published.parameters()) == 8_035_488


def test_every_layer_halves_the_side(published: Encoder) -> None:
    """models.md 1.3, the table of layers."""
    shapes: list[tuple[int, ...]] = []
    for module in published.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape[1:])))
    with torch.inference_mode():
        pose, au = published(torch.zeros(2, 3, 256, 256))
    trunk = [(32, 128, 128), (64, 64, 64), (128, 32, 32), (256, 16, 16), (256, 8, 8)]
    branch = [(256, 4, 4), (256, 2, 2), (256, 1, 1)]
    assert shapes == trunk + branch + branch
    assert pose.shape == au.shape == (2, 256)


def test_batch_norm_and_leaky_relu_follow_every_convolution_but_a_branchs_last(published: Encoder) -> None:
    kinds = [type(layer) for layer in published.trunk]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU] * 5
    for branch in (published.pose, published.au):
        assert [type(layer) for layer in branch] == [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU] * 2 + [nn.Conv2d]
    slopes = {module.negative_slope for module in published.modules() if isinstance(module, nn.LeakyReLU)}
    assert slopes == {0.2}


def test_both_branches_see_one_trunk_and_share_nothing_else() -> None:
    encoder, faces = network().encoder.eval(), pictures()
    pose, au = encoder(faces)
    with torch.no_grad():
        for weight in encoder.au.parameters():
            weight.add_(0.1)
    changed_pose, changed_au = encoder(faces)
    assert torch.equal(changed_pose, pose)
    assert not torch.allclose(changed_au, au)
    with torch.no_grad():
        encoder.trunk[0].bias.add_(0.1)  # type: ignore[operator]
    assert not torch.allclose(encoder(faces).pose, pose)


def test_a_face_is_embedded_alike_whatever_its_batch_once_training_is_over() -> None:
    encoder, faces = network().encoder.eval(), pictures(4)
    torch.testing.assert_close(encoder(faces).au[2:3], encoder(faces[2:3]).au)


def test_in_training_a_batch_gives_the_statistics() -> None:
    encoder, faces = network().encoder.train(), pictures(4)
    assert not torch.allclose(encoder(faces).au[:2], encoder(faces[:2]).au)


def test_an_embedding_is_as_wide_as_the_branchs_last_layer() -> None:
    assert network().encoder(pictures()).pose.shape == (4, TINY.width) == (4, 8)
