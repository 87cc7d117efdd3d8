"""A made workspace of JPEG faces with its tables and pair index, for measuring what reading files costs."""

from collections import defaultdict

import cv2
import numpy as np
from numpy.typing import NDArray

from tcae.manifests.provenance import describe
from tcae.manifests.rows import Clip, ClipKey, Face
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline import pictures
from tcae.pipeline.pairs import PairConfig, split

SIDE_PX = 256


def made_face(seed: int) -> NDArray[np.uint8]:
    """Blots of colour under a finer pattern: as a JPEG some 25 kB, like an aligned face."""
    rng = np.random.default_rng(seed)
    layers = [
        amount * cv2.resize(rng.uniform(-1, 1, (cells, cells, 3)), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
        for cells, amount in ((6, 90.0), (32, 25.0), (96, 10.0))
    ]
    return np.asarray(np.clip(128 + sum(layers), 0, 255), dtype=np.uint8)


def make_workspace(workspace: Workspace, identities: int, faces: int) -> float:
    """Write one clip of so many faces for each identity, the tables, and the split; returns a file's mean kilobytes."""
    clips: dict[int, list[Clip]] = defaultdict(list)
    rows: dict[int, list[Face]] = defaultdict(list)
    num_bytes = 0
    for number in range(identities):
        key = ClipKey(f"id{number:05d}", "video", 0)
        clip = Clip(
            **key._asdict(), name="0.mp4", layout="clips", source="/", path=f"{key.identity}.mp4", media="video"
        )
        clips[shard_of(key)].append(clip)
        for frame in range(faces):
            data = pictures.encode(made_face(1000 * number + frame))
            num_bytes += len(data)
            rows[shard_of(key)].append(_row(workspace, key, frame, data))
    for shard in clips:
        write_table(table_of(clips[shard], Clip), workspace.part("clips", shard), describe("list", {}))
        write_table(table_of(rows[shard], Face), workspace.part("faces", shard), describe("align", {}))
    split(workspace, PairConfig())
    return num_bytes / (identities * faces) / 1000


def _row(workspace: Workspace, key: ClipKey, frame: int, data: bytes) -> Face:
    path = workspace.picture("faces", key, frame)
    return Face(
        **key._asdict(),
        frame=frame,
        source_frame=25 * frame,
        pts_seconds=float(frame),
        file=workspace.relative(path),
        crc32=pictures.write(path, data),
        template="tcae",
        margin=0.0,
    )
