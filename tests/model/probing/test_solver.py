"""The solver finds the minimum that a closed form gives, of columns alone and of columns that are one problem."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import pytest
import torch
from torch import Tensor

from tcae.model.probing.solver import Minimum, Problem, minimise, minimise_in_threads


@dataclass(frozen=True, kw_only=True)
class Squares(Problem):
    """Half the mean squared error of each column."""

    wanted: Tensor

    def loss(self, scores: Tensor) -> Tensor:
        return self.together((scores - self.wanted).square().double().mean(0, keepdim=True) / 2)

    def slope(self, scores: Tensor) -> Tensor:
        return (scores - self.wanted) / len(scores)

    def only(self, kept: Tensor) -> Self:
        return replace(self, penalty=self.penalty[:, kept], wanted=self.wanted[:, kept])

    def together(self, losses: Tensor) -> Tensor:
        return losses


@dataclass(frozen=True, kw_only=True)
class JointSquares(Squares):
    """Their sum."""

    joint: ClassVar[bool] = True

    def together(self, losses: Tensor) -> Tensor:
        return losses.sum(1, keepdim=True)


def squares(kind: type[Squares] = Squares, num: int = 200, width: int = 6, num_columns: int = 5) -> Squares:
    """Correlated rows of mean 0; the columns are not equally hard."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(num, width, generator=generator) @ torch.randn(width, width, generator=generator)
    wanted = torch.randn(num, num_columns, generator=generator) * torch.logspace(-2, 1, num_columns)
    penalty = torch.full((1, num_columns), 0.05, dtype=torch.float64)
    return kind(rows=rows - rows.mean(0), penalty=penalty, wanted=wanted)


def closed_form(problem: Squares) -> Tensor:
    """Ridge regression (D + 1, K)."""
    rows, wanted = problem.rows.double(), problem.wanted.double()
    moments = rows.T @ rows / len(rows) + 0.05 * torch.eye(rows.shape[1])
    return torch.cat([torch.linalg.solve(moments, rows.T @ wanted / len(rows)), wanted.mean(0, keepdim=True)])


def solved(problem: Squares, tolerance: float = 1e-6, max_steps: int = 200) -> Minimum:
    start = torch.zeros(problem.rows.shape[1] + 1, problem.wanted.shape[1], dtype=torch.float64)
    return minimise(problem, start, max_steps=max_steps, tolerance=tolerance)


@pytest.mark.parametrize("kind", [Squares, JointSquares])
def test_the_minimum_is_that_of_the_closed_form(kind: type[Squares]) -> None:
    found = solved(squares(kind))
    torch.testing.assert_close(found.parameters, closed_form(squares()), rtol=1e-3, atol=2e-4)
    assert found.converged.tolist() == [True] * 5


def test_a_problem_that_is_solved_at_the_start_stays_there() -> None:
    problem = squares()
    start = closed_form(problem)
    start[:, 1:] = 0
    found = minimise(problem, start, max_steps=200, tolerance=1e-5)
    torch.testing.assert_close(found.parameters[:, 0], start[:, 0], rtol=0, atol=0)
    torch.testing.assert_close(found.parameters, closed_form(problem), rtol=1e-2, atol=1e-3)


def test_the_start_is_left_as_it_is() -> None:
    start = torch.zeros(7, 5, dtype=torch.float64)
    minimise(squares(), start, max_steps=5, tolerance=1e-6)
    assert not start.any()


def test_after_the_last_step_it_says_which_problems_are_not_solved() -> None:
    found = solved(squares(), tolerance=1e-3, max_steps=1)
    assert found.num_steps == 1
    assert not found.converged[-1]


def test_a_tolerance_below_rounding_ends_and_says_so() -> None:
    found = solved(squares(), tolerance=1e-30, max_steps=60)
    assert not found.converged.any()
    torch.testing.assert_close(found.parameters, closed_form(squares()), rtol=1e-3, atol=2e-4)


def test_threads_get_each_column_back_in_its_place() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        start = torch.zeros(7, 5, dtype=torch.float64)
        found = minimise_in_threads(squares(), start, max_steps=200, tolerance=1e-6)
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(found.parameters, closed_form(squares()), rtol=1e-3, atol=2e-4)
    assert found.converged.tolist() == [True] * 5
