"""Tables are written whole, carry their provenance, and refuse what is not theirs."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ManifestError, WorkspaceError
from tcae.manifests.provenance import describe, fingerprint
from tcae.manifests.rows import Clip, Face, Frame, Identity, type_of_table
from tcae.manifests.tables import check_texts, read_parts, read_table, rows_of, schema_of, table_of, write_table
from tcae.pipeline.trees.names import check_name

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


def test_a_flipped_bit_in_any_page_is_seen(tmp_path: Path) -> None:
    rows = [Frame(identity=f"id{n}", video="v", clip=n, frame=n, pts_seconds=n / 7) for n in range(200)]
    path = tmp_path / "t.parquet"
    write_table(table_of(rows, Frame), path)
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    seen: list[str] = []
    for place in range(4, len(whole) - footer, 97):
        data = bytearray(whole)
        data[place] ^= 1
        path.write_bytes(data)
        try:
            assert rows_of(read_table(path, Frame), Frame) == rows  # a page's header has bits that nothing reads
        except ManifestError as error:
            seen.append(str(error))
    assert len(seen) > 20
    assert all("t.parquet is not a readable Parquet table" in text for text in seen)


def test_names_and_counts_have_a_dictionary_and_measurements_have_none(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(table_of([FRAME, REJECTION], Frame), path)
    group = pq.read_metadata(path).row_group(0)
    with_dictionary = {
        group.column(index).path_in_schema: group.column(index).has_dictionary_page
        for index in range(group.num_columns)
    }
    assert with_dictionary.pop("pts_seconds") is False
    assert with_dictionary.pop("track_box.list.element") is False
    assert all(with_dictionary.values())


def test_a_table_without_check_sums_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table_of([FRAME], Frame).replace_schema_metadata({"tcae.schema": "1"}), path)
    assert rows_of(read_table(path, Frame), Frame) == [FRAME]


@pytest.mark.parametrize(
    "values",
    [{"identity": name} for name in ("..", "../x", "a/b", "/etc", "", ".x", "a\0b")]
    + [{"video": "../x"}]
    + [{"file": name} for name in ("/etc/x", "../x", "frames/../../x", "a/..", "./x", "a\0b")],
    ids=repr,
)
def test_a_name_that_would_lead_out_of_the_workspace_is_refused(values: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(table_of([FRAME, replace(FRAME, **values)], Frame), path)  # type: ignore[arg-type]
    with pytest.raises(ManifestError, match=r"t\.parquet has the \w+ '.*', which would lead out of the workspace"):
        read_table(path, Frame)


@given(st.text(min_size=1, max_size=20))
def test_every_name_that_a_source_may_have_is_let_in(name: str) -> None:
    if check_name(name) is None:
        check_texts(
            table_of([replace(FRAME, identity=name, file=f"frames/{name}/..v/img.jpg")], Frame), Path("t.parquet")
        )


def test_text_that_is_not_utf8_is_refused_when_it_is_read(tmp_path: Path) -> None:
    table = table_of([FRAME], Frame)
    bad = pa.array([b"\xff\xfe"]).cast(pa.binary()).view(pa.string())
    path = tmp_path / "t.parquet"
    write_table(table.set_column(0, table.schema.field(0), bad), path)
    with pytest.raises(ManifestError, match=r"not a readable Parquet table: .*UTF8"):
        read_table(path, Frame)
