"""A planted leak is measured as it was planted."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from tcae.model.probing.leak import Knowledge, Leak


def r2(features: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Of least squares, fitted on the first half of the rows and told on the second."""
    rows = np.column_stack([features, np.ones(len(features))])
    half = len(rows) // 2
    weights = np.linalg.lstsq(rows[:half], wanted[:half], rcond=None)[0]
    missed = ((rows[half:] @ weights - wanted[half:]) ** 2).sum(0)
    return float((1 - missed / ((wanted[half:] - wanted[half:].mean(0)) ** 2).sum(0)).mean())


@pytest.mark.parametrize("leaks", [0.0, 0.5, 1.0])
def test_a_planted_leak_is_measured(leaks: float) -> None:
    """The score of AUs is an R2 here, whose chance level is 0; a share of ``leaks`` of each signal is in the other."""
    generator = np.random.default_rng(0)
    aus, angles, noise = generator.normal(size=(3, 4000, 3))
    mix = math.sqrt(leaks) * aus + math.sqrt(1 - leaks) * noise  # holds a share ``leaks`` of the variance of AUs
    pose = np.column_stack([angles, mix])
    leak = Leak(
        au=Knowledge("au", r2(aus, aus), r2(aus, angles)),
        pose=Knowledge("pose", r2(pose, aus), r2(pose, angles)),
        chance_f1=0,
    )
    assert leak.of_aus == pytest.approx(leaks, abs=0.03)
    assert leak.of_pose == pytest.approx(0, abs=0.03)


def known(au: tuple[float, float], pose: tuple[float, float]) -> Leak:
    return Leak(au=Knowledge("au", *au), pose=Knowledge("pose", *pose), chance_f1=0.4)


@pytest.mark.parametrize(
    ("au", "pose", "of_aus", "of_pose"),
    [
        ((0.6, 0.0), (0.4, 0.9), 0, 0),
        ((0.6, 0.9), (0.6, 0.9), 1, 1),
        ((0.6, 0.45), (0.5, 0.9), 0.5, 0.5),
        ((0.5, 0.9), (0.6, 0.3), 2, 3),
        ((0.6, -0.18), (0.3, 0.9), -0.5, -0.2),
        ((0.4, 0.5), (0.6, 0.0), math.nan, math.nan),
        ((math.nan, 0.5), (0.6, math.nan), math.nan, math.nan),
    ],
    ids=["separate", "equal", "half", "changed roles", "worse than nothing", "nothing known", "undefined"],
)
def test_the_crossed_leak_is_a_share_of_what_the_right_embedding_knows(
    au: tuple[float, float], pose: tuple[float, float], of_aus: float, of_pose: float
) -> None:
    leak = known(au, pose)
    assert leak.of_aus == pytest.approx(of_aus, nan_ok=True)
    assert leak.of_pose == pytest.approx(of_pose, nan_ok=True)
