"""What a probe found: the rows of its tables and the report that holds them all.

Every score is a share, 0 to 1 (R2 may fall below 0); pages and tables print percent. None is a score that does not
exist, such as an F1 without positives; NaN is taken as None wherever it is shown or written. The files are written by
``tcae.model.probing.report``.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from tcae.manifests.errors import ConfigError

MEAN = "mean"
"""Stands in ``AuScore.au`` for the mean over the action units, and in ``AngleScore.angle`` for that over the angles."""
POOLED = "pooled"
"""Stands in ``AuScore.fold``: F1 of the counts of all folds together."""
FOLDS = "folds"
"""Stands in ``AuScore.fold``: the mean of the folds' F1."""
CHANCE = "chance"
"""The representation of the row that says yes to every frame at random or always; drawn as a line."""

_HEADLINES = (POOLED, "test", FOLDS, "val")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuScore:
    """Table ``scores``: one row for each representation, action unit and fold."""

    representation: str
    """What was probed: ``au``, ``pose``, ``both``, ``untrained au``, ``pixels``, ``knn au``, ``chance``, ..."""
    au: str
    """``AU01`` ..., or ``mean``: over the action units whose F1 exists."""
    fold: str
    """``1``, ``2``, ``3``, ``val``, ``test``, ``pooled`` (F1 of all folds' counts) or ``folds`` (mean of theirs)."""
    f1: float | None
    """None without positives among the labels."""
    f1_low: float | None = None
    f1_high: float | None = None
    """The 95 % interval, bootstrapped over identities."""
    auc: float | None = None
    accuracy: float | None = None
    num_positives: int | None = None
    num_labelled: int | None = None
    num_undefined: int = 0
    """Action units, or folds, without positives that a mean leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """One number of a multi-class probe."""

    representation: str
    name: str
    """``accuracy``, or a class: then the value is its recall."""
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AngleScore:
    """How well one angle of the head is read."""

    representation: str
    angle: str
    """``yaw``, ``pitch``, ``roll`` or ``mean``."""
    mae_degrees: float | None
    r2: float | None
    r2_low: float | None = None
    r2_high: float | None = None
    """The 95 % interval, bootstrapped over identities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherScore:
    """One number of another evaluation: verification, retrieval, ..."""

    representation: str
    name: str
    """E.g. ``verification AUC``, ``recall@1``."""
    value: float | None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """A point of the learning curve: one checkpoint, scored as the run's end is."""

    pairs_seen: int
    """0 is the encoder as the run began it."""
    step: int
    representation: str
    f1: float | None
    """Mean over action units."""
    f1_low: float | None = None
    f1_high: float | None = None
    pose_r2: float | None = None
    """Mean over yaw and pitch: alignment takes roll away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewPoint:
    """Mean F1 of a probe fitted on few identities."""

    num_identities: int
    representation: str
    f1: float | None
    """Mean over the draws of identities."""
    f1_low: float | None = None
    f1_high: float | None = None
    """Lowest and highest draw."""
    num_repeats: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakScore:
    """What one embedding knows of one kind of movement."""

    representation: str
    """``au`` or ``pose``."""
    task: str
    """``au``: ``score`` is the mean F1; ``pose``: the mean R2 of yaw and pitch."""
    score: float | None
    chance: float | None = None
    """What knowing nothing scores."""
    leak: float | None = None
    """Crossed tasks only: (score - chance) / (score of the embedding that is meant for the task - chance)."""


@dataclass(frozen=True, kw_only=True)
class ProbeReport:
    """Everything that a probe found; what a set does not have is empty."""

    dataset: str
    title: str
    origin: Mapping[str, str]
    """Where the embeddings come from: run, checkpoint, step, weights, template."""
    protocol: Mapping[str, str]
    """Every option of the probe, by name."""
    num_labelled_frames: int
    num_without_face: int
    """Of the labelled frames."""
    notes: Sequence[str] = ()
    aus: Sequence[AuScore] = ()
    classes: Sequence[ClassScore] = ()
    angles: Sequence[AngleScore] = ()
    others: Sequence[OtherScore] = ()
    curve: Sequence[CurvePoint] = ()
    few: Sequence[FewPoint] = ()
    leak: Sequence[LeakScore] = ()
    displacement_ratio: float | None = None
    """Mean length of the pose displacement over that of the AU displacement."""

    def __post_init__(self) -> None:
        shares = [row.f1 for row in self.aus] + [row.f1 for row in self.curve] + [row.f1 for row in self.few]
        wrong = [share for share in shares if is_defined(share) and not 0 <= share <= 1]
        if wrong:
            raise ConfigError(f"a score is {wrong[0]:g}; scores are shares between 0 and 1, not percent")


def is_defined(score: float | None) -> TypeGuard[float]:
    """Whether a score exists."""
    return score is not None and not math.isnan(score)


def headline_fold(report: ProbeReport) -> str | None:
    """The fold whose mean stands for a representation in figures: pooled, else test, else what there is."""
    return _headline({row.fold for row in report.aus})


def headline_scores(report: ProbeReport) -> list[AuScore]:
    """One row for each representation, in the report's order: its mean F1 in the headline fold."""
    return headline_of(report.aus)


def headline_of(rows: Sequence[AuScore]) -> list[AuScore]:
    """The same of rows that are in no report yet."""
    fold = _headline({row.fold for row in rows})
    return [row for row in rows if row.au == MEAN and row.fold == fold]


def _headline(folds: Collection[str]) -> str | None:
    return next((fold for fold in _HEADLINES if fold in folds), min(folds, default=None))


def angles_with_mean(report: ProbeReport) -> list[AngleScore]:
    """Each representation's angles, and behind them their mean where the report has none."""
    scores: list[AngleScore] = []
    for name in distinct(row.representation for row in report.angles):
        mine = [row for row in report.angles if row.representation == name]
        scores += mine
        if len(mine) > 1 and MEAN not in {row.angle for row in mine}:
            error, r2 = (_mean([getattr(row, field) for row in mine]) for field in ("mae_degrees", "r2"))
            scores.append(AngleScore(representation=name, angle=MEAN, mae_degrees=error, r2=r2))
    return scores


def _mean(values: Sequence[float | None]) -> float | None:
    """None where one of them does not exist."""
    found = [value for value in values if is_defined(value)]
    return sum(found) / len(found) if len(found) == len(values) else None


def distinct(values: Iterable[str]) -> list[str]:
    """Values without those that came before, in their order."""
    return list(dict.fromkeys(values))
