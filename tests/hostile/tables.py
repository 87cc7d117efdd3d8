"""Tables of a workspace that can be damaged, and what reads each."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tcae.manifests.labels import labels_path, read_labels
from tcae.manifests.pair_tables import FACES, PAIRS, TRACKS, read_pair_table
from tcae.manifests.rows import Clip, Face, Frame, Identity
from tcae.manifests.tables import read_table, rows_of, table_of
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.embeddings import parts_of, read_batches, vectors_of, with_embeddings
from tests.hostile.kept import Kept

NUM_ROWS = 300


def key(number: int) -> dict[str, Any]:
    """A clip's."""
    return {"identity": f"id{number % 7}", "video": f"v{number % 3}", "clip": number // 10}


def _face(number: int) -> Face:
    return Face(
        **key(number),
        frame=number,
        file=f"faces/{number}.jpg",
        box=(1.0, 2.0, 3.0, number / 3),
        landmarks=tuple(number + place / 7 for place in range(10)),
        crc32=number * 1234567,
        fingerprint="ab" * 8,
    )


def _clip(number: int) -> Clip:
    names: dict[str, Any] = {
        "name": f"{number}.mp4",
        "layout": "clips",
        "source": "/s",
        "path": f"{number}.mp4",
        "media": "video",
    }
    return Clip(**key(number), **names, num_bytes=977 * number, modified_ns=number << 40)


def _manifests() -> dict[str, tuple[Any, type]]:
    numbers = range(NUM_ROWS)
    frames = [Frame(**key(number), frame=number, reason="decode", detail=f"no. {number}") for number in numbers]
    counts: dict[str, Any] = dict.fromkeys(("num_videos", "num_tracks", "num_single_tracks", "num_faces"), 3)
    people = [Identity(identity=f"id{n}", split="train", official_split=None, **counts) for n in numbers]
    return {
        "clips": (table_of(map(_clip, numbers), Clip), Clip),
        "frames": (table_of(frames, Frame), Frame),
        "faces": (table_of(map(_face, numbers), Face), Face),
        "identities": (table_of(people, Identity), Identity),
    }


def _others() -> dict[str, tuple[Any, Callable[[Path], object]]]:
    numbers = np.arange(NUM_ROWS)
    names = pa.array([f"id{number // 30}" for number in numbers.tolist()])
    tracks = [names, names, pa.array(numbers), pa.array(numbers * 5), pa.array(np.full(NUM_ROWS, 5))]
    columns = {"identity": names, "video": names, "clip": pa.array(numbers), "source_frame": pa.array(numbers)}
    listed = [names, names, *(pa.array(numbers) for _ in range(4))]
    au, pose = np.random.default_rng(0).normal(size=(2, NUM_ROWS, 8)).astype(np.float32)
    faces = [pa.array(numbers), pa.array(numbers / 25)]
    return {
        "labels": (pa.table(columns | {"AU01": pa.array(numbers / 7)}), _read_labels),
        "tracks": (_cast(tracks, TRACKS), lambda folder: read_pair_table(folder / FILE, TRACKS)),
        "pair faces": (_cast(faces, FACES), lambda folder: read_pair_table(folder / FILE, FACES)),
        "pairs": (_cast(listed, PAIRS), lambda folder: read_pair_table(folder / FILE, PAIRS)),
        "embeddings": (
            with_embeddings(pa.table(columns), {"au": au, "pose": pose}),
            _read_embeddings,
        ),
    }


FILE = "table.parquet"


def _cast(columns: list[Any], schema: Any) -> Any:
    return pa.table([column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)


def _read_labels(folder: Path) -> object:
    place = labels_path(Workspace(folder), "disfa")
    place.parent.mkdir()
    (folder / FILE).rename(place)
    return read_labels(Workspace(folder), "disfa").to_pylist()


def _read_embeddings(folder: Path) -> object:
    (path,) = parts_of(folder)
    batches = list(read_batches(path, ["identity", "clip", "au", "pose"]))
    return [(batch.select(["identity", "clip"]).to_pylist(), vectors_of(batch["au"]).tolist()) for batch in batches]


def _read_manifest(row_type: type) -> Callable[[Path], object]:
    return lambda folder: rows_of(read_table(folder / FILE, row_type), row_type)


def gather_tables() -> list[Kept]:
    """Every kind of table, with check sums and without, as releases before them wrote tables."""
    known = _others() | {name: (table, _read_manifest(row)) for name, (table, row) in _manifests().items()}
    return [
        Kept(
            name=f"{name}, {'with' if has_sums else 'without'} check sums",
            data=_parquet(table, has_sums),
            read=read,
            file=FILE,
        )
        for name, (table, read) in known.items()
        for has_sums in (True, True, False)
    ]


def _parquet(table: Any, has_sums: bool) -> bytes:
    sink = io.BytesIO()
    metadata = {"tcae.schema": "1", "tcae.fingerprint": "ab" * 8, "tcae.within": "track", "tcae.weights": "cd"}
    whole = table.replace_schema_metadata(metadata)
    pq.write_table(whole, sink, compression="zstd", write_page_checksum=has_sums)
    return sink.getvalue()
