"""Many convex problems on the same rows, solved at once: L-BFGS that shares every pass over the rows.

Each step costs one product of the rows with all directions and one of the rows' transpose with all residuals, whatever
the number of columns. Directions are measured by the rows' second moments (a preconditioner): embeddings are strongly
correlated, and plain L-BFGS needs several times the steps.
Two-loop recursion: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

HISTORY = 10
"""Steps whose change of gradient is remembered, as in scipy and scikit-learn."""

MOMENT_ROWS = 16384
"""Rows that the preconditioner is taken from; it only steers, the solution does not depend on it."""

_ENOUGH = 1e-4
"""Share of the decrease promised by the slope that a step must give (Armijo)."""

_ROUNDING = 1e-8
"""Share of the objective that float32 losses cannot tell apart: a step may seem to lose as much."""

_HALVINGS = 20


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Minimise loss(rows @ weight + bias) + sum(penalty * weight**2) / 2 over weight (D, K) and bias (K,).

    The K columns are K problems of their own, or one with ``joint``; P is K or 1.
    """

    rows: Tensor
    """(N, D) float32, standardised."""
    loss: Callable[[Tensor], Tensor]
    """Scores (N, K) to mean losses (1, P) float64."""
    slope: Callable[[Tensor], Tensor]
    """Scores (N, K) to the derivative of the loss by each, (N, K) float32."""
    penalty: Tensor
    """(1, K) float64, above 0."""
    joint: bool = False

    def dot(self, one: Tensor, other: Tensor) -> Tensor:
        """Scalar products (1, P) of parameters (D + 1, K)."""
        return (one * other).sum((0, 1) if self.joint else 0, keepdim=True).reshape(1, -1)

    def scores(self, parameters: Tensor) -> Tensor:
        """(N, K) of parameters (D + 1, K), whose last row is the bias."""
        values = parameters.float()
        return torch.addmm(values[-1], self.rows, values[:-1])

    def objective(self, scores: Tensor, parameters: Tensor) -> Tensor:
        """Loss and penalty, (1, P)."""
        weight = parameters[:-1]
        return self.loss(scores) + 0.5 * self.dot(self.penalty * weight, weight)

    def gradient(self, scores: Tensor, parameters: Tensor) -> Tensor:
        """By each parameter, (D + 1, K) float64."""
        slope = self.slope(scores)
        by_weight = (self.rows.T @ slope).double() + self.penalty * parameters[:-1]
        return torch.cat([by_weight, slope.sum(0, keepdim=True, dtype=torch.float64)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Minimum:
    """Where the solver stopped."""

    parameters: Tensor
    """(D + 1, K) float64; the last row is the bias."""
    num_steps: int
    converged: Tensor
    """(P,) bool: no component of the gradient is above the tolerance."""


def minimise(problem: Problem, start: Tensor, *, max_steps: int, tolerance: float) -> Minimum:
    """Follow the gradients of all problems until none has a component above ``tolerance``, or nothing gets less.

    Args:
        problem: What is minimised.
        start: (D + 1, K) float64 parameters to begin with.
        max_steps: At most so many.
        tolerance: Of the mean loss's gradient, as scikit-learn's ``tol``.
    """
    scores, here = problem.scores(start), start.clone()
    value, gradient = problem.objective(scores, here), problem.gradient(scores, here)
    root, history = _root(problem), deque[tuple[Tensor, Tensor]](maxlen=HISTORY)
    done, num_steps = _flat(problem, gradient, tolerance), 0
    while num_steps < max_steps and not bool(done.all()):
        direction = -_newton_like(problem, gradient, history, root)
        length, scores, value = _line_search(problem, here, direction, scores, value, problem.dot(gradient, direction))
        step, before = length * direction, gradient
        here, num_steps = here + step, num_steps + 1
        gradient = problem.gradient(scores, here)
        history.append((step, gradient - before))
        flat = _flat(problem, gradient, tolerance)
        done = flat | (length == 0)
    return Minimum(parameters=here, num_steps=num_steps, converged=_flat(problem, gradient, tolerance).reshape(-1))


def _flat(problem: Problem, gradient: Tensor, tolerance: float) -> Tensor:
    """(1, P): which problems have no component of the gradient above the tolerance."""
    highest = gradient.abs().amax((0, 1) if problem.joint else 0, keepdim=True).reshape(1, -1)
    return highest <= tolerance


def _root(problem: Problem) -> Tensor:
    """The Cholesky factor (D, D) float64 of the second moments of some rows, with the penalty's share beside."""
    rows = problem.rows[:: -(-len(problem.rows) // MOMENT_ROWS)]
    moments = (rows.T @ rows).double() / len(rows)
    # a logistic loss bends by a quarter at most, so that a penalty weighs four times as much beside the moments
    moments.diagonal().add_(4 * problem.penalty.mean() + 1e-5)
    root: Tensor = torch.linalg.cholesky(moments)
    return root


def _newton_like(problem: Problem, gradient: Tensor, history: deque[tuple[Tensor, Tensor]], root: Tensor) -> Tensor:
    """The two-loop recursion: about the inverse Hessian times the gradient, (D + 1, K)."""
    left, shares = gradient, []
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


def _line_search(
    problem: Problem, here: Tensor, direction: Tensor, scores: Tensor, value: Tensor, slope: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Halve each problem's step until it gives enough; 0 where none does. Costs no pass over the rows.

    Returns:
        Lengths (1, P), the scores there (N, K) and the objectives (1, P).
    """
    along = problem.scores(direction)
    length = torch.ones_like(value)
    for _ in range(_HALVINGS):
        there = torch.addcmul(scores, along, length.float())
        lower = problem.objective(there, here + length * direction)
        enough = lower <= value + _ENOUGH * length * slope + _ROUNDING * value
        if bool(enough.all()):
            return length, there, lower
        length = torch.where(enough, length, length / 2)
    length = torch.where(enough, length, torch.zeros_like(length))
    there = torch.addcmul(scores, along, length.float())
    return length, there, problem.objective(there, here + length * direction)
