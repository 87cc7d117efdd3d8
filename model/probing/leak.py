"""How well two embeddings are told apart: what each knows of AUs and of pose, and what it should not know.

The crossed leak is what the wrong embedding knows above knowing nothing, as a share of what the right one knows above
it: 0 where the branches are separate, 1 where the wrong one serves as well. It is below 0 where the wrong embedding
does worse than knowing nothing, and above 1 where the branches have changed roles.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple


class Knowledge(NamedTuple):
    """What one embedding knows."""

    embedding: str
    """``au`` or ``pose``."""
    au_f1: float
    """Mean over AUs, in 0 to 1."""
    pose_r2: float
    """Mean over yaw and pitch, at most 1; 0 knows nothing."""


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What both embeddings know."""

    au: Knowledge
    pose: Knowledge
    chance_f1: float
    """Mean F1 of knowing nothing, such as calling each AU present everywhere; in 0 to 1."""
    displacement_ratio: float | None = None
    """Mean length of the pose displacement over that of the AU one; under 1 the branches have changed roles."""

    @property
    def of_aus(self) -> float:
        """What the pose embedding knows of AUs; NaN where the AU embedding knows nothing."""
        return _share(self.pose.au_f1 - self.chance_f1, self.au.au_f1 - self.chance_f1)

    @property
    def of_pose(self) -> float:
        """What the AU embedding knows of pose; NaN where the pose embedding knows nothing."""
        return _share(self.au.pose_r2, self.pose.pose_r2)


def _share(wrong: float, right: float) -> float:
    """NaN, too, where either is."""
    return wrong / right if right > 0 else math.nan
