"""Which samples count, against sorting in plain Python, and when the next stage begins."""

from functools import partial
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tcae.model.curriculum import Curriculum, selected_loss, share_of
from tcae.model.losses import weighted
from tcae.model.recipe import CurriculumConfig, Stage
from tcae.model.recipes.tcae import RELEASED, TCAEWeights
from tests.method_builders import draws

WEIGHTS = TCAEWeights(output_pose=0.1)


def losses(num: int, seed: int = 0) -> Tensor:
    return torch.rand(num, generator=draws(seed), dtype=torch.float64)


def terms(num: int = 10) -> dict[str, Tensor]:
    return {name: losses(num, seed) for seed, name in enumerate(TCAEWeights.__dataclass_fields__)}


def mean_of_stage(values: list[float], stage: Stage) -> float:
    """Sort, slice, average."""
    first, last = (int(bound * len(values)) for bound in stage)
    kept = sorted(values)[first:last]
    return sum(kept) / len(kept)


@pytest.mark.parametrize(("position", "first", "last"), [(0, 0, 32), (1, 6, 38), (2, 12, 44), (3, 19, 51), (4, 25, 57)])
def test_the_stages_of_a_batch_of_64_are_those_of_the_released_code(position: int, first: int, last: int) -> None:
    """models.md 1.7."""
    values = losses(64)
    share = share_of(values, RELEASED.curriculum.stages[position])
    counted = [value.item() for value, part in zip(values, share, strict=True) if part > 0]
    assert sorted(counted) == sorted(values.tolist())[first:last]


@given(num=st.integers(1, 40), low=st.floats(0, 1), high=st.floats(0, 1), seed=st.integers(0, 99))
def test_shares_are_equal_and_sum_to_one(num: int, low: float, high: float, seed: int) -> None:
    share = share_of(losses(num, seed), (min(low, high), max(low, high)))
    assert share.sum().item() == pytest.approx(1)
    assert len(set(share[share > 0].tolist())) == 1


@pytest.mark.parametrize(
    ("num", "stage", "counted"),
    [
        (1, (0.4, 0.9), [0]),  # at least one, be the batch ever so small
        (2, (0.0, 0.5), [0]),
        (2, (0.4, 0.5), [0]),
        (3, (0.9, 1.0), [2]),
        (4, (0.0, 1.0), [0, 1, 2, 3]),
        (8, (0.4, 0.9), [3, 4, 5, 6]),
    ],
)
def test_small_batches_keep_at_least_one_sample(num: int, stage: Stage, counted: list[int]) -> None:
    share = share_of(torch.arange(num, dtype=torch.float64), stage)
    assert share.nonzero().flatten().tolist() == counted


def test_each_row_is_sorted_by_itself() -> None:
    rows = torch.stack([losses(10, 1), losses(10, 2)])
    alone = torch.stack([share_of(row, (0.2, 0.7)) for row in rows])
    assert torch.equal(share_of(rows, (0.2, 0.7)), alone)


def test_a_share_has_no_gradient() -> None:
    assert not share_of(losses(4).requires_grad_(), (0.0, 0.5)).requires_grad


@pytest.mark.parametrize("stage", RELEASED.curriculum.stages)
def test_by_term_every_term_has_its_own_samples(stage: Stage) -> None:
    made = selected_loss(terms(), WEIGHTS, "term", partial(share_of, stage=stage))
    by_hand = sum(mean_of_stage(term.tolist(), stage) for term in weighted(terms(), WEIGHTS).values())
    assert made.item() == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("stage", RELEASED.curriculum.stages)
def test_by_sample_all_terms_are_of_the_samples_whose_total_counts(stage: Stage) -> None:
    made = selected_loss(terms(), WEIGHTS, "sample", partial(share_of, stage=stage))
    totals = [sum(values) for values in zip(*(t.tolist() for t in weighted(terms(), WEIGHTS).values()), strict=True)]
    assert made.item() == pytest.approx(mean_of_stage(totals, stage), rel=1e-12)


def test_the_two_ways_of_selecting_differ() -> None:
    by_term, by_sample = (
        selected_loss(terms(), WEIGHTS, select, partial(share_of, stage=(0.0, 0.5))) for select in ("term", "sample")
    )
    assert by_term < by_sample  # the easiest of each term are at least as easy as those of the easiest samples


@pytest.mark.parametrize("select", ["term", "sample"])
def test_the_gradient_comes_from_the_samples_that_count(select: Literal["term", "sample"]) -> None:
    only = torch.arange(4, dtype=torch.float64).requires_grad_()
    weights = TCAEWeights(**dict.fromkeys(TCAEWeights.__dataclass_fields__, 0.0) | {"reconstruction": 3.0})
    selected_loss({"reconstruction": only}, weights, select, partial(share_of, stage=(0.5, 1.0))).backward()  # type: ignore[no-untyped-call]
    assert only.grad is not None
    assert only.grad.tolist() == [0, 0, 1.5, 1.5]


@pytest.mark.parametrize("select", ["term", "sample"])
def test_permuting_a_batch_leaves_its_loss(select: Literal["term", "sample"]) -> None:
    order, share = torch.randperm(10, generator=draws(1)), partial(share_of, stage=(0.1, 0.6))
    moved = {name: term[order] for name, term in terms().items()}
    torch.testing.assert_close(
        selected_loss(moved, WEIGHTS, select, share), selected_loss(terms(), WEIGHTS, select, share)
    )


def validated(values: list[float], patience: int = 2, num_stages: int = 3) -> list[int]:
    """The stage's position after each of these validation losses."""
    stages = tuple((k / 10, k / 10 + 0.5) for k in range(num_stages))
    curriculum = Curriculum(CurriculumConfig(stages=stages, patience=patience))
    return [curriculum.position for value in values if curriculum.update(value) is not None]


@pytest.mark.parametrize(
    ("values", "positions"),
    [
        ([5, 4, 3, 2, 1, 0], [0, 0, 0, 0, 0, 0]),  # always better
        ([5, 6, 6, 6], [0, 0, 0, 1]),  # at the third stall, for a patience of two
        ([5, 5, 5, 5], [0, 0, 0, 1]),  # as good as the best is no improvement
        ([5, 6, 6, 4, 6, 6, 6], [0, 0, 0, 0, 0, 0, 1]),  # an improvement begins the count anew
        ([5, 6, 7, 4.9, 5, 6, 4.95], [0, 0, 0, 0, 0, 0, 1]),  # the best counts, not the one before
        ([1, 2, 2, 2, 9, 8, 9, 9, 9], [0, 0, 0, 1, 1, 1, 1, 1, 2]),  # the best is forgotten with its stage
        ([1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3], [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2]),  # the last stage stays
        ([float("nan")] * 3, [0, 0, 1]),  # what is not a number is no improvement
    ],
)
def test_the_next_stage_begins_when_patience_is_over(values: list[float], positions: list[int]) -> None:
    assert validated(values) == positions


def test_the_released_code_goes_on_at_the_16th_stall() -> None:
    curriculum = Curriculum(RELEASED.curriculum)
    went_on = [curriculum.update(1.0) for _ in range(17)]
    assert went_on == [False] * 16 + [True]  # the first is the best
    assert curriculum.stage == (0.1, 0.6)


def test_without_patience_the_first_stall_is_enough() -> None:
    assert validated([1, 1, 1, 1], patience=0) == [0, 1, 1, 2]


def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_been() -> None:
    values = [3.0, 4, 4, 4, 4, 2, 3, 3, 3, 3]
    undisturbed, before = Curriculum(CurriculumConfig(patience=1)), Curriculum(CurriculumConfig(patience=1))
    for value in values[:5]:
        undisturbed.update(value)
        before.update(value)
    after = Curriculum(CurriculumConfig(patience=1))
    after.restore(before.state())
    assert after == before
    assert [after.update(value) for value in values[5:]] == [undisturbed.update(value) for value in values[5:]]
    assert after == undisturbed


def test_a_state_holds_numbers_only() -> None:
    assert Curriculum(CurriculumConfig()).state() == {"position": 0, "best": float("inf"), "stalled": 0}
