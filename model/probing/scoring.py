"""Every score of a report, for the representations that it compares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tcae.model.probing import classifiers
from tcae.model.probing.aus import au_scores, decide
from tcae.model.probing.expressions import choose, class_scores, most_frequent
from tcae.model.probing.leak import Knowledge, Leak
from tcae.model.probing.linear import LinearConfig
from tcae.model.probing.poses import angle_scores, tell_angles
from tcae.model.probing.representations import Representation
from tcae.model.probing.results import CHANCE, AngleScore, AuScore, ClassScore, LeakScore, distinct, headline_of
from tcae.model.probing.trials import Trial

MAJORITY = "majority"

_TOLD = ("yaw", "pitch")


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """What stands in the rows of a report."""

    probed: Sequence[Representation]
    """Of the encoder."""
    baselines: Sequence[Representation] = ()
    """An untrained encoder's, the pixels."""
    neighbours: int = 20
    """Whose vote gives the kNN rows of what is probed; 0 for none."""

    @property
    def all(self) -> list[Representation]:
        """Both."""
        return [*self.probed, *self.baselines]


def score_aus(compared: Compared, trial: Trial, config: LinearConfig) -> Iterator[AuScore]:
    """Rows of the linear probe, of the neighbours, and of knowing nothing."""
    rows = [(each.name, each, classifiers.linear(config)) for each in compared.all]
    if compared.neighbours:
        vote = classifiers.neighbours(compared.neighbours)
        rows += [(f"knn {each.name}", each, vote) for each in compared.probed]
    rows += [(CHANCE, compared.all[0], classifiers.all_positive), (MAJORITY, compared.all[0], classifiers.majority)]
    for name, representation, classifier in rows:
        yield from au_scores(name, decide(representation, classifier, trial), trial)


def score_classes(compared: Compared, trial: Trial, config: LinearConfig) -> Iterator[ClassScore]:
    """Rows of the linear probe, and of each fold's most frequent class."""
    for representation in compared.all:
        yield from class_scores(representation.name, choose(representation, trial, config), trial)
    yield from class_scores(MAJORITY, most_frequent(trial), trial)


def score_angles(compared: Compared, trial: Trial, config: LinearConfig) -> Iterator[AngleScore]:
    """Rows of the ridge regression; none where the labels have no angles."""
    for representation in compared.all:
        told = tell_angles(representation, trial, config.l2)
        if told is not None:
            yield from angle_scores(representation.name, told, trial)


def score_leak(aus: Sequence[AuScore], angles: Sequence[AngleScore]) -> list[LeakScore]:
    """What each embedding knows of both kinds of movement, from rows that stand already; none if one is missing."""
    f1 = {row.representation: row.f1 for row in headline_of(aus)}
    r2 = {name: _r2(name, angles) for name in distinct(row.representation for row in angles)}
    if not all(name in scores for name in ("au", "pose") for scores in (f1, r2)):
        return []
    au, pose = (Knowledge(name, _number(f1[name]), r2[name]) for name in ("au", "pose"))
    leak = Leak(au=au, pose=pose, chance_f1=_number(f1[CHANCE]))
    return [
        LeakScore(representation="au", task="au", score=au.au_f1, chance=leak.chance_f1),
        LeakScore(representation="au", task="pose", score=au.pose_r2, chance=0.0, leak=leak.of_pose),
        LeakScore(representation="pose", task="au", score=pose.au_f1, chance=leak.chance_f1, leak=leak.of_aus),
        LeakScore(representation="pose", task="pose", score=pose.pose_r2, chance=0.0),
    ]


def _r2(name: str, angles: Sequence[AngleScore]) -> float:
    """As ``poses.pose_r2``."""
    return float(np.mean([_number(row.r2) for row in angles if row.representation == name and row.angle in _TOLD]))


def _number(score: float | None) -> float:
    return np.nan if score is None else score
