"""The two cycles: masks, what moves what, and both ways of passing pictures through the encoder."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tcae.model.methods.tcae import TCAE, mask_of
from tcae.model.networks.decoder import Movement
from tcae.model.networks.warp import warp
from tcae.model.recipes.tcae import TCAENetwork, TCAEWeights
from tests.method_builders import Passes, draws, network, pictures, recipe_of, views

SOURCE, TARGET = pictures(4, seed=1), pictures(4, seed=2)


def movement(logit: torch.Tensor) -> Movement:
    return Movement(torch.zeros(logit.shape[0], 2, *logit.shape[2:], dtype=logit.dtype), logit)


def test_the_published_network_has_14717094_parameters() -> None:
    assert sum(weight.numel() for weight in TCAE(recipe_of(TCAENetwork())).parameters()) == 14_717_094


@given(one=st.floats(-1, 1), other=st.floats(-1, 1))
def test_masks_are_a_softmax_and_sum_to_one(one: float, other: float) -> None:
    logits = torch.tensor([one, other], dtype=torch.float64)
    ours, theirs = (movement(logit.view(1, 1, 1, 1)) for logit in logits)
    masks = torch.stack([mask_of(ours, theirs), mask_of(theirs, ours)]).flatten()
    torch.testing.assert_close(masks, logits.softmax(0))
    assert masks.sum().item() == pytest.approx(1)
    assert 0.1192 < masks.min() <= masks.max() < 0.8808


def test_masks_reach_their_ends_where_both_logits_do() -> None:
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    assert mask_of(movement(one), movement(-one)).item() == pytest.approx(0.880797, abs=1e-6)
    assert mask_of(movement(-one), movement(one)).item() == pytest.approx(0.119203, abs=1e-6)


def test_the_outputs_displacement_is_both_weighed_with_the_masks() -> None:
    changed = network()(views(SOURCE, TARGET)).changed
    both = changed.au_mask * changed.au_displacement + (1 - changed.au_mask) * changed.pose_displacement
    torch.testing.assert_close(changed.displacement, both)
    torch.testing.assert_close(changed.output, warp(SOURCE, both))


def test_each_changed_face_is_the_source_moved_by_its_displacement() -> None:
    changed = network()(views(SOURCE, TARGET)).changed
    torch.testing.assert_close(changed.pose_image, warp(SOURCE, changed.pose_displacement))
    torch.testing.assert_close(changed.au_image, warp(SOURCE, changed.au_displacement))


def test_a_network_that_moves_nothing_gives_the_source_everywhere() -> None:
    model = network()
    with torch.no_grad():
        for decoder in (model.pose_decoder, model.au_decoder):
            for weight in list(decoder.parameters())[-2:]:
                weight.zero_()
    cycle = model(views(SOURCE, TARGET))
    made = (cycle.changed.pose_image, cycle.changed.au_image, cycle.changed.output, cycle.pose_back, cycle.au_back)
    for face in made:
        torch.testing.assert_close(face, SOURCE)
    torch.testing.assert_close(cycle.changed.au_mask, torch.full_like(cycle.changed.au_mask, 0.5))


def test_each_changed_face_is_moved_back_by_the_decoder_that_changed_it() -> None:
    model = network()
    cycle = model(views(SOURCE, TARGET))
    pose_back = model.pose_decoder(cycle.pose_image.pose, cycle.source.pose).displacement
    au_back = model.au_decoder(cycle.au_image.au, cycle.source.au).displacement
    torch.testing.assert_close(cycle.pose_back, warp(cycle.changed.pose_image, pose_back))
    torch.testing.assert_close(cycle.au_back, warp(cycle.changed.au_image, au_back))


@pytest.mark.parametrize(("branch", "moved", "still"), [("pose", "pose", "au"), ("au", "au", "pose")])
def test_an_embedding_moves_its_own_displacement_only(branch: str, moved: str, still: str) -> None:
    model = network()
    s, t = model.embed(SOURCE, TARGET)
    other = t._replace(**{branch: torch.randn(4, 8, generator=draws(7), dtype=torch.float64)})
    before, after = model.change(SOURCE, s, t), model.change(SOURCE, s, other)
    assert not torch.allclose(getattr(after, f"{moved}_displacement"), getattr(before, f"{moved}_displacement"))
    assert torch.equal(getattr(after, f"{still}_displacement"), getattr(before, f"{still}_displacement"))


@pytest.mark.parametrize("passes", ["separate", "shared"])
def test_the_output_is_embedded_again_only_for_a_term_that_counts(passes: Passes) -> None:
    model = network(passes=passes).eval()
    plain = network(passes=passes, weights=TCAEWeights()).eval()
    with_output, without = model(views(SOURCE, TARGET)), plain(views(SOURCE, TARGET))
    assert without.output is None
    torch.testing.assert_close(with_output.output, model.encoder(with_output.changed.output))
    torch.testing.assert_close(without._replace(output=with_output.output), with_output)


def test_embeddings_go_back_to_the_pictures_that_they_are_of() -> None:
    model = network(passes="shared").eval()
    for face, made in zip((SOURCE, TARGET), model.embed(SOURCE, TARGET), strict=True):
        torch.testing.assert_close(made, model.encoder(face))


def test_separate_and_shared_passes_are_one_network_once_training_is_over() -> None:
    separate, shared = network(passes="separate").eval(), network(passes="shared").eval()
    torch.testing.assert_close(shared(views(SOURCE, TARGET)), separate(views(SOURCE, TARGET)))


def test_separate_and_shared_passes_differ_in_training_by_their_batch_statistics() -> None:
    separate, shared = network(passes="separate").train(), network(passes="shared").train()
    assert not torch.allclose(shared(views(SOURCE, TARGET)).source.au, separate(views(SOURCE, TARGET)).source.au)
    same = (
        separate(views(SOURCE, SOURCE)).source,
        shared(views(SOURCE, SOURCE)).source,
    )  # where both halves have the same statistics
    torch.testing.assert_close(*same)


@pytest.mark.parametrize(("passes", "num"), [("separate", 5), ("shared", 2)])
def test_batch_statistics_are_updated_once_for_each_pass(passes: Passes, num: int) -> None:
    model = network(passes=passes)
    model(views(SOURCE, TARGET))
    counted = {int(count) for name, count in model.encoder.named_buffers() if name.endswith("num_batches_tracked")}
    assert counted == {num}


def test_permuting_a_batch_permutes_its_faces() -> None:
    model, order = network(), torch.tensor([3, 1, 0, 2])
    made, moved = model(views(SOURCE, TARGET)), model(views(SOURCE[order], TARGET[order]))
    torch.testing.assert_close(moved.changed.output, made.changed.output[order])
    torch.testing.assert_close(moved.au_back, made.au_back[order])


@pytest.mark.parametrize(("ratio", "is_told"), [(0.9, True), (1.1, False)])
def test_branches_that_changed_roles_are_told(ratio: float, is_told: bool) -> None:
    remark = network().remark({"au_length": 0.2, "pose_length": 0.2 * ratio, "displacement_ratio": ratio})
    assert bool(re.search(r"\(0\.200 against 0\.180\).* changed roles", remark)) == is_told
