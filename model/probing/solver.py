"""Many convex problems on the same rows, solved together by SciPy's L-BFGS-B: they share every pass over the rows.

Each evaluation costs one product of the rows with all weights and one of the rows' transpose with all slopes. SciPy
sees parameters that are scaled by a Cholesky factor of the rows' second moments (a preconditioner): components of an
embedding are strongly correlated, and plain L-BFGS then needs several times the steps.
"""

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

MOMENT_ROWS = 16384
"""Rows that the preconditioner is taken from; it only steers, the solution does not depend on it."""

COLUMNS = 4
"""A thread gets at least about as many: with fewer the rows are read too often."""

_OPTIONS: dict[str, Any] = {"maxcor": 10, "ftol": 0.0, "gtol": 0.0}
"""Of L-BFGS-B: ten steps are remembered, as in scikit-learn; it stops where we say."""


@dataclass(frozen=True, kw_only=True)
class Problem(ABC):
    """Minimise loss(rows @ weight + bias) + sum(penalty * weight**2) / 2 over weight (D, K) and bias (K,)."""

    rows: Tensor
    """(N, D) float32, standardised."""
    penalty: Tensor
    """(1, K) float64, above 0."""

    @abstractmethod
    def loss(self, scores: Tensor) -> Tensor:
        """Mean losses, float64, of scores (N, K): one for each column, or one for all; their sum is minimised."""

    @abstractmethod
    def slope(self, scores: Tensor) -> Tensor:
        """The derivative (N, K) float32 of the sum of losses by each score (N, K)."""

    def only(self, kept: Tensor) -> Self:
        """Some of the columns, where these do not depend on the others: those whose numbers are given."""
        return replace(self, penalty=self.penalty[:, kept])

    def scores(self, parameters: Tensor) -> Tensor:
        """(N, K) of parameters (D + 1, K), whose last row is the bias."""
        values = parameters.float()
        return torch.nn.functional.linear(self.rows, values[:-1].T.contiguous(), values[-1])

    def objective(self, scores: Tensor, parameters: Tensor) -> float:
        """All losses and penalties."""
        return float(self.loss(scores).sum() + 0.5 * (self.penalty * parameters[:-1].square()).sum())

    def gradient(self, scores: Tensor, parameters: Tensor) -> Tensor:
        """By each parameter, (D + 1, K) float64."""
        slope = self.slope(scores).T.contiguous()  # (K, N): with rows.T @ slope a few columns take ten times as long
        by_weight = (slope @ self.rows).T.double() + self.penalty * parameters[:-1]
        return torch.cat([by_weight, slope.sum(1, dtype=torch.float64)[None]])


@dataclass(frozen=True, kw_only=True, eq=False)
class Minimum:
    """Where the solver stopped."""

    parameters: Tensor
    """(D + 1, K) float64; the last row is the bias."""
    num_steps: int
    converged: Tensor
    """(K,) bool: no component of the gradient is above the tolerance."""


def minimise(problem: Problem, start: Tensor, *, max_steps: int, tolerance: float) -> Minimum:
    """Go down until no component of the gradient is above ``tolerance``, or float32 losses show no way down.

    Args:
        problem: What is minimised.
        start: (D + 1, K) float64 parameters to begin with.
        max_steps: At most so many.
        tolerance: Of the mean loss's gradient, as scikit-learn's ``tol``.
    """
    scaled = _Scaled(problem, start)
    if scaled.highest(start) <= tolerance:
        return Minimum(parameters=start, num_steps=0, converged=torch.ones(start.shape[1], dtype=torch.bool))

    def stop_when_solved(_: NDArray[np.float64]) -> None:
        if float(scaled.gradient.abs().max()) <= tolerance:
            raise StopIteration

    options = _OPTIONS | {"maxiter": max_steps}
    found = minimize(
        scaled, scaled.flat(start), jac=True, method="L-BFGS-B", callback=stop_when_solved, options=options
    )
    parameters = scaled.parameters(found.x)
    scaled.highest(parameters)
    return Minimum(
        parameters=parameters, num_steps=int(found.nit), converged=scaled.gradient.abs().amax(0) <= tolerance
    )


def minimise_in_threads(problem: Problem, start: Tensor, *, max_steps: int, tolerance: float) -> Minimum:
    """As ``minimise``, for columns that do not depend on one another: shared out to as many threads as torch may use.

    Each thread computes alone: steps are many and short, and threads that meet in each of their operations wait longer
    for one another than they work once the machine has something else to do.
    """
    num_columns, threads = start.shape[1], torch.get_num_threads()
    num_groups = min(threads, -(-num_columns // COLUMNS))
    solve = partial(minimise, max_steps=max_steps, tolerance=tolerance)
    if num_groups < 2:
        return solve(problem, start)
    groups = [torch.arange(first, num_columns, num_groups) for first in range(num_groups)]
    try:
        with ThreadPoolExecutor(num_groups, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            solved = list(pool.map(solve, map(problem.only, groups), [start[:, group] for group in groups]))
    finally:
        torch.set_num_threads(threads)  # what a thread sets is also what later threads begin with
    parameters, converged = torch.empty_like(start), torch.empty(num_columns, dtype=torch.bool)
    for group, found in zip(groups, solved, strict=True):
        parameters[:, group], converged[group] = found.parameters, found.converged
    return Minimum(parameters=parameters, num_steps=max(found.num_steps for found in solved), converged=converged)


class _Scaled:
    """A problem as SciPy sees it: one flat vector of parameters in which all directions are about equally steep."""

    def __init__(self, problem: Problem, start: Tensor) -> None:
        self.problem, self.shape, self.root = problem, start.shape, _root(problem)
        self.gradient = torch.full_like(start, torch.inf)
        """(D + 1, K) by the parameters themselves, where the problem was looked at last."""

    def __call__(self, flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The objective and its gradient."""
        parameters = self.parameters(flat)
        scores = self.problem.scores(parameters)
        self.gradient = self.problem.gradient(scores, parameters)
        by_weight = torch.linalg.solve_triangular(self.root, self.gradient[:-1], upper=False)
        return self.problem.objective(scores, parameters), torch.cat([by_weight, self.gradient[-1:]]).numpy().ravel()

    def highest(self, parameters: Tensor) -> float:
        """The largest component of the gradient there."""
        self.gradient = self.problem.gradient(self.problem.scores(parameters), parameters)
        return float(self.gradient.abs().max())

    def parameters(self, flat: NDArray[np.float64]) -> Tensor:
        """(D + 1, K) float64."""
        values = torch.from_numpy(flat).reshape(self.shape)
        return torch.cat([torch.linalg.solve_triangular(self.root.T, values[:-1], upper=True), values[-1:]])

    def flat(self, parameters: Tensor) -> NDArray[np.float64]:
        """The other way."""
        found: NDArray[np.float64] = torch.cat([self.root.T @ parameters[:-1], parameters[-1:]]).numpy().ravel()
        return found


def _root(problem: Problem) -> Tensor:
    """The Cholesky factor (D, D) float64 of the second moments of some rows, with the penalty's share beside."""
    rows = problem.rows[:: -(-len(problem.rows) // MOMENT_ROWS)]
    moments = (rows.T @ rows).double() / len(rows)
    # a logistic loss bends by a quarter at most, so that a penalty weighs four times as much beside the moments
    moments.diagonal().add_(4 * problem.penalty.mean() + 1e-5)
    root: Tensor = torch.linalg.cholesky(moments)
    return root
