"""Each term against a sum written out, and what holds of all."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from tcae.model.curriculum import selected_loss, share_of
from tcae.model.losses import total_of, weighted
from tcae.model.methods.tcae import Changed, TwinCycle
from tcae.model.networks.encoder import Embeddings
from tcae.model.recipes.tcae import PAPER, RELEASED, TCAEWeights
from tests.method_builders import draws, made_up_cycle, network, pictures, views

SIDE = 5
NAMES = list(asdict(TCAEWeights()))


def faces() -> tuple[Tensor, Tensor]:
    return pictures(3, SIDE, seed=1), pictures(3, SIDE, seed=2)


def terms_of(cycle: TwinCycle, source: Tensor, target: Tensor) -> dict[str, Tensor]:
    return network().terms(cycle, views(source, target))


def mean_distance(one: Tensor, other: Tensor, power: int) -> list[float]:
    """For each sample the mean of ``|difference| ** power``, one number at a time."""
    means = []
    for ours, theirs in zip(one.tolist(), other.tolist(), strict=True):
        pairs = zip(np.ravel(ours).tolist(), np.ravel(theirs).tolist(), strict=True)
        distances = [abs(a - b) ** power for a, b in pairs]
        means.append(sum(distances) / len(distances))
    return means


def mean_reach(displacement: Tensor) -> list[float]:
    """For each sample the mean over pixels and axes of how far the clamped position is from the pixel."""
    means = []
    for sample in displacement.tolist():
        ways = []
        for axis, rows in enumerate(sample):
            for row, values in enumerate(rows):
                for column, value in enumerate(values):
                    home = -1 + 2 * (row if axis else column) / (SIDE - 1)
                    ways.append(abs(min(max(home + value, -1), 1) - home))
        means.append(sum(ways) / len(ways))
    return means


def slow_terms(cycle: TwinCycle, source: Tensor, target: Tensor) -> dict[str, list[float]]:
    """models.md 1.6."""
    output = cycle.output
    assert output is not None
    return {
        "reconstruction": mean_distance(cycle.changed.output, target, 1),
        "au_cycle": mean_distance(cycle.au_back, source, 1),
        "pose_cycle": mean_distance(cycle.pose_back, source, 1),
        "pose_image_pose": mean_distance(cycle.pose_image.pose, cycle.target.pose, 2),
        "pose_image_au": mean_distance(cycle.pose_image.au, cycle.source.au, 2),
        "au_image_pose": mean_distance(cycle.au_image.pose, cycle.source.pose, 2),
        "au_image_au": mean_distance(cycle.au_image.au, cycle.target.au, 2),
        "output_pose": mean_distance(output.pose, cycle.target.pose, 2),
        "output_au": mean_distance(output.au, cycle.target.au, 2),
        "au_displacement_l1": mean_reach(cycle.changed.au_displacement),
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_term_is_its_sum_written_out(name: str) -> None:
    cycle = made_up_cycle(side=SIDE)
    term = terms_of(cycle, *faces())[name]
    assert term.shape == (3,)
    assert term.tolist() == pytest.approx(slow_terms(cycle, *faces())[name], rel=1e-12)


def test_there_is_a_weight_for_every_term_and_a_term_for_every_weight() -> None:
    assert sorted(terms_of(made_up_cycle(side=SIDE), *faces())) == sorted(NAMES)


def test_an_output_that_was_not_embedded_leaves_out_its_two_terms() -> None:
    cycle = made_up_cycle(side=SIDE)
    terms, fewer = terms_of(cycle, *faces()), terms_of(cycle._replace(output=None), *faces())
    assert set(terms) - set(fewer) == {"output_pose", "output_au"}
    assert all(torch.equal(terms[name], term) for name, term in fewer.items())


@pytest.mark.parametrize(
    ("weights", "needed"),
    [
        (RELEASED.weights, True),
        (PAPER.weights, False),
        (replace(PAPER.weights, output_pose=0.1), True),
        (replace(PAPER.weights, output_au=0.1), True),
    ],
)
def test_the_output_is_embedded_only_for_a_term_that_counts(weights: TCAEWeights, needed: bool) -> None:
    made = network(weights=weights)(views(*[pictures(2, seed=seed) for seed in (1, 2)]))
    assert (made.output is not None) is needed


def test_a_perfect_network_has_no_loss() -> None:
    source, target = faces()
    s, t = Embeddings(torch.ones(3, 2), torch.zeros(3, 2)), Embeddings(torch.ones(3, 2) * 2, torch.ones(3, 2) * 3)
    still = torch.zeros(3, 2, SIDE, SIDE, dtype=torch.float64)
    cycle = TwinCycle(
        source=s,
        target=t,
        changed=Changed(source, source, target, still, still, still, still[:, :1]),
        pose_image=Embeddings(t.pose, s.au),
        au_image=Embeddings(s.pose, t.au),
        output=t,
        pose_back=source,
        au_back=source,
    )
    assert all(term.tolist() == [0, 0, 0] for term in terms_of(cycle, source, target).values())


def test_weights_multiply_and_terms_of_weight_zero_are_left_out() -> None:
    terms = {name: torch.rand(3, generator=draws(k)) for k, name in enumerate(NAMES)}
    weights = TCAEWeights(reconstruction=7, au_cycle=0)
    made = weighted(terms, weights)
    assert "au_cycle" not in made
    assert torch.equal(made["reconstruction"], 7 * terms["reconstruction"])
    by_hand = [sum(weight * terms[name][n].item() for name, weight in asdict(weights).items()) for n in range(3)]
    assert total_of(terms, weights).tolist() == pytest.approx(by_hand, rel=1e-6)


def test_the_released_total_is_ten_times_the_papers_and_the_outputs_terms() -> None:
    terms = terms_of(made_up_cycle(side=SIDE), *faces())
    ten_papers = 10 * total_of(terms, PAPER.weights) + terms["output_pose"] + terms["output_au"]
    torch.testing.assert_close(total_of(terms, RELEASED.weights), ten_papers)


def test_permuting_a_batch_permutes_its_losses() -> None:
    model, source, target = network(), pictures(4, seed=1), pictures(4, seed=2)
    order = torch.tensor([2, 0, 3, 1])
    terms = terms_of(model(views(source, target)), source, target)
    moved = terms_of(model(views(source[order], target[order])), source[order], target[order])
    for name, term in terms.items():
        torch.testing.assert_close(moved[name], term[order], msg=name)


def test_both_sides_of_an_embeddings_distance_move() -> None:
    """The released code detaches neither."""
    cycle = made_up_cycle(side=SIDE)
    assert cycle.output is not None
    for ends in (cycle.source, cycle.target, cycle.pose_image, cycle.au_image, cycle.output):
        for embedding in ends:
            embedding.requires_grad_()
    terms = terms_of(cycle, *faces())
    torch.stack([term.sum() for name, term in terms.items() if name in NAMES]).sum().backward()  # type: ignore[no-untyped-call]
    for ends in (cycle.source, cycle.target, cycle.pose_image, cycle.au_image, cycle.output):
        assert all(embedding.grad is not None and embedding.grad.abs().min() > 0 for embedding in ends)


@pytest.mark.parametrize(
    "part", ["encoder.trunk.0.weight", "au_decoder.blocks.10.weight", "pose_decoder.blocks.2.bias"]
)
def test_the_gradient_of_the_loss_is_right_through_the_network(part: str) -> None:
    """Without the cycles, whose pictures are detached on purpose, so that their differences are not their gradient."""
    model, source, target = network(), pictures(3, seed=1), pictures(3, seed=2)
    weights = replace(RELEASED.weights, au_cycle=0, pose_cycle=0)

    def loss(values: Tensor) -> Tensor:
        terms = terms_of(functional_call(model, {part: values}, (views(source, target),)), source, target)
        return selected_loss(terms, weights, "term", lambda losses: share_of(losses, (0.0, 1.0)))

    start = model.get_parameter(part).detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, (start,), fast_mode=True)


def test_a_cycles_gradient_does_not_go_through_the_pixels_of_the_first_warp() -> None:
    """It reaches the first displacement through the embedding of the changed face only."""
    model, source, target = network(), pictures(3, seed=1), pictures(3, seed=2)
    cycle = model(views(source, target))
    moved, face, pose = cycle.changed.pose_displacement, cycle.changed.pose_image, cycle.pose_image.pose
    term = terms_of(cycle, source, target)["pose_cycle"].sum()

    def gradient(made: Tensor, of: Tensor, share: Tensor | None = None) -> Tensor:
        return torch.autograd.grad(made, [of], share, retain_graph=True)[0]

    through_the_embedding = gradient(face, moved, gradient(pose, face, gradient(term, pose)))
    assert through_the_embedding.abs().max() > 0
    torch.testing.assert_close(gradient(term, moved), through_the_embedding)
