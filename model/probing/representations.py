"""What is probed: arrays (N, D) over the labelled faces, from an encoder or straight from the pixels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tcae.manifests.workspace import Workspace
from tcae.model.encoders.embed import EmbedConfig, Follow, embed_workspace
from tcae.model.encoders.embeddings import parts_of, read_batches, vectors_of
from tcae.model.probing.encoders import Probed
from tcae.model.probing.folds import Fold
from tcae.model.probing.labelled import FACE_KEYS
from tcae.model.probing.linear import Features

KINDS = ("au", "pose", "both")
"""What ``--embedding`` may be; ``both`` are the two beside each other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Representation:
    """A name and what it sees of each face."""

    name: str
    of_fold: Callable[[Fold], Features]
    """Where something is learned from the faces themselves, it is learned from the fitted ones of the fold."""


def fixed(name: str, features: Features) -> Representation:
    """A representation that is the same in every fold."""
    return Representation(name=name, of_fold=lambda fold: features)


def embed_faces(
    workspace: Workspace,
    probed: Probed,
    config: EmbedConfig,
    *,
    follow: Follow = lambda items, total: items,
    note: Callable[[str], None] = lambda text: None,
) -> Path:
    """Embed the workspace's faces as `tcae embed` does, unless that is done; gives the folder of the parts."""
    with probed.origin.held(workspace):
        return embed_workspace(workspace, probed.encoder, probed.origin, config, follow=follow, note=note).path


def read_embeddings(folder: Path, rows: pd.DataFrame) -> tuple[NDArray[np.bool_], Mapping[str, Features]]:
    """The embeddings of some faces.

    Args:
        folder: Of the parts.
        rows: N faces with ``FACE_KEYS``.

    Returns:
        Which of the N have an embedding, a mask with M of them; and ``au`` and ``pose``, (M, D) each, in their order.

    Raises:
        ConfigError: there are no embeddings.
        ManifestError: a part is damaged.
    """
    tables = [part for path in parts_of(folder) for part in read_batches(path, [*FACE_KEYS, "au", "pose"])]
    keys = pd.concat([part.select(list(FACE_KEYS)).to_pandas() for part in tables], ignore_index=True)
    place = rows[list(FACE_KEYS)].merge(keys.reset_index(names="place"), on=list(FACE_KEYS), how="left")["place"]
    found = place.notna().to_numpy()
    chosen = place[found].to_numpy(np.int64)
    return found, {kind: _column(tables, kind)[chosen] for kind in ("au", "pose")}


def _column(tables: list[Any], kind: str) -> Features:
    return np.concatenate([vectors_of(part.column(kind)) for part in tables])


def kinds_of(embeddings: Mapping[str, Features]) -> dict[str, Features]:
    """``au``, ``pose`` and ``both`` from the two embeddings."""
    return {**embeddings, "both": np.concatenate([embeddings["au"], embeddings["pose"]], axis=1)}
