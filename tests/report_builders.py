"""Reports of a probe with made-up scores."""

import math
from dataclasses import replace

from tcae.model.probing.results import (
    AngleScore,
    AuScore,
    ClassScore,
    CurvePoint,
    FewPoint,
    LeakScore,
    OtherScore,
    ProbeReport,
)

BP4D_AUS = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24")
MEANS = {
    "au": 0.531,
    "pose": 0.472,
    "both": 0.538,
    "untrained au": 0.461,
    "untrained pose": 0.463,
    "knn au": 0.449,
    "pixels": 0.509,
    "majority": 0.211,
    "chance": 0.386,
}


def empty_report(dataset: str = "bp4d", title: str = "BP4D") -> ProbeReport:
    """A report without a score."""
    return ProbeReport(
        dataset=dataset,
        title=title,
        origin={"run": "heads", "checkpoint": "best", "step": "4,000", "weights": "raw", "template": "tcae"},
        protocol={"l2": "1.0", "threshold": "0.5"},
        num_labelled_frames=146_847,
        num_without_face=1_203,
    )


def au_scores(folds: tuple[str, ...] = ("1", "2", "3", "pooled", "folds")) -> list[AuScore]:
    """Every representation, action unit and fold; AU24 has no positives in fold 2."""
    return [
        row
        for place, (name, mean) in enumerate(MEANS.items())
        for shift, fold in enumerate(folds)
        for row in _scores_of_fold(name, fold, mean + 0.004 * shift - 0.001 * place)
    ]


def _scores_of_fold(name: str, fold: str, mean: float) -> list[AuScore]:
    rows = []
    for place, au in enumerate(BP4D_AUS):
        is_undefined = fold == "2" and au == "AU24"
        rows.append(
            AuScore(
                representation=name,
                au=au,
                fold=fold,
                f1=math.nan if is_undefined else mean + 0.02 * (place - 5.5),
                auc=None if is_undefined else 0.7,
                accuracy=0.8,
                num_positives=0 if is_undefined else 100 * (place + 1),
                num_labelled=4_000,
            )
        )
    has_interval = name not in ("chance", "majority")
    num_undefined = int(fold == "2")
    rows.append(
        AuScore(
            representation=name,
            au="mean",
            fold=fold,
            f1=mean,
            auc=0.7,
            accuracy=0.8,
            num_undefined=num_undefined,
            f1_low=mean - 0.031 if has_interval else None,
            f1_high=mean + 0.027 if has_interval else None,
        )
    )
    return rows


def au_report() -> ProbeReport:
    """Action units on three folds, and nothing else."""
    return replace(empty_report(), aus=au_scores())


def class_report() -> ProbeReport:
    """Expressions."""
    names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    rows = [
        ClassScore(representation=name, name="accuracy", value=mean, low=mean - 0.01, high=mean + 0.01)
        for name, mean in MEANS.items()
    ]
    rows += [
        ClassScore(representation=name, name=label, value=mean + 0.03 * (place - 3))
        for name, mean in MEANS.items()
        for place, label in enumerate(names)
    ]
    return replace(empty_report("fer2013", "FER-2013"), classes=rows)


def angle_report() -> ProbeReport:
    """Angles of the head."""
    rows = [
        AngleScore(representation=name, angle=angle, mae_degrees=6 + place + shift, r2=0.9 - 0.1 * place)
        for place, name in enumerate(("au", "pose", "pixels", "chance"))
        for shift, angle in enumerate(("yaw", "pitch", "roll"))
    ]
    return replace(empty_report("aflw2000", "Head pose: 300W-LP to AFLW2000"), angles=rows)


def full_report() -> ProbeReport:
    """Rendered heads: every kind of score."""
    seen = (0, 7_100, 12_700, 36_000, 48_000, 95_000)
    curves = {"au": (0.477, 0.431, 0.453, 0.482, 0.489, 0.531), "pose": (0.478, 0.449, 0.453, 0.480, 0.484, 0.472)}
    curve = [
        CurvePoint(
            pairs_seen=pairs,
            step=pairs // 50,
            representation=name,
            f1=f1,
            f1_low=f1 - 0.02,
            f1_high=f1 + 0.02,
            pose_r2=0.9,
        )
        for name, scores in curves.items()
        for pairs, f1 in zip(seen, scores, strict=True)
    ]
    few = [
        FewPoint(
            num_identities=count,
            representation=name,
            f1=mean - 0.1 + 0.05 * place,
            f1_low=mean - 0.14 + 0.055 * place,
            f1_high=mean - 0.07 + 0.045 * place,
            num_repeats=3 if count < 45 else 1,
        )
        for name, mean in (("au", 0.48), ("pose", 0.44), ("pixels", 0.45))
        for place, count in enumerate((1, 3, 9, 45))
    ]
    leak = [
        LeakScore(representation="au", task="au", score=0.531, chance=0.386),
        LeakScore(representation="pose", task="au", score=0.472, chance=0.386, leak=0.59),
        LeakScore(representation="au", task="pose", score=0.87, chance=0.0, leak=0.9),
        LeakScore(representation="pose", task="pose", score=0.97, chance=0.0),
    ]
    others = [
        OtherScore(
            representation="au",
            name="verification AUC",
            value=0.612,
            low=0.58,
            high=0.64,
            chance=0.5,
            note="same or other person",
        ),
        OtherScore(representation="au", name="recall@1", value=math.nan, chance=0.11),
    ]
    return replace(
        empty_report("synthetic", "Rendered heads"),
        notes=["4 of 1,000 frames have no label."],
        aus=au_scores(("val", "test")),
        angles=angle_report().angles,
        others=others,
        curve=curve,
        few=few,
        leak=leak,
        displacement_ratio=5.5,
    )
