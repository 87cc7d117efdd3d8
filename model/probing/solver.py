"""Many convex problems on the same rows, solved at once: L-BFGS that shares every pass over the rows.

Each step costs one product of the rows with all directions and one of the rows' transpose with all residuals. Problems
leave as they are solved, so that the last ones do not pay for the others. Directions are measured by the rows' second
moments (a preconditioner): embeddings are strongly correlated, and plain L-BFGS needs several times the steps.
SciPy's L-BFGS-B over the same passes was three times slower (bench/results), which is why this is code of our own.
Two-loop recursion: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4.
"""

from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Self, TypeAlias

import torch
from torch import Tensor

HISTORY = 10
"""Steps whose change of gradient is remembered, as in scipy and scikit-learn."""

MOMENT_ROWS = 16384
"""Rows that the preconditioner is taken from; it only steers, the solution does not depend on it."""

COLUMNS = 4
"""A thread gets at least about as many: with fewer the rows are read too often."""

_ENOUGH = 1e-4
"""Share of the decrease promised by the slope that a step must give (Armijo)."""

_ROUNDING = 1e-8
"""Share of the objective that float32 losses cannot tell apart: a step may seem to lose as much."""

_HALVINGS = 20

History: TypeAlias = deque[tuple[Tensor, Tensor]]
"""Steps and the changes of gradient over them, (D + 1, K) each."""


@dataclass(frozen=True, kw_only=True)
class Problem(ABC):
    """Minimise loss(rows @ weight + bias) + sum(penalty * weight**2) / 2 over weight (D, K) and bias (K,)."""

    joint: ClassVar[bool] = False
    """Whether the K columns are one problem; else they are K of their own. P is the number of problems."""

    rows: Tensor
    """(N, D) float32, standardised."""
    penalty: Tensor
    """(1, K) float64, above 0."""

    @abstractmethod
    def loss(self, scores: Tensor) -> Tensor:
        """Mean losses (1, P) float64 of scores (N, K)."""

    @abstractmethod
    def slope(self, scores: Tensor) -> Tensor:
        """The derivative (N, K) float32 of the loss by each score (N, K)."""

    def only(self, kept: Tensor) -> Self:
        """Some of the columns: those that are true in (K,), or whose numbers are given."""
        return replace(self, penalty=self.penalty[:, kept])

    def dot(self, one: Tensor, other: Tensor) -> Tensor:
        """Scalar products (1, P) of parameters (D + 1, K)."""
        return (one * other).sum((0, 1) if self.joint else 0, keepdim=True).reshape(1, -1)

    def scores(self, parameters: Tensor) -> Tensor:
        """(N, K) of parameters (D + 1, K), whose last row is the bias."""
        values = parameters.float()
        return torch.nn.functional.linear(self.rows, values[:-1].T.contiguous(), values[-1])

    def objective(self, scores: Tensor, parameters: Tensor) -> Tensor:
        """Loss and penalty, (1, P)."""
        weight = parameters[:-1]
        return self.loss(scores) + 0.5 * self.dot(self.penalty * weight, weight)

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


@dataclass(frozen=True, kw_only=True, eq=False)
class _State:
    """Where the problems are that are not solved yet."""

    problem: Problem
    here: Tensor
    """(D + 1, K) float64 parameters."""
    scores: Tensor
    """(N, K)"""
    value: Tensor
    """(1, P) float64"""
    gradient: Tensor
    """(D + 1, K) float64"""
    stuck: Tensor
    """(1, P) bool: no step gives enough."""
    history: History

    def flat(self, tolerance: float) -> Tensor:
        """(P,): which have no component of the gradient above the tolerance."""
        highest = self.gradient.abs().amax((0, 1) if self.problem.joint else 0)
        return highest.reshape(-1) <= tolerance

    def only(self, kept: Tensor) -> "_State":
        """Some of the problems, those that are true in (K,)."""
        return _State(
            problem=self.problem.only(kept),
            here=self.here[:, kept],
            scores=self.scores[:, kept],
            value=self.value[:, kept],
            gradient=self.gradient[:, kept],
            stuck=self.stuck[:, kept],
            history=deque(((step[:, kept], change[:, kept]) for step, change in self.history), maxlen=HISTORY),
        )


def minimise(problem: Problem, start: Tensor, *, max_steps: int, tolerance: float) -> Minimum:
    """Follow the gradient of each problem until it has no component above ``tolerance``, or nothing gets less.

    Args:
        problem: What is minimised.
        start: (D + 1, K) float64 parameters to begin with.
        max_steps: At most so many.
        tolerance: Of the mean loss's gradient, as scikit-learn's ``tol``.
    """
    state, root = _begun(problem, start), _root(problem)
    found, converged = start.clone(), torch.zeros(start.shape[1], dtype=torch.bool)
    left, num_steps = torch.arange(start.shape[1]), 0
    while True:
        flat = state.flat(tolerance)
        stops = flat | state.stuck.reshape(-1) | (num_steps == max_steps)
        columns = stops.expand(len(left))
        found[:, left[columns]] = state.here[:, columns]
        converged[left[columns]] = flat.expand(len(left))[columns]
        if bool(stops.all()):
            return Minimum(parameters=found, num_steps=num_steps, converged=converged)
        if bool(stops.any()):
            state, left = state.only(~columns), left[~columns]
        state, num_steps = _stepped(state, root), num_steps + 1


def minimise_in_threads(problem: Problem, start: Tensor, *, max_steps: int, tolerance: float) -> Minimum:
    """As ``minimise``, for columns that are problems of their own: shared out to as many threads as torch may use.

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


def _begun(problem: Problem, start: Tensor) -> _State:
    scores = problem.scores(start)
    value = problem.objective(scores, start)
    return _State(
        problem=problem,
        here=start,
        scores=scores,
        value=value,
        gradient=problem.gradient(scores, start),
        stuck=torch.zeros_like(value, dtype=torch.bool),
        history=deque(maxlen=HISTORY),
    )


def _stepped(state: _State, root: Tensor) -> _State:
    """One step of each problem."""
    direction = -_newton_like(state.problem, state.gradient, state.history, root)
    length, scores, value = _line_search(state, direction)
    step = length * direction
    here = state.here + step
    gradient = state.problem.gradient(scores, here)
    state.history.append((step, gradient - state.gradient))
    return replace(state, here=here, scores=scores, value=value, gradient=gradient, stuck=length == 0)


def _root(problem: Problem) -> Tensor:
    """The Cholesky factor (D, D) float64 of the second moments of some rows, with the penalty's share beside."""
    rows = problem.rows[:: -(-len(problem.rows) // MOMENT_ROWS)]
    moments = (rows.T @ rows).double() / len(rows)
    # a logistic loss bends by a quarter at most, so that a penalty weighs four times as much beside the moments
    moments.diagonal().add_(4 * problem.penalty.mean() + 1e-5)
    root: Tensor = torch.linalg.cholesky(moments)
    return root


def _newton_like(problem: Problem, gradient: Tensor, history: History, root: Tensor) -> Tensor:
    """The two-loop recursion: about the inverse Hessian times the gradient, (D + 1, K)."""
    left, shares = gradient, list[tuple[Tensor, Tensor]]()
    for step, change in reversed(history):
        curvature = problem.dot(step, change)
        share = _divided(problem.dot(step, left), curvature)
        left = left - share * change
        shares.append((share, curvature))
    found = _preconditioned(left, root)
    if history:
        step, change = history[-1]
        scale = _divided(problem.dot(step, change), problem.dot(change, _preconditioned(change, root)))
        found = torch.where(scale > 0, scale, torch.ones_like(scale)) * found
    for (step, change), (share, curvature) in zip(history, reversed(shares), strict=True):
        found = found + (share - _divided(problem.dot(change, found), curvature)) * step * (curvature > 0)
    return found


def _preconditioned(gradient: Tensor, root: Tensor) -> Tensor:
    return torch.cat([torch.cholesky_solve(gradient[:-1], root), gradient[-1:]])


def _divided(one: Tensor, other: Tensor) -> Tensor:
    """0 where a problem stood still and its steps teach nothing."""
    return torch.where(other > 0, one / other.clamp_min(1e-300), torch.zeros_like(one))


def _line_search(state: _State, direction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Halve each problem's step until it gives enough; 0 where none does. Costs no pass over the rows.

    Returns:
        Lengths (1, P), the scores there (N, K) and the objectives (1, P).
    """
    problem, value = state.problem, state.value
    along, slope = problem.scores(direction), problem.dot(state.gradient, direction)
    length = torch.ones_like(value)
    for _ in range(_HALVINGS):
        there = torch.addcmul(state.scores, along, length.float())
        lower = problem.objective(there, state.here + length * direction)
        enough = lower <= value + _ENOUGH * length * slope + _ROUNDING * value
        if bool(enough.all()):
            return length, there, lower
        length = torch.where(enough, length, length / 2)
    length = torch.where(enough, length, torch.zeros_like(length))
    there = torch.addcmul(state.scores, along, length.float())
    return length, there, problem.objective(there, state.here + length * direction)
