"""Made-up faces of a shard, as files or packed; their bytes are no pictures where nobody decodes them."""

import zlib
from collections.abc import Iterable, Iterator, Sequence

from tcae.manifests.packs import Packed, write_pack
from tcae.manifests.rows import ClipKey, Face
from tcae.manifests.workspace import Workspace, shard_of

SHARD = shard_of(ClipKey("id1", "v1", 0))


def keys_of_shard(shard: int, num: int) -> list[ClipKey]:
    """Clips that belong in one shard, in their order."""
    candidates: Iterator[ClipKey] = (ClipKey(f"id{n}", f"v{n % 7}", n % 3) for n in range(10_000_000))
    found = [next(key for key in candidates if shard_of(key) == shard) for _ in range(num)]
    return sorted(found)


def made_up(keys: Sequence[ClipKey], num_frames: int = 3) -> list[Packed]:
    """Faces of different lengths, some of a whole number of blocks, one empty of blocks."""
    return [
        Packed(key, frame, f"{key} {frame} ".encode() * (1 + 20 * number) + bytes(frame))
        for number, key in enumerate(keys)
        for frame in range(num_frames)
    ]


def packed(workspace: Workspace, faces: Iterable[Packed]) -> list[Packed]:
    """Write each shard's faces into its tar."""
    shards: dict[int, list[Packed]] = {}
    for face in faces:
        shards.setdefault(shard_of(face.key), []).append(face)
    for shard, some in shards.items():
        write_pack(workspace, shard, some)
    return [face for some in shards.values() for face in some]


def loose(workspace: Workspace, faces: Iterable[Packed]) -> None:
    """Write faces as files."""
    for face in faces:
        path = workspace.picture("faces", face.key, face.frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(face.data)


def row_of(workspace: Workspace, face: Packed) -> Face:
    """What table ``faces`` says of a face."""
    path = workspace.picture("faces", face.key, face.frame)
    crc32 = zlib.crc32(face.data)
    return Face(**face.key._asdict(), frame=face.frame, file=workspace.relative(path), crc32=crc32, fingerprint="f")
