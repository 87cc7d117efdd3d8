"""Labels for the faces of a small workspace, planted or drawn."""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tcae.manifests.labels import KEY_SCHEMA, KEYS, write_labels
from tcae.manifests.rows import Face
from tcae.manifests.tables import read_parts
from tcae.manifests.workspace import Workspace


def face_keys(workspace: Workspace) -> pa.Table:
    """The keys of every face, sorted."""
    faces = read_parts(workspace.manifest("faces"), Face, list(KEYS))
    return faces.sort_by([(name, "ascending") for name in KEYS]).cast(KEY_SCHEMA)


def label_faces(workspace: Workspace, *columns: Mapping[str, Any], dataset: str = "synthetic") -> pa.Table:
    """Label every face with the given columns, each as long as there are faces; gives the table."""
    table = face_keys(workspace)
    for name, values in ChainMap(*map(dict, columns)).items():
        table = table.append_column(name, pa.array(values))
    write_labels(workspace, dataset, table, {})
    return table


def drawn_aus(num: int, aus: tuple[str, ...] = ("AU01", "AU12"), seed: int = 0) -> Mapping[str, list[float]]:
    """Intensities 0 to 1, drawn; every AU is shown by some faces and not by others."""
    rng = np.random.default_rng(seed)
    return {au: rng.permutation(np.linspace(0, 1, num)).tolist() for au in aus}


def drawn_angles(num: int, seed: int = 1) -> Mapping[str, list[float]]:
    """Yaw, pitch and roll within 30 degrees."""
    rng = np.random.default_rng(seed)
    return {f"{name}_degrees": rng.uniform(-30, 30, num).tolist() for name in ("yaw", "pitch", "roll")}
