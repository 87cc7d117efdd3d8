"""Trials on made-up representations: identities, labels that a direction of the features tells, and folds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tcae.model.probing.folds import Fold
from tcae.model.probing.labelled import LabelledFaces
from tcae.model.probing.representations import Representation, fixed
from tcae.model.probing.trials import Trial

AUS = ("AU01", "AU04", "AU12")


def make_trial(people: int = 6, faces: int = 20, folds: int = 3, seed: int = 0) -> tuple[Trial, Representation]:
    """A trial of three AUs, and features (N, 8) of which the first three tell them but for a tenth of the faces."""
    rng = np.random.default_rng(seed)
    num = people * faces
    features = rng.standard_normal((num, 8)).astype(np.float32)
    labels = (features[:, :3] > 0.3) ^ (rng.random((num, 3)) < 0.1)
    rows = pd.DataFrame(
        {
            "identity": np.repeat([f"p{person}" for person in range(people)], faces),
            "video": np.tile(np.repeat(["a", "b"], faces // 2), people),
            "clip": 0,
            "source_frame": np.tile(np.arange(faces), people),
        }
    )
    person = np.arange(num) // faces
    trial = Trial(
        faces=LabelledFaces(rows=rows, aus=AUS, presence=labels.astype(np.int8), num_labelled_frames=num),
        folds=tuple(_fold(person % folds == number, str(number + 1)) for number in range(folds)),
        draws=50,
    )
    return trial, fixed("au", features)


def with_labels(trial: Trial, presence: NDArray[np.int8]) -> Trial:
    """The same faces with other labels."""
    return replace(trial, faces=replace(trial.faces, presence=presence))


def with_columns(trial: Trial, **columns: Any) -> Trial:
    """The same faces with more known of them."""
    return replace(trial, faces=replace(trial.faces, rows=trial.faces.rows.assign(**columns)))


def _fold(scored: NDArray[np.bool_], name: str) -> Fold:
    return Fold(name=name, fitted=~scored, scored=scored)
