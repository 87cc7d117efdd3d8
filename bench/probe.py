"""Our linear probe against scikit-learn's logistic regression, AU by AU: time, memory, and whether F1 agrees.

    python bench/probe.py [--rows 146847] [--width 256] [--rounds 3] [--decay 0.7]

Made embeddings of 41 identities with planted signal for 12 action units, present in 0.3 % to 50 % of the faces; 3 folds
by identity, as on BP4D. Components are random and independent but for their identity's; with ``--decay`` they are
mixtures whose k-th strongest has a deviation of k^-decay, nearer to what encoders give and harder to fit. Both ways get
the same float32 training rows of a fold and do everything from there: standardise, fit, and score the test rows. Ours
solves all AUs at once; theirs is ``StandardScaler`` and ``LogisticRegression(class_weight="balanced")``, defaults
otherwise, for each AU. They take turns fold by fold with all cores. Memory is this process's peak after ours has done
all folds and before theirs begins. The last line has our seconds for three folds (median over rounds) and how many
times longer theirs takes, by CPU time or by the clock, whichever is less.
"""

import argparse
import os
import platform
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from train import cpu_name

from tcae.model.probing.linear import Features, Floats, Labels, LinearConfig, fit_linear
from tcae.model.probing.metrics import counts_of, f1_of, mean_of

NUM_AUS, NUM_FOLDS, NUM_IDENTITIES = 12, 3, 41


class Made(NamedTuple):
    """Embeddings with planted signal."""

    features: Features
    labels: Labels
    identity: NDArray[np.int64]


class Found(NamedTuple):
    """What a way gave for a fold."""

    logits: Floats
    steps: list[int]
    num_unsolved: int


class Spent(NamedTuple):
    """Seconds."""

    clock: float
    cpu: float


def make(num_rows: int, width: int, decay: float) -> Made:
    """Embeddings, and AUs that they tell in part."""
    generator = np.random.default_rng(0)
    identity = generator.integers(NUM_IDENTITIES, size=num_rows)
    spread = (np.arange(1, width + 1) ** -decay).astype(np.float32)
    hidden = generator.standard_normal((num_rows, width), np.float32)
    hidden += 0.5 * generator.standard_normal((NUM_IDENTITIES, width), np.float32)[identity]
    turn = np.linalg.qr(generator.standard_normal((width, width)))[0].astype(np.float32)
    told = hidden @ generator.standard_normal((width, NUM_AUS), np.float32) / np.sqrt(width)
    told += 0.7 * generator.standard_normal((num_rows, NUM_AUS), np.float32)
    shares = np.geomspace(0.003, 0.5, NUM_AUS)
    highest = [np.quantile(told[:, au], 1 - share) for au, share in enumerate(shares)]
    labels = (told > np.array(highest, np.float32)).astype(np.int8)
    labels[generator.random(labels.shape) < 0.01] = -1
    return Made((hidden * spread) @ turn, labels, identity)


def ours(features: Features, labels: Labels, tested: Features) -> Found:
    """All AUs at once."""
    probe = fit_linear(features, labels, LinearConfig())
    return Found(probe.logits(tested), [probe.num_steps], int(not probe.converged))


def theirs(features: Features, labels: Labels, tested: Features) -> Found:
    """One AU after the other."""
    scaler = StandardScaler().fit(features)
    rows, tested = scaler.transform(features), scaler.transform(tested)
    logits, steps, num_unsolved = np.empty((len(tested), labels.shape[1]), np.float32), [], 0
    for au in range(labels.shape[1]):
        known = labels[:, au] >= 0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model = LogisticRegression(class_weight="balanced").fit(rows[known], labels[known, au])
        logits[:, au] = model.decision_function(tested)
        steps.append(int(model.n_iter_[0]))
        num_unsolved += len(caught)
    return Found(logits, steps, num_unsolved)


def fold_of(made: Made, fold: int, way: Callable[[Features, Labels, Features], Found]) -> tuple[Found, Spent]:
    """Fit on the other folds, score this one; what is timed begins with the fold's own rows."""
    is_tested = made.identity % NUM_FOLDS == fold
    rows = made.features[~is_tested], made.labels[~is_tested], made.features[is_tested]
    clock, cpu = time.perf_counter(), time.process_time()
    found = way(*rows)
    return found, Spent(time.perf_counter() - clock, time.process_time() - cpu)


def f1_by_fold(made: Made, logits: list[Floats]) -> NDArray[np.float64]:
    """Of each fold and AU, (F, A)."""
    rows = []
    for fold, found in enumerate(logits):
        tested = made.identity % NUM_FOLDS == fold
        counted = counts_of(made.identity[tested].astype(np.str_), made.labels[tested], found)
        rows.append(f1_of(counted.counts.sum(0)))
    return np.stack(rows)


def total(spent: list[Spent]) -> Spent:
    """Of all folds of a round."""
    return Spent(sum(each.clock for each in spent), sum(each.cpu for each in spent))


def tell_f1(made: Made, found: dict[str, list[Found]]) -> None:
    """F1 of both ways on the test rows, and how far they are apart."""
    one, other = (f1_by_fold(made, [each.logits for each in folds]) * 100 for folds in found.values())
    print(f"\n{'present, %':>12} {'our F1':>8} {'their F1':>8}")
    for au in range(NUM_AUS):
        share = (made.labels[:, au] == 1).mean() * 100
        print(f"{share:12.1f} {mean_of(one[:, au]).value:8.2f} {mean_of(other[:, au]).value:8.2f}")
    means = [mean_of(each.ravel()).value for each in (one, other)]
    print(
        f"{'mean':>12} {means[0]:8.2f} {means[1]:8.2f}; furthest apart in one AU and fold {abs(one - other).max():.2f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=146_847)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--decay", type=float, default=0.0)
    options = parser.parse_args()
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {torch.get_num_threads()} threads"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cpu_name()}, {load}")
    print(f"Python {platform.python_version()}, torch {torch.__version__}, scikit-learn {sklearn.__version__}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made = make(options.rows, options.width, options.decay)
    print(
        f"{options.rows:,} x {options.width}, {NUM_AUS} AUs, {NUM_FOLDS} folds, decay {options.decay}, "
        f"{options.rounds} rounds\n"
    )
    for fold in range(NUM_FOLDS):
        fold_of(made, fold, ours)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak / 2**20:.2f} GB, of which {before / 2**20:.2f} GB before the embeddings were made")

    spent: dict[str, list[Spent]] = {"ours": [], "theirs": []}
    found: dict[str, list[Found]] = {}
    for _ in range(options.rounds):
        folds = [[fold_of(made, fold, way) for way in (ours, theirs)] for fold in range(NUM_FOLDS)]
        for number, name in enumerate(spent):
            found[name] = [fold[number][0] for fold in folds]
            spent[name].append(total([fold[number][1] for fold in folds]))
    for name, rounds in spent.items():
        clocks, cpus = ([getattr(each, kind) for each in rounds] for kind in ("clock", "cpu"))
        steps = sorted(step for each in found[name] for step in each.steps)
        print(
            f"{name:8} {statistics.median(clocks):7.2f} s by the clock ({min(clocks):.2f} to {max(clocks):.2f}), "
            f"{statistics.median(cpus):7.2f} s of CPU; {steps[0]} to {steps[-1]} steps, "
            f"{sum(each.num_unsolved for each in found[name])} of {len(steps)} stopped before they were solved"
        )
    tell_f1(made, found)
    ratios = [
        statistics.median(getattr(b, kind) / getattr(a, kind) for a, b in zip(*spent.values(), strict=True))
        for kind in ("clock", "cpu")
    ]
    print(f"\ntimes faster: {ratios[0]:.2f} by the clock, {ratios[1]:.2f} by CPU time; load {os.getloadavg()[0]:.1f}")
    print(f"seconds {statistics.median(each.clock for each in spent['ours']):.1f} ratio {min(ratios):.2f}")


if __name__ == "__main__":
    main()
