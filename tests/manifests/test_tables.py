"""Tables are written whole, carry their provenance, and refuse what is not theirs."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ManifestError, WorkspaceError
from tcae.manifests.provenance import describe, fingerprint
from tcae.manifests.rows import Clip, Face, Frame, Identity, type_of_table
from tcae.manifests.tables import read_parts, read_table, rows_of, schema_of, table_of, write_table

FRAME = Frame(identity="id1", video="v", clip=0, frame=3, pts_seconds=0.12, track_box=(1.0, 2.0, 3.0, 4.0))
REJECTION = Frame(identity="id2", video="v", clip=1, reason="decode", detail="no frame")


def test_rows_come_back_as_they_went(tmp_path: Path) -> None:
    path = tmp_path / "frames" / "0001.parquet"
    write_table(table_of([FRAME, REJECTION], Frame), path)
    assert rows_of(read_table(path, Frame), Frame) == [FRAME, REJECTION]


@given(st.text(min_size=1), st.floats(allow_nan=False), st.lists(st.floats(allow_nan=False)), st.integers(0, 2**62))
def test_any_value_survives_the_table(text: str, number: float, numbers: list[float], count: int) -> None:
    row = Face(identity=text, video=text, clip=count, score=number, landmarks=tuple(numbers))
    assert rows_of(table_of([row], Face), Face) == [row]


@pytest.mark.parametrize("row_type", type_of_table.values())
def test_an_empty_table_keeps_its_schema(row_type: type) -> None:
    assert table_of([], row_type).schema == schema_of(row_type)


def test_only_optional_fields_are_nullable() -> None:
    schema = schema_of(Identity)
    assert [field.name for field in schema if field.nullable] == ["split", "official_split", "reason"]


def test_provenance_travels_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(table_of([FRAME], Frame), path, describe("extract", {"fps": "1"}))
    metadata = read_table(path, Frame).schema.metadata
    assert metadata[b"tcae.stage"] == b"extract"
    assert metadata[b"tcae.config"] == b'{"fps": "1"}'


def test_an_older_schema_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    pq.write_table(table_of([FRAME], Frame).replace_schema_metadata({b"tcae.schema": b"0"}), path)
    with pytest.raises(ManifestError, match=r"old\.parquet has schema version 0; this release reads 1"):
        read_table(path, Frame)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(table_of([FRAME], Frame).drop_columns(["crc32"]), path)
    with pytest.raises(ManifestError, match="crc32 of Frame"):
        read_table(path, Frame)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(table_of([FRAME], Frame), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ManifestError, match=r"t\.parquet is not a readable Parquet table"):
        read_table(path, Frame)


def test_a_failed_write_leaves_the_old_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.parquet"
    write_table(table_of([FRAME], Frame), path)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full_disk)
    with pytest.raises(WorkspaceError, match=r"cannot write .*t\.parquet: No space left on device"):
        write_table(table_of([REJECTION], Frame), path)
    assert rows_of(read_table(path, Frame), Frame) == [FRAME]
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


def test_parts_are_read_as_one_table_in_order(tmp_path: Path) -> None:
    write_table(table_of([REJECTION], Frame), tmp_path / "0002.parquet", {"stage": "b"})
    write_table(table_of([FRAME], Frame), tmp_path / "0001.parquet", {"stage": "a"})
    assert rows_of(read_parts(tmp_path, Frame), Frame) == [FRAME, REJECTION]
    assert read_parts(tmp_path / "none", Frame, ["identity"]).schema == pa.schema([schema_of(Frame).field("identity")])


def test_a_fingerprint_names_every_input() -> None:
    same = fingerprint("extract", 1, {"a": 1, "b": 2}, "x")
    assert same == fingerprint("extract", 1, {"b": 2, "a": 1}, "x")
    others = {
        fingerprint("align", 1, {"a": 1, "b": 2}, "x"),
        fingerprint("extract", 2, {"a": 1, "b": 2}, "x"),
        fingerprint("extract", 1, {"a": 1, "b": 3}, "x"),
        fingerprint("extract", 1, {"a": 1, "b": 2}, "y"),
    }
    assert same not in others
    assert len(others) == 4


def test_a_key_is_the_clips_folder() -> None:
    assert str(Clip(identity="i", video="v", clip=3, name="", layout="", source="", path="", media="video").key) == (
        "i/v/3_folder"
    )
