"""The head model as one compact file: mesh, facial actions and shape changes, ready to render.

Convention: millimetres, origin at the joint on which the head turns; x to the picture's right (the person's left),
y up, z towards the camera. A *corner* is a vertex as one surface part sees it: parts that meet share none.
"""

import hashlib
import io
import os
import zipfile
import zlib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.pipeline.pictures import write

FORMAT = 1
"""Raised by hand when the pack's arrays change their meaning."""

PARTS = ("skin", "cavity", "eye", "teeth", "tongue")
"""What a corner belongs to; ``corner_part`` is an index into this."""

Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadPack:
    """A head of ``n`` vertices, ``k`` corners and ``m`` triangles."""

    vertices: Floats
    """(n, 3): the mesh that the shape changes add to; no face by itself."""
    macro_names: tuple[str, ...]
    """``race-gender-age`` and ``gender-age-muscle-weight``; of each kind the weights sum to 1."""
    macros: Floats
    """(len(macro_names), n, 3): displacements."""
    local_names: tuple[str, ...]
    """Local changes of head and face, e.g. ``nose/nose-scale-vert``."""
    locals_up: Floats
    """(len(local_names), n, 3): displacement at +1."""
    locals_down: Floats
    """(len(local_names), n, 3): displacement at -1."""
    action_names: tuple[str, ...]
    """ARKit's facial actions."""
    actions: Floats
    """(len(action_names), n, 3): displacement of each action at 1."""
    turn: Floats
    """(n,) in 0-1: the share of the head's rotation that a vertex follows; 0 at the shoulders."""
    scalp: Floats
    """(n,): signed distance in mm from the hairline; positive where hair grows."""
    lips: Floats
    """(n,) in 0-1: how much of a lip's colour a vertex has."""
    corner_vertex: Indices
    """(k,): the vertex of each corner."""
    corner_part: Indices
    """(k,): index into ``PARTS``."""
    triangles: Indices
    """(m, 3): corners, counterclockwise seen from outside."""

    @cached_property
    def reference(self) -> Floats:
        """(n, 3): the head that all macro changes average to; surfaces are painted on its front view."""
        weights = mean_macro_weights(self.macro_names)
        return np.asarray(self.vertices + np.einsum("s,snc->nc", weights, self.macros), np.float32)

    @cached_property
    def faces(self) -> Indices:
        """(m, 3): the triangles as vertices, for the normals."""
        return self.corner_vertex[self.triangles]

    def action(self, name: str) -> int:
        """The index of an action.

        Raises:
            ConfigError: the pack has no action of that name.
        """
        if name not in self.action_names:
            raise ConfigError(f"the head pack has no action {name!r}; it has {', '.join(self.action_names)}")
        return self.action_names.index(name)

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits that change with any array of the pack."""
        digest = hashlib.sha256(str(FORMAT).encode())
        for name, value in _arrays(self).items():
            digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()[:16]


def mean_macro_weights(names: tuple[str, ...]) -> Floats:
    """(len(names),): equal weights within the three-part names and within the four-part names."""
    kinds = [name.count("-") for name in names]
    return np.array([1 / kinds.count(kind) for kind in kinds], np.float32)


_DISPLACEMENTS = ("macros", "locals_up", "locals_down", "actions")


def _arrays(pack: HeadPack) -> dict[str, NDArray[Any]]:
    arrays = {field.name: np.asarray(getattr(pack, field.name)) for field in fields(pack)}
    return {name: value.astype(np.float16) if name in _DISPLACEMENTS else value for name, value in arrays.items()}


def save_pack(pack: HeadPack, path: Path) -> None:
    """Write the pack beside ``path`` and rename it; displacements are kept as float16."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, format=np.array(FORMAT), **_arrays(pack))
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, buffer.getvalue())


def load_pack(path: Path) -> HeadPack:
    """Read a pack.

    Raises:
        ConfigError: the file is missing, damaged or of another format.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            if int(stored["format"]) != FORMAT:
                raise ConfigError(f"{path} is a head pack of format {stored['format']}; this release reads {FORMAT}")
            values = {field.name: stored[field.name] for field in fields(HeadPack)}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{path} is not a readable head pack: {error}") from error
    for name, value in values.items():
        if name.endswith("_names"):
            values[name] = tuple(str(text) for text in value)
        elif value.dtype == np.float16:
            values[name] = value.astype(np.float32)
    return HeadPack(**values)


def cached_pack_path() -> Path:
    """Where the pack is kept: ``$XDG_CACHE_HOME/tcae``, else ``~/.cache/tcae``."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "tcae" / f"heads-{FORMAT}.npz"
