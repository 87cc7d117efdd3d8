"""What every score of a probe is taken on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tcae.model.probing.few_labels import Subset
from tcae.model.probing.folds import Fold
from tcae.model.probing.labelled import LabelledFaces


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """Labelled faces, who is fitted on and who is scored, and how intervals are drawn."""

    faces: LabelledFaces
    folds: tuple[Fold, ...]
    draws: int = 1000
    """Of the bootstrap over identities."""
    seed: int = 0

    def those(self, chosen: NDArray[np.bool_]) -> "Trial":
        """The same on some of the faces, by a mask (N,)."""
        folds = tuple(replace(fold, fitted=fold.fitted[chosen], scored=fold.scored[chosen]) for fold in self.folds)
        return replace(self, faces=self.faces.those(chosen), folds=folds)

    def people(self, chosen: NDArray[np.bool_]) -> list[str]:
        """The identities of some of the faces, by a mask (N,)."""
        names: list[str] = self.faces.rows["identity"][chosen].unique().tolist()
        return names

    def fitted_on(self, subsets: Sequence[Subset]) -> "Trial":
        """The same with fewer identities to fit on: one subset for each fold, of its own."""
        folds = zip(self.folds, subsets, strict=True)
        return replace(self, folds=tuple(replace(fold, fitted=fold.fitted & self._of(some)) for fold, some in folds))

    def _of(self, subset: Subset) -> NDArray[np.bool_]:
        chosen: NDArray[np.bool_] = self.faces.rows["identity"].isin(subset.identities).to_numpy(np.bool_)
        return chosen
