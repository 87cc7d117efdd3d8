"""What every score of a probe is taken on."""

from dataclasses import dataclass, replace

import numpy as np

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

    def fitted_on(self, subset: Subset) -> "Trial":
        """The same with fewer identities to fit on; a fold keeps those of its own that the subset has."""
        chosen = self.faces.rows["identity"].isin(subset.identities).to_numpy(np.bool_)
        return replace(self, folds=tuple(replace(fold, fitted=fold.fitted & chosen) for fold in self.folds))
