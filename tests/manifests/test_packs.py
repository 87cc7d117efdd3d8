"""The faces of a shard in one tar, with its index."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ManifestError, WorkspaceError
from tcae.manifests.packs import (
    Index,
    Member,
    fault_of,
    is_packed,
    members_of,
    read_index,
    remove_pack,
    scan,
    shards_packed,
    write_pack,
)
from tcae.manifests.rows import ClipKey
from tcae.manifests.tables import read_table, table_of, write_table
from tcae.manifests.workspace import Workspace, digest_of
from tests.pack_builders import SHARD, keys_of_shard, made_up, packed

KEYS = keys_of_shard(SHARD, 3)
FACES = made_up(KEYS)


@pytest.fixture
def pack(workspace: Workspace) -> Workspace:
    packed(workspace, FACES)
    return workspace


def bytes_by_index(workspace: Workspace, index: Index) -> list[bytes]:
    data = workspace.pack(SHARD).read_bytes()
    places = [index.find(digest_of(face.key), face.frame) for face in FACES]
    return [data[place[0] : place[0] + place[1]] for place in places if place is not None]


def test_the_index_leads_to_the_bytes_of_every_face(pack: Workspace) -> None:
    index = read_index(pack, SHARD, pack.pack(SHARD).stat().st_size)
    assert len(index) == len(FACES)
    assert bytes_by_index(pack, index) == [face.data for face in FACES]


def test_without_an_index_the_tar_tells_the_same(pack: Workspace) -> None:
    with_index = members_of(pack, SHARD)
    pack.part("packs", SHARD).unlink()
    assert members_of(pack, SHARD) == with_index
    index = read_index(pack, SHARD, pack.pack(SHARD).stat().st_size)
    assert bytes_by_index(pack, index) == [face.data for face in FACES]


def test_the_tar_gives_back_the_tree_of_files(pack: Workspace, tmp_path: Path) -> None:
    subprocess.run(["tar", "xf", pack.pack(SHARD), "-C", tmp_path], check=True)
    out = Workspace(tmp_path)
    for face in FACES:
        path = tmp_path / out.picture("faces", face.key, face.frame).relative_to(tmp_path / "faces")
        assert path.read_bytes() == face.data


def test_names_that_are_long_or_not_ascii_come_back(workspace: Workspace) -> None:
    faces = made_up([ClipKey("ü" * 80, "v" * 120, 12), ClipKey("人", "v", 0)])
    write_pack(workspace, SHARD, faces)
    assert [(one.key, one.frame) for one in scan(workspace.pack(SHARD))[0]] == [face[:2] for face in faces]
    index = read_index(workspace, SHARD, workspace.pack(SHARD).stat().st_size)
    data = workspace.pack(SHARD).read_bytes()
    for face in faces:
        offset, size = index.find(digest_of(face.key), face.frame) or (0, 0)
        assert data[offset : offset + size] == face.data


def test_the_same_faces_make_the_same_tar(pack: Workspace) -> None:
    before = pack.pack(SHARD).read_bytes()
    packed(pack, FACES)
    assert pack.pack(SHARD).read_bytes() == before


def test_what_is_not_there_is_not_found(pack: Workspace) -> None:
    index = read_index(pack, SHARD, pack.pack(SHARD).stat().st_size)
    assert index.find(digest_of(KEYS[0]), 3) is None
    assert index.find(digest_of(ClipKey("nobody", "v", 0)), 0) is None
    assert Index(table_of([], Member)).find(1, 0) is None


def test_no_face_at_all_is_no_pack(pack: Workspace) -> None:
    assert is_packed(pack, SHARD)
    assert shards_packed(pack) == [SHARD]
    write_pack(pack, SHARD, [])
    assert not is_packed(pack, SHARD)
    assert shards_packed(pack) == []
    remove_pack(pack, SHARD)
    assert members_of(pack, SHARD) == []


def test_a_tar_that_cannot_be_removed_is_named(workspace: Workspace) -> None:
    workspace.pack(SHARD).mkdir(parents=True)
    with pytest.raises(WorkspaceError, match=r"cannot remove .*\.tar: "):
        remove_pack(workspace, SHARD)


def test_a_writer_that_fails_leaves_the_old_pack(pack: Workspace) -> None:
    def faces() -> object:
        yield FACES[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(WorkspaceError, match="No space left"):
        write_pack(pack, SHARD, faces())  # type: ignore[arg-type]  # a generator that fails
    assert bytes_by_index(pack, read_index(pack, SHARD, pack.pack(SHARD).stat().st_size)) == [f.data for f in FACES]
    assert [path.name for path in (pack.root / "faces").iterdir()] == [f"{SHARD:04d}.tar"]


def test_a_writer_that_is_killed_leaves_no_index_of_another_tar(
    pack: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tcae.manifests.packs.write_table", killed)
    with pytest.raises(KeyboardInterrupt):
        write_pack(pack, SHARD, FACES[1:])
    assert [(one.key, one.frame) for one in members_of(pack, SHARD)] == [face[:2] for face in FACES[1:]]
    assert fault_of(pack, SHARD) is None


def header_of_a_header() -> bytes:
    """A header that says something of the next one."""
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT))
    header[156:157], header[148:156] = tarfile.XHDTYPE, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def test_a_tar_that_was_cut_short_is_told_by_its_index(pack: Workspace) -> None:
    assert fault_of(pack, SHARD) is None
    path = pack.pack(SHARD)
    size = path.stat().st_size
    cut(path)
    assert fault_of(pack, SHARD) == (
        f"has {size - 700:,} bytes, and its index is of a tar of {size:,}: it was cut short or replaced"
    )
    with pytest.raises(ManifestError, match=rf"{path} has {size - 700:,} bytes, and its index"):
        read_index(pack, SHARD, size - 700)


def test_a_tar_that_is_gone_is_told_by_its_index(pack: Workspace) -> None:
    pack.pack(SHARD).unlink()
    assert fault_of(pack, SHARD) == "cannot be read, and its index is there: No such file or directory"


def test_a_damaged_index_is_named(pack: Workspace) -> None:
    cut(pack.part("packs", SHARD))
    assert "damaged index" in str(fault_of(pack, SHARD))
    with pytest.raises(ManifestError, match=r"packs/\d{4}.parquet is not a readable Parquet table"):
        read_index(pack, SHARD, pack.pack(SHARD).stat().st_size)


@pytest.mark.parametrize(("offset", "num_bytes"), [(-512, 10), (512, -1), (513, 10), (512, 10**9), (2**62, 10)])
def test_an_index_that_leads_out_of_the_tar_is_refused(pack: Workspace, offset: int, num_bytes: int) -> None:
    path = pack.part("packs", SHARD)
    size = str(pack.pack(SHARD).stat().st_size)
    member = Member(**KEYS[0]._asdict(), frame=0, offset=offset, num_bytes=num_bytes)
    write_table(table_of([member], Member), path, {"tar_bytes": size})
    with pytest.raises(ManifestError, match=r"names faces that lie outside .*\.tar"):
        read_index(pack, SHARD, int(size))


@pytest.mark.parametrize(
    "spoil",
    [
        cut,
        lambda path: path.write_bytes(path.read_bytes()[: 5 * 512]),
        lambda path: path.write_bytes(b"x" * 5000),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(header_of_a_header() * 5000 + bytes(1024)),
    ],
)
def test_a_damaged_tar_without_an_index_is_named(pack: Workspace, spoil: Callable[[Path], object]) -> None:
    pack.part("packs", SHARD).unlink()
    spoil(pack.pack(SHARD))
    with pytest.raises(ManifestError, match=r"\.tar is (damaged|cut short)"):
        members_of(pack, SHARD)


def test_of_a_tar_cut_short_the_whole_faces_are_named(pack: Workspace) -> None:
    path = pack.pack(SHARD)
    last = members_of(pack, SHARD)[-1]
    path.write_bytes(path.read_bytes()[: last.offset + 1])
    members, fault = scan(path)
    assert [(one.key, one.frame) for one in members] == [face[:2] for face in FACES[:-1]]
    assert fault is not None


def test_members_that_are_no_faces_are_passed_over(workspace: Workspace) -> None:
    path = workspace.pack(SHARD)
    path.parent.mkdir(parents=True)
    names = ["../../etc/passwd", "/id1/v1/0_folder/img_0_001.jpg", "notes.txt", "id1/v1/0_folder/img_0_001.jpg"]
    with tarfile.open(path, "w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("id1/v1/0_folder/img_0_002.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert [(one.key, one.frame) for one in scan(path)[0]] == [(ClipKey("id1", "v1", 0), 0)]


def test_an_index_takes_few_bytes_of_memory_for_a_face(workspace: Workspace) -> None:
    num = 5000
    table = pa.table(
        {
            "identity": ["id1"] * num,
            "video": [f"v{number // 8}" for number in range(num)],
            "clip": [0] * num,
            "frame": [number % 8 for number in range(num)],
            "offset": [512 * number for number in range(num)],
            "num_bytes": [100] * num,
        }
    )
    index = Index(table)
    assert sum(len(numbers) * numbers.itemsize for numbers in vars(index).values()) <= 16 * num
    assert index.find(digest_of(ClipKey("id1", "v600", 0)), 3) == (512 * (600 * 8 + 3), 100)


@given(st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 3)), st.lists(st.integers(0, 99)), max_size=8))
def test_an_index_finds_what_a_dictionary_would(clips: dict[tuple[int, int], list[int]]) -> None:
    keys = {ClipKey(f"id{identity}", f"v{clip % 2}", clip): frames for (identity, clip), frames in clips.items()}
    faces = [(key, frame) for key in sorted(keys) for frame in sorted(set(keys[key]))]
    places = {face: (512 * (2 * row + 1), row) for row, face in enumerate(faces)}
    rows = [
        Member(**key._asdict(), frame=frame, offset=places[key, frame][0], num_bytes=places[key, frame][1])
        for key, frame in faces
    ]
    index = Index(table_of(rows, Member))
    for key in [*keys, ClipKey("other", "v", 0)]:
        for frame in range(100):
            assert index.find(digest_of(key), frame) == places.get((key, frame))


def test_the_index_is_a_table_with_the_columns_that_are_documented(pack: Workspace) -> None:
    table = read_table(pack.part("packs", SHARD), Member)
    assert table.column_names == ["identity", "video", "clip", "frame", "offset", "num_bytes"]
    assert table.num_rows == len(FACES)
