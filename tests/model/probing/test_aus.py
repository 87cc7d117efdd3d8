"""Action units, fold by fold."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from tcae.model.probing import classifiers
from tcae.model.probing.aus import au_scores, decide, mean_f1
from tcae.model.probing.linear import LinearConfig
from tcae.model.probing.results import FOLDS, MEAN, POOLED, AuScore
from tcae.model.probing.trials import Trial
from tests.probe_builders import AUS, make_trial, with_labels

LINEAR = classifiers.linear(LinearConfig(tolerance=1e-7, max_steps=500))


def found(rows: list[AuScore], au: str, fold: str) -> AuScore:
    (row,) = [row for row in rows if (row.au, row.fold) == (au, fold)]
    return row


def scikit(trial: Trial, features: np.ndarray, au: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of all folds, by scikit-learn, fold after fold."""
    labels, logits = [], []
    for fold in trial.folds:
        scaler = StandardScaler().fit(features[fold.fitted])
        model = LogisticRegression(class_weight="balanced", tol=1e-8, max_iter=1000)
        model.fit(scaler.transform(features[fold.fitted]), trial.faces.presence[fold.fitted, au])
        logits.append(model.decision_function(scaler.transform(features[fold.scored])))
        labels.append(trial.faces.presence[fold.scored, au])
    return np.array(labels), np.array(logits)


def test_both_conventions_of_f1_are_those_of_scikit_learn() -> None:
    trial, representation = make_trial()
    rows = list(au_scores("au", decide(representation, LINEAR, trial), trial))
    features = representation.of_fold(trial.folds[0])
    for number, au in enumerate(AUS):
        labels, logits = scikit(trial, features, number)
        each = [f1_score(known, made > 0) for known, made in zip(labels, logits, strict=True)]
        pooled, folds = found(rows, au, POOLED), found(rows, au, FOLDS)
        assert pooled.f1 == pytest.approx(f1_score(labels.ravel(), logits.ravel() > 0), abs=1e-9)
        assert pooled.auc == pytest.approx(roc_auc_score(labels.ravel(), logits.ravel()), abs=1e-4)
        assert folds.f1 == pytest.approx(np.mean(each), abs=1e-9)
        assert [found(rows, au, fold).f1 for fold in "123"] == pytest.approx(each)
        assert pooled.num_positives == labels.sum()


def test_the_mean_is_over_action_units_and_lies_in_its_interval() -> None:
    trial, representation = make_trial()
    decided = decide(representation, LINEAR, trial)
    rows = list(au_scores("au", decided, trial))
    mean = found(rows, MEAN, POOLED)
    assert mean.f1 == pytest.approx(np.mean([found(rows, au, POOLED).f1 or 0 for au in AUS]))
    assert mean.f1 == pytest.approx(mean_f1(decided))
    assert (mean.f1_low or 1) < (mean.f1 or 0) < (mean.f1_high or 0)


def test_an_au_without_positives_in_a_fold_is_nan_there_and_counted() -> None:
    trial, representation = make_trial()
    presence = trial.faces.presence.copy()
    presence[trial.folds[0].scored, 0] = 0
    rows = list(au_scores("au", decide(representation, LINEAR, with_labels(trial, presence)), trial))
    assert np.isnan(found(rows, "AU01", "1").f1 or 0)
    assert found(rows, MEAN, "1").num_undefined == 1
    others = [found(rows, "AU01", fold).f1 or 0 for fold in "23"]
    assert found(rows, "AU01", FOLDS).f1 == pytest.approx(np.mean(others))


def test_missing_labels_count_nowhere() -> None:
    trial, representation = make_trial()
    presence = trial.faces.presence.copy()
    presence[::4, 1] = -1
    rows = list(au_scores("au", decide(representation, LINEAR, with_labels(trial, presence)), trial))
    assert found(rows, "AU04", POOLED).num_labelled == (presence[:, 1] >= 0).sum()


def test_all_positive_has_the_f1_of_the_rate_of_positives() -> None:
    trial, representation = make_trial(folds=2)
    rows = list(au_scores("chance", decide(representation, classifiers.all_positive, trial), trial))
    rate = trial.faces.presence[:, 0].mean()
    assert found(rows, "AU01", POOLED).f1 == pytest.approx(2 * rate / (1 + rate))


def test_majority_answers_as_most_fitted_faces_do() -> None:
    trial, representation = make_trial()
    presence = np.ones_like(trial.faces.presence)
    presence[:, 1] = 0
    presence[0] = 1 - presence[0]
    rows = list(
        au_scores("majority", decide(representation, classifiers.majority, with_labels(trial, presence)), trial)
    )
    assert found(rows, "AU01", POOLED).f1 == pytest.approx(1, abs=0.01)
    assert found(rows, "AU04", POOLED).f1 == 0


def test_neighbours_vote() -> None:
    trial, representation = make_trial(faces=60)
    assert mean_f1(decide(representation, classifiers.neighbours(5), trial)) > 0.6


def test_a_single_fold_has_no_joined_rows() -> None:
    trial, representation = make_trial()
    one = Trial(faces=trial.faces, folds=trial.folds[:1], draws=10)
    assert {row.fold for row in au_scores("au", decide(representation, LINEAR, one), one)} == {"1"}
