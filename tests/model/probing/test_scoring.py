"""Poses, expressions, curves, similarity, and the rows that a report compares."""

import numpy as np
import pytest

from tcae.manifests.labels import ANGLES
from tcae.model.probing import classifiers
from tcae.model.probing.curves import few_labels
from tcae.model.probing.linear import LinearConfig
from tcae.model.probing.poses import angle_errors
from tcae.model.probing.representations import fixed
from tcae.model.probing.results import CHANCE, MEAN, is_defined
from tcae.model.probing.scoring import Compared, score_angles, score_aus, score_classes, score_leak
from tcae.model.probing.similarity import similarity_scores
from tcae.model.probing.trials import Trial
from tests.probe_builders import make_trial, with_columns, with_labels

CONFIG = LinearConfig()


def turned(trial: Trial, features: np.ndarray) -> Trial:
    """Angles that the last three features tell."""
    return with_columns(trial, **dict(zip(ANGLES, 10 * features[:, -3:].T, strict=True)))


def test_every_compared_representation_has_its_rows() -> None:
    trial, au = make_trial()
    pixels = fixed("pixels", au.of_fold(trial.folds[0])[:, ::-1].copy())
    rows = list(score_aus(Compared(probed=[au], baselines=[pixels], neighbours=3), trial, CONFIG))
    assert {row.representation for row in rows} == {"au", "pixels", "knn au", CHANCE, "majority"}
    assert {row.representation for row in score_aus(Compared(probed=[au], neighbours=0), trial, CONFIG)} == {
        "au",
        CHANCE,
        "majority",
    }


def test_angles_that_the_features_hold_are_read() -> None:
    trial, au = make_trial()
    rows = list(score_angles(Compared(probed=[au]), turned(trial, au.of_fold(trial.folds[0])), CONFIG))
    assert [row.angle for row in rows] == ["yaw", "pitch", "roll", MEAN]
    assert all(row.r2 is not None and row.r2 > 0.99 for row in rows)


def test_labels_without_angles_give_no_row() -> None:
    trial, au = make_trial()
    assert list(score_angles(Compared(probed=[au]), trial, CONFIG)) == []
    missing = with_columns(trial, **dict.fromkeys(ANGLES, np.nan))
    assert angle_errors(au, missing) is None


def test_the_leak_is_what_the_wrong_embedding_knows_of_what_the_right_one_does() -> None:
    trial, whole = make_trial(faces=60)
    features = whole.of_fold(trial.folds[0])
    au, pose = features.copy(), features.copy()
    au[:, -3:], pose[:, :3] = 0, 0
    trial = turned(trial, features)
    compared = Compared(probed=[fixed("au", au), fixed("pose", pose)], neighbours=0)
    rows = score_leak(list(score_aus(compared, trial, CONFIG)), list(score_angles(compared, trial, CONFIG)))
    leak = {(row.representation, row.task): row.leak for row in rows}
    assert leak["au", "pose"] == pytest.approx(0, abs=0.05)
    assert (leak["pose", "au"] or 0) < 0.3  # a guess scores below calling every AU present
    assert leak["au", "au"] is leak["pose", "pose"] is None


def test_no_leak_is_told_without_angles_or_without_the_other_embedding() -> None:
    trial, au = make_trial()
    aus = list(score_aus(Compared(probed=[au]), trial, CONFIG))
    assert score_leak(aus, []) == []


def test_expressions_that_the_features_tell_are_chosen() -> None:
    trial, au = make_trial(faces=60)
    features = au.of_fold(trial.folds[0])
    names = np.array(["anger", "fear", "happiness"])[features[:, :3].argmax(1)]
    rows = list(score_classes(Compared(probed=[au]), with_columns(trial, expression=names), CONFIG))
    values = {(row.representation, row.name): row.value for row in rows}
    assert (values["au", "accuracy"] or 0) > 0.9
    assert values["majority", "accuracy"] == pytest.approx(0.33, abs=0.1)
    assert {name for _, name in values} == {"accuracy", "anger", "fear", "happiness"}


def test_a_face_without_an_expression_counts_nowhere() -> None:
    trial, au = make_trial()
    names = np.array(["anger", "fear"], object)[np.arange(120) % 2]
    names[:60] = None
    rows = list(score_classes(Compared(probed=[au]), with_columns(trial, expression=names), CONFIG))
    assert {row.name for row in rows} == {"accuracy", "anger", "fear"}


def test_more_labelled_identities_score_higher() -> None:
    trial, au = make_trial(people=15, faces=12)
    points = list(few_labels(au, classifiers.linear(CONFIG), trial))
    assert [point.num_identities for point in points] == [1, 3, 9, 10]
    assert [point.num_repeats for point in points] == [3, 3, 3, 1]
    assert (points[0].f1 or 0) < (points[-1].f1 or 0)


def test_every_fold_is_fitted_on_as_many_identities_as_are_told() -> None:
    trial, au = make_trial(people=15, faces=4)
    seen: list[int] = []

    def count(fitted: np.ndarray, labels: np.ndarray, scored: np.ndarray) -> np.ndarray:
        seen.append(len(fitted) // 4)
        return np.zeros((len(scored), labels.shape[1]), np.float32)

    list(few_labels(au, count, trial))
    assert seen == [1] * 9 + [3] * 9 + [9] * 9 + [10] * 3


def test_labels_without_a_positive_have_no_score_with_few_identities_either() -> None:
    trial, au = make_trial()
    absent = with_labels(trial, np.zeros_like(trial.faces.presence))
    points = list(few_labels(au, classifiers.linear(CONFIG), absent))
    assert not any(is_defined(score) for point in points for score in (point.f1, point.f1_low, point.f1_high))


def test_similarity_is_told_of_scored_faces_only() -> None:
    trial, au = make_trial()
    names = [row.name for row in similarity_scores("au", au.of_fold(trial.folds[0]), trial)]
    assert names == ["verification AUC", "identity@1", "recall@1", "recall@5", "recall@10", "Jaccard of AUs at 1"]
    one = Trial(faces=trial.faces, folds=trial.folds[:1])
    some, every = (list(similarity_scores("au", au.of_fold(trial.folds[0]), part)) for part in (one, trial))
    assert int(some[-1].note.split()[0]) < int(every[-1].note.split()[0])


def test_recall_says_how_many_queries_it_is_over() -> None:
    trial, au = make_trial(people=2, faces=2)
    presence = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 1]], np.int8)
    rows = list(similarity_scores("au", au.of_fold(trial.folds[0]), with_labels(trial, presence)))
    notes = {row.name: row.note for row in rows}
    assert notes["recall@1"].startswith("2 of 4 queries; 0 faces with a missing label are left out, and queries whose")
    assert notes["Jaccard of AUs at 1"] == "4 queries; 0 faces with a missing label are left out"
    assert notes["verification AUC"] == "across videos"


def test_faces_of_one_picture_each_have_no_verification() -> None:
    trial, au = make_trial(people=30, faces=2)
    alone = with_columns(trial, identity=[f"q{row}" for row in range(60)])
    names = [row.name for row in similarity_scores("au", au.of_fold(trial.folds[0]), alone)]
    assert "verification AUC" not in names


def test_labels_that_are_never_complete_have_no_retrieval() -> None:
    trial, au = make_trial()
    presence = trial.faces.presence.copy()
    presence[:, 0] = -1
    names = [row.name for row in similarity_scores("au", au.of_fold(trial.folds[0]), with_labels(trial, presence))]
    assert names == ["verification AUC", "identity@1"]


def test_an_identity_is_found_where_its_other_videos_faces_are_nearest() -> None:
    trial, _ = make_trial(people=5, faces=4)
    people = trial.faces.identities
    known = (np.eye(5, dtype=np.float32)[people] + np.random.default_rng(0).normal(0, 0.01, (20, 5))).astype(np.float32)
    rows = {row.name: row for row in similarity_scores("au", known, trial)}
    assert (rows["identity@1"].value, rows["identity@1"].low, rows["identity@1"].high) == (1, 1, 1)
    assert rows["identity@1"].chance == pytest.approx(2 / 18)
    assert rows["verification AUC"].low == rows["verification AUC"].high == 1


def test_without_a_second_video_identities_are_looked_for_in_other_clips() -> None:
    trial, au = make_trial()
    features, clips = au.of_fold(trial.folds[0]), np.arange(len(trial.faces.rows)) % 2
    alone, apart = with_columns(trial, video="a"), with_columns(trial, video="a", clip=clips)
    names = [row.name for row in similarity_scores("au", features, alone)]
    assert "verification AUC" in names
    assert "identity@1" not in names
    notes = {row.name: row.note for row in similarity_scores("au", features, apart)}
    assert notes["identity@1"] == "120 faces, the nearest of other clips"


def test_angles_have_an_interval_over_identities() -> None:
    trial, au = make_trial()
    features = au.of_fold(trial.folds[0])
    angles = {f"{name}_degrees": features[:, column] for column, name in enumerate(("yaw", "pitch", "roll"))}
    rows = list(score_angles(Compared(probed=[au]), with_columns(trial, **angles), CONFIG))
    assert [row.angle for row in rows] == ["yaw", "pitch", "roll", "mean"]
    assert all(row.r2_low is not None and row.r2_low <= row.r2 <= row.r2_high for row in rows)  # type: ignore[operator]
