"""A toy head: an ellipsoid with a bump for a nose, and actions that each push one patch of it."""

import numpy as np

from tcae.pipeline.synthetic.actions import ACTIONS_OF_AU, LIPS_PART, MOVEMENTS
from tcae.pipeline.synthetic.pack import PARTS, Floats, HeadPack

ROWS, COLUMNS = 18, 28
RADII = np.array((72.0, 100.0, 85.0))
NOSE = np.array((0.0, 0.0, 115.0))
GAZE = [f"eyeLook{way}{side}" for way in ("Out", "In", "Up", "Down") for side in ("Left", "Right")]
NAMES = tuple(
    sorted(
        {*(name for table in (ACTIONS_OF_AU, MOVEMENTS) for row in table.values() for name in row), *LIPS_PART, *GAZE}
    )
)
MACROS = (
    "african-female-young",
    "asian-male-old",
    "female-young-averagemuscle-averageweight",
    "male-old-maxmuscle-maxweight",
)


def toy_pack() -> HeadPack:
    """A pack of some 500 vertices; every action moves the vertices near a place of its own upwards by 5 mm."""
    points = sphere() * RADII
    nose = np.linalg.norm(points - (0, 0, RADII[2]), axis=1) < 22
    points[nose] = points[nose] + (0, 0, 25)
    eyes = np.concatenate([10 * sphere() + (side, 30, 74) for side in (-28, 28)])
    rng = np.random.default_rng(5)
    vertices = np.concatenate([points, eyes]).astype(np.float32)
    parts = np.repeat([PARTS.index("skin"), PARTS.index("eye")], [len(points), len(eyes)]).astype(np.int32)
    grids = [triangles() + start for start in range(0, len(vertices), len(points))]
    wobbles = rng.normal(0, 0.5, (4, len(vertices), 3)).astype(np.float32)
    return HeadPack(
        vertices=vertices,
        macro_names=MACROS,
        macros=wobbles,
        local_names=("nose/nose-scale",),
        locals_up=wobbles[:1],
        locals_down=-wobbles[:1],
        action_names=NAMES,
        actions=np.stack([push(vertices, patch_of(name)) for name in NAMES]),
        turn=np.ones(len(vertices), np.float32),
        scalp=(vertices[:, 1] - 60).astype(np.float32),
        lips=np.zeros(len(vertices), np.float32),
        corner_vertex=np.arange(len(vertices), dtype=np.int32),
        corner_part=parts,
        triangles=np.concatenate(grids).astype(np.int32),
    )


def sphere() -> Floats:
    """(ROWS * COLUMNS, 3) on the unit sphere, rows from the top, columns around from the back."""
    polar, around = np.linspace(0, np.pi, ROWS)[:, None], np.linspace(0, 2 * np.pi, COLUMNS, endpoint=False)[None]
    ring = np.sin(polar)
    grid = np.stack([-ring * np.sin(around), np.cos(polar) + 0 * around, -ring * np.cos(around)], -1)
    return grid.reshape(-1, 3).astype(np.float32)


def triangles() -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    row, column = np.mgrid[0 : ROWS - 1, 0:COLUMNS]
    after = (column + 1) % COLUMNS
    a, b = row * COLUMNS + column, row * COLUMNS + after
    quads = np.stack([a, a + COLUMNS, b + COLUMNS, b], -1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def patch_of(name: str) -> tuple[float, float]:
    """Where on the front an action pushes: x and y in mm."""
    place = NAMES.index(name)
    return -40.0 + 80.0 * (place % 7) / 6, -60.0 + 110.0 * (place // 7) / 6


def push(vertices: Floats, centre: tuple[float, float]) -> Floats:
    near = np.exp(-np.sum(((vertices[:, :2] - centre) / 12) ** 2, axis=1)) * (vertices[:, 2] > 0)
    return np.asarray(np.asarray(5 * near[:, None] * np.array((0, 1, 0)), np.float16), np.float32)
