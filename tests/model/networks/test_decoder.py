"""Shapes, bounds and order of the decoder."""

import pytest
import torch
from torch import Tensor, nn

from tcae.model.networks.decoder import Decoder
from tcae.model.recipes.tcae import TCAENetwork
from tests.method_builders import TINY, draws


def embeddings(seed: int, num: int = 4, width: int = TINY.width) -> Tensor:
    return torch.randn(num, width, generator=draws(seed), dtype=torch.float64)


def decoder(reach: float = 1.0) -> Decoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Decoder(TINY, reach).double()


def loud(made: Decoder) -> Decoder:
    """The same with a last convolution so large that tanh is at its ends."""
    with torch.no_grad():
        made.blocks[-1].weight.mul_(1e4)  # type: ignore[operator]
    return made


@pytest.fixture(scope="module")
def published() -> Decoder:
    return Decoder(TCAENetwork()).eval()


def test_the_published_decoder_has_3340803_parameters(published: Decoder) -> None:
    assert sum(weight.numel() for weight in published.parameters()) == 3_340_803


def test_every_block_doubles_the_side(published: Decoder) -> None:
    """models.md 1.4."""
    shapes: list[tuple[int, ...]] = []
    for module in published.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        movement = published(torch.ones(2, 256), torch.ones(2, 256))
    widths = (256, 256, 256, 256, 128, 64, 32, 3)
    assert shapes == [(width, 2 ** (k + 1), 2 ** (k + 1)) for k, width in enumerate(widths)]
    assert movement.displacement.shape == (2, 2, 256, 256)
    assert movement.logit.shape == (2, 1, 256, 256)


def test_the_side_is_doubled_between_pixel_centres() -> None:
    doubled = [module for module in decoder().modules() if isinstance(module, nn.Upsample)]
    assert {(module.mode, module.align_corners, module.scale_factor) for module in doubled} == {("bilinear", False, 2)}


def test_displacement_and_logit_are_bounded_by_tanh() -> None:
    movement = loud(decoder())(embeddings(1), embeddings(2))
    for made in movement:
        assert made.abs().max() <= 1
        assert made.abs().max() > 0.99


@pytest.mark.parametrize("reach", [0.05, 0.5])
def test_reach_bounds_the_displacement_and_not_the_logit(reach: float) -> None:
    one, other = embeddings(1), embeddings(2)
    free, bounded = loud(decoder())(one, other), loud(decoder(reach))(one, other)
    torch.testing.assert_close(bounded.displacement, reach * free.displacement)
    assert torch.equal(bounded.logit, free.logit)
    assert bounded.displacement.abs().max() <= reach


def test_the_way_back_is_not_the_way_there() -> None:
    made, one, other = decoder(), embeddings(1), embeddings(2)
    assert not torch.allclose(made(one, other).displacement, made(other, one).displacement)


def test_what_is_negative_in_an_embedding_is_not_seen() -> None:
    made, one, other = decoder(), embeddings(1), embeddings(2)
    clipped = made(one.clamp(min=0), other.clamp(min=0))
    assert torch.equal(made(one, other).displacement, clipped.displacement)
    assert not torch.allclose(made(one.abs(), other).displacement, clipped.displacement)


def test_the_embeddings_are_left_as_they_were() -> None:
    """The first ReLU must not work in place: they are compared in the loss."""
    one, other = embeddings(1), embeddings(2)
    decoder()(one, other)
    assert torch.equal(one, embeddings(1))
    assert torch.equal(other, embeddings(2))


def test_displacements_are_float32_when_convolutions_are_bfloat16() -> None:
    one, other = embeddings(1).bfloat16(), embeddings(2).bfloat16()
    made = decoder().float()
    with torch.autocast("cpu", torch.bfloat16):
        movement = made(one, other)
    assert movement.displacement.dtype == movement.logit.dtype == torch.float32
    exact = made(one.float(), other.float())
    torch.testing.assert_close(movement.displacement, exact.displacement, rtol=0, atol=0.05)
