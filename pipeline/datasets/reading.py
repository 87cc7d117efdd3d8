"""What every reader of a labelled set takes and gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa

from tcae.manifests.errors import ConfigError

Camera = Literal["left", "right"]


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """What a data set's own files do not say."""

    frame_base: int | None = None
    """The number that the set's files give the first frame, 0 or 1; None: what the set's reader assumes."""
    camera: Camera = "left"
    """DISFA films each face twice and labels it once: the video whose frames the labels are put on."""
    split_file: Path | None = None
    """GFT: a CSV file of ``identity,split`` that assigns the official split."""

    def __post_init__(self) -> None:
        """Refuse what no set has."""
        if self.frame_base not in (None, 0, 1):
            raise ConfigError(f"frame_base is {self.frame_base}; frames count from 0 or from 1")
        if self.camera not in ("left", "right"):
            raise ConfigError(f"camera is {self.camera!r}; it must be left or right")


class ReadLabels(NamedTuple):
    """The labels of a set, before they are written."""

    table: pa.Table
    """``manifests.labels.KEYS`` and the columns of values that the set has."""
    notes: list[str]
    """What a user should know: the base that was assumed, people without labels, how many are missing."""
