"""The pixels as a baseline."""

import numpy as np

from tcae.model.probing.folds import Fold
from tcae.model.probing.linear import LinearConfig, fit_linear
from tcae.model.probing.pixels import COMPONENTS, pixels


def fold_of(num_fitted: int, num_faces: int) -> Fold:
    fitted = np.arange(num_faces) < num_fitted
    return Fold(name="test", fitted=fitted, scored=~fitted)


def test_a_patch_is_found_with_fewer_faces_than_components() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random((180, 1)) < 0.5
    faces = rng.integers(100, 130, (180, 48, 48))
    faces[:, 8:16, 8:16] += 40 * labels[:, :, None]
    fold = fold_of(120, 180)
    features = pixels(faces.astype(np.uint8)).of_fold(fold)
    assert features.shape == (180, 60)
    probe = fit_linear(features[fold.fitted], labels[fold.fitted].astype(np.int8), LinearConfig())
    assert ((probe.logits(features[fold.scored]) > 0) == labels[fold.scored]).mean() > 0.9


def test_many_faces_have_no_more_components_than_an_embedding() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (600, 48, 48)).astype(np.uint8)
    assert pixels(faces).of_fold(fold_of(560, 600)).shape == (600, COMPONENTS)


def test_components_are_learned_from_fitted_faces_only() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (20, 48, 48)).astype(np.uint8)
    other = faces.copy()
    other[12:] = 0
    one, two = (pixels(some).of_fold(fold_of(12, 20))[:12] for some in (faces, other))
    assert np.array_equal(one, two)
