"""The pixels themselves, as a baseline: grey faces of 48x48, by their principal components."""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from tcae.manifests.face_files import Read
from tcae.model.data.faces import FaceFileError
from tcae.model.encoders.reading import read_ahead
from tcae.model.probing.folds import Fold
from tcae.model.probing.linear import Features
from tcae.model.probing.representations import Representation

SIDE = 48
"""Of the grey faces."""

COMPONENTS = 256
"""That are kept, as many as an embedding has; at most half as many as faces are fitted on.

The probe standardises its features. With as many components as faces, each as wide as the others, every face would be
as far from every other one, and the probe would learn them by heart.
"""

MOST_FACES = 10_000
"""That the components are learned from; beyond it a seeded draw of so many."""

_BATCH = 256


def pixels(faces: NDArray[np.uint8]) -> Representation:
    """Components learned from the fitted faces of each fold (scikit-learn's PCA, randomised, seeded)."""
    flat, made = faces.reshape(len(faces), -1), dict[str, Features]()

    def of_fold(fold: Fold) -> Features:
        if fold.name not in made:
            made.clear()  # one fold's at a time, for they are as large as embeddings
            made[fold.name] = _components(flat, fold)
        return made[fold.name]

    return Representation(name="pixels", of_fold=of_fold)


def _components(flat: NDArray[np.uint8], fold: Fold) -> Features:
    fitted = np.flatnonzero(fold.fitted)
    if len(fitted) > MOST_FACES:
        fitted = np.sort(np.random.default_rng(0).choice(fitted, MOST_FACES, replace=False))
    known = flat[fitted].astype(np.float32) / 255
    num_components = min(COMPONENTS, max(1, len(known) // 2))
    pca = PCA(num_components, svd_solver="randomized", random_state=0).fit(known)
    parts = [
        pca.transform(flat[start : start + MOST_FACES].astype(np.float32) / 255)
        for start in range(0, len(flat), MOST_FACES)
    ]
    return np.concatenate(parts).astype(np.float32)


def read_grey(files: Sequence[Path], read: Read) -> NDArray[np.uint8]:
    """Grey faces (N, 48, 48), whose bytes ``read`` gives.

    One that cannot be read is black, and an encoder's embedding has left it out before.
    """
    grey = np.zeros((len(files), SIDE, SIDE), np.uint8)
    batches = [(start, files[start : start + _BATCH]) for start in range(0, len(files), _BATCH)]
    threads = os.cpu_count() or 1
    for start, faces in read_ahead(batches, SIDE, batch_size=_BATCH, threads=threads, read=read):
        for row, face in enumerate(faces, start):
            if not isinstance(face, FaceFileError):
                grey[row] = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    return grey
