"""What is probed: arrays (N, D) over the labelled faces, from an encoder or straight from the pixels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.embed import EmbedConfig, Follow, embed_workspace
from tcae.model.encoders.embeddings import column_of, names_of, parts_of, read_batches, vectors_of
from tcae.model.probing.encoders import Probed
from tcae.model.probing.folds import Fold
from tcae.model.probing.labelled import FACE_KEYS
from tcae.model.probing.linear import Features

BOTH = "both"
"""All embeddings of an encoder beside each other, two or more."""


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
        Which of the N have an embedding, a mask with M of them; and each embedding by name, (M, D), in their order.

    Raises:
        ConfigError: there are no embeddings.
        ManifestError: a part is damaged.
    """
    paths = parts_of(folder)
    names = names_of(paths[0])
    columns = [*FACE_KEYS, *map(column_of, names)]
    tables = [part for path in paths for part in read_batches(path, columns)]
    keys = pd.concat([part.select(list(FACE_KEYS)).to_pandas() for part in tables], ignore_index=True)
    place = rows[list(FACE_KEYS)].merge(keys.reset_index(names="place"), on=list(FACE_KEYS), how="left")["place"]
    found = place.notna().to_numpy()
    chosen = place[found].to_numpy(np.int64)
    return found, {name: _column(tables, name)[chosen] for name in names}


def _column(tables: list[Any], name: str) -> Features:
    return np.concatenate([vectors_of(part.column(column_of(name))) for part in tables])


def named(embeddings: Mapping[str, Features], name: str) -> Features:
    """An embedding, or for ``both`` all of them beside each other, (M, sum of D)."""
    return np.concatenate(list(embeddings.values()), axis=1) if name == BOTH else embeddings[name]


def chosen(names: Sequence[str], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Which embeddings are probed: those that are wanted, or else all.

    Args:
        names: The encoder's.
        wanted: Of these, and ``both`` where there are several.

    Raises:
        ConfigError: something else is wanted; the message names what there is.
    """
    known = [*names, BOTH] if len(names) > 1 else names
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ConfigError(f"the encoder has no embedding {unknown[0]!r}; there is {', '.join(known)}")
    return tuple(wanted or names)
