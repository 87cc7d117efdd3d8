"""Curves: the mean F1 against the pairs that an encoder has seen, and against the identities that are labelled."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from tcae.model.probing.aus import decide, mean_f1
from tcae.model.probing.classifiers import Classifier
from tcae.model.probing.encoders import Probed
from tcae.model.probing.few_labels import COUNTS, subsets
from tcae.model.probing.intervals import IntervalConfig, pooled_intervals
from tcae.model.probing.linear import Features
from tcae.model.probing.metrics import mean_of
from tcae.model.probing.poses import angle_errors, pose_r2
from tcae.model.probing.representations import Representation, fixed
from tcae.model.probing.results import CurvePoint, FewPoint
from tcae.model.probing.trials import Trial

Embed = Callable[[Probed], Mapping[str, Features]]
"""An encoder's embeddings of the labelled faces, by name."""


def learning_curve(
    subjects: Iterable[Probed], embed: Embed, classifier: Classifier, trial: Trial
) -> Iterator[CurvePoint]:
    """Score encoders, such as those of a run's checkpoints, as the run's end is scored."""
    config = IntervalConfig(draws=trial.draws, seed=trial.seed)
    for subject in subjects:
        for name, features in embed(subject).items():
            decided = decide(fixed(name, features), classifier, trial)
            low, high = pooled_intervals(np.concatenate([fold.counts for fold in decided]), config).mean
            errors = angle_errors(fixed(name, features), trial)
            yield CurvePoint(
                pairs_seen=subject.pairs_seen or 0,
                step=subject.origin.step,
                representation=name,
                f1=mean_f1(decided),
                f1_low=low,
                f1_high=high,
                pose_r2=None if errors is None else pose_r2(errors),
            )


def few_labels(representation: Representation, classifier: Classifier, trial: Trial) -> Iterator[FewPoint]:
    """Mean F1 with 1, 3, 9 and all identities to fit on, and the spread over the draws of these.

    Each fold has so many identities of its own to fit on. All of them are counted as the largest fold's.
    """
    people = [trial.people(fold.fitted) for fold in trial.folds]
    most = max(map(len, people))
    found: dict[int, list[float]] = {}
    for count in sorted({min(count or most, most) for count in COUNTS}):
        choices = [subsets(names, [count], seed=trial.seed) for names in people]
        for repeat in range(max(map(len, choices))):
            few = trial.fitted_on([choice[min(repeat, len(choice) - 1)] for choice in choices])
            found.setdefault(count, []).append(mean_f1(decide(representation, classifier, few)))
    for num_identities, scores in found.items():
        yield FewPoint(
            num_identities=num_identities,
            representation=representation.name,
            f1=mean_of(np.array(scores)).value,
            f1_low=float(np.fmin.reduce(scores)),  # without the draws that have no score
            f1_high=float(np.fmax.reduce(scores)),
            num_repeats=len(scores),
        )
