"""Small workspaces that a training can run on: faces on disk, their tables, and splits made by the split stage."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.manifests.rows import ClipKey, Face
from tcae.manifests.splits import SplitConfig, seeded_hash
from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tcae.pipeline.pairs import PairConfig, split
from tests.workspaces import Plan, clip_row, write_rows

VIDEO = "v"
"""The one video of every identity."""


def make_training_workspace(
    workspace: Workspace, identities: int = 4, tracks: int = 2, faces: int = 4, side: int = 64
) -> Workspace:
    """Write faces (side, side) as JPEG, their tables and a split of 2 : 1 : 1.

    The faces of an identity are one smooth random picture, each bent in its own way, so that a network can learn to
    warp one into another.
    """
    plans = [
        Plan(identity=f"id{identity}", video=VIDEO, clip=clip, outcomes=(None,) * faces)
        for identity in range(identities)
        for clip in range(tracks)
    ]
    write_rows(workspace, "clips", [clip_row(plan) for plan in plans])
    write_rows(workspace, "faces", [row for plan in plans for row in face_rows(workspace, plan.key, faces, side)])
    split(workspace, PairConfig(split=SplitConfig(ratios=(0.5, 0.25, 0.25)), pairs_per_identity=8))
    return workspace


def face_rows(workspace: Workspace, key: ClipKey, faces: int, side: int) -> list[Face]:
    rows = []
    for frame in range(faces):
        path = workspace.picture("faces", key, frame)
        rows.append(
            Face(
                **key._asdict(),
                frame=frame,
                source_frame=25 * frame,
                pts_seconds=float(frame),
                file=workspace.relative(path),
                crc32=pictures.write(path, pictures.encode(face_picture(key, frame, side))),
                template="tcae",
                margin=0.0,
            )
        )
    return rows


def face_picture(key: ClipKey, frame: int, side: int = 64) -> NDArray[np.uint8]:
    """One face, RGB: the identity's picture, shifted and bent by up to a tenth of its side."""
    rng = np.random.default_rng(seeded_hash(0, key.identity))
    picture = _smooth(rng.uniform(0, 255, (6, 6, 3)), side)
    rng = np.random.default_rng(seeded_hash(frame, str(key)))
    bend = _smooth(rng.uniform(-0.1 * side, 0.1 * side, (4, 4, 2)), side).astype(np.float32)
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    bent = cv2.remap(picture, columns + bend[..., 0], rows + bend[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    return np.clip(bent, 0, 255).astype(np.uint8)


def _smooth(coarse: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))
