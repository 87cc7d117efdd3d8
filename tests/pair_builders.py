"""Made-up ``clips`` and ``faces`` tables for the tests of splits and pairs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from tcae.manifests.pair_tables import FACES, TRACKS, Within
from tcae.manifests.rows import Clip, ClipKey, Face
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of

Tree = Mapping[str, Mapping[str, list[int]]]
"""Identity -> video -> number of faces of each of its clips."""

NUM_PARTS = 2
"""Instead of 4096, which take a second to write; readers of whole tables do not care."""


def face_row(key: ClipKey, frame: int) -> Face:
    return Face(
        identity=key.identity, video=key.video, clip=key.clip, frame=frame, source_frame=25 * frame, pts_seconds=frame
    )


def clip_row(key: ClipKey, official_split: str | None = None) -> Clip:
    return Clip(
        identity=key.identity,
        video=key.video,
        clip=key.clip,
        name=f"{key.clip:05d}.mp4",
        layout="voxceleb2",
        source="/data",
        path=f"{key}.mp4",
        media="video",
        official_split=official_split,
    )


def write_tree(workspace: Workspace, tree: Tree, official_test: Iterable[str] = ()) -> None:
    """Write both tables; before each clip's faces stands a rejected frame, so that a face's frame is not its number."""
    clips: dict[int, list[Clip]] = defaultdict(list)
    faces: dict[int, list[Face]] = defaultdict(list)
    for key, num_faces in keys_of(tree).items():
        official = "test" if key.identity in official_test else "dev"
        shard = shard_of(key) % NUM_PARTS
        clips[shard].append(clip_row(key, official))
        rejected = replace(face_row(key, 0), reason="no_face", pts_seconds=None)
        faces[shard] += [rejected, *(face_row(key, 1 + 2 * number) for number in reversed(range(num_faces)))]
    for shard in clips:
        write_table(table_of(clips[shard], Clip), workspace.part("clips", shard))
        write_table(table_of(faces[shard], Face), workspace.part("faces", shard))


def keys_of(tree: Tree) -> dict[ClipKey, int]:
    return {
        ClipKey(identity, video, clip): num_faces
        for identity, videos in tree.items()
        for video, counts in videos.items()
        for clip, num_faces in enumerate(counts)
    }


def pairs_of_tree(tree: Tree, within: str) -> dict[str, set[tuple[ClipKey, int, ClipKey, int]]]:
    """The slow and obvious way: every ordered pair of each identity."""
    pairs: dict[str, set[tuple[ClipKey, int, ClipKey, int]]] = defaultdict(set)
    faces = [(key, 1 + 2 * number) for key, num_faces in keys_of(tree).items() for number in range(num_faces)]
    for source in faces:
        for target in faces:
            together = source[0] == target[0] if within == "track" else source[0][:2] == target[0][:2]
            if together and source != target:
                pairs[source[0].identity].add((*source, *target))
    return pairs


def write_index(folder: Path, tree: Tree, within: Within = "track", fingerprint: str = "one") -> Path:
    """Write an index by hand: the faces of a track have the frames 1, 3, 5 ..."""
    keys = dict(sorted(keys_of(tree).items()))
    sizes = list(keys.values())
    columns = {
        "identity": pa.array([key.identity for key in keys]).dictionary_encode(),
        "video": pa.array([key.video for key in keys]).dictionary_encode(),
        "clip": [key.clip for key in keys],
        "offset": [sum(sizes[:number]) for number in range(len(sizes))],
        "num_faces": sizes,
    }
    frames = [1 + 2 * number for size in sizes for number in range(size)]
    provenance = {"within": within, "fingerprint": fingerprint}
    write_table(pa.table(columns, schema=TRACKS), folder / "tracks.parquet", provenance)
    faces = {"frame": frames, "pts_seconds": [float(frame) for frame in frames]}
    write_table(pa.table(faces, schema=FACES), folder / "faces.parquet", provenance)
    return folder
