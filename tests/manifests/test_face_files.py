"""Face bytes by their path, from files and from packs alike."""

import os
import pickle
import resource
import threading
from pathlib import Path

import pytest

from tcae.manifests import face_files
from tcae.manifests.errors import ManifestError
from tcae.manifests.face_files import FEWEST_OPEN, FaceFiles, face_at
from tcae.manifests.packs import Packed, remove_pack
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import NUM_SHARDS, Workspace, shard_of
from tests.pack_builders import SHARD, keys_of_shard, loose, made_up, packed

MANY = made_up([ClipKey(f"id{n}", "v", n % 3) for n in range(60)], 2)


def path_of(workspace: Workspace, face: Packed) -> Path:
    return workspace.picture("faces", face.key, face.frame)


def read_all(files: FaceFiles, faces: list[Packed]) -> list[bytes]:
    return [files.read(path_of(files.workspace, face)) for face in faces]


def num_open() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_packed_faces_read_as_their_files_did(workspace: Workspace) -> None:
    loose(workspace, MANY)
    files = FaceFiles(workspace)
    before = read_all(files, MANY)
    other = Workspace(workspace.root / "other")
    packed(other, MANY)
    assert read_all(FaceFiles(other), MANY) == before == [face.data for face in MANY]


def test_packed_and_loose_shards_stand_side_by_side(workspace: Workspace) -> None:
    packed(workspace, [face for face in MANY if shard_of(face.key) % 2])
    loose(workspace, [face for face in MANY if not shard_of(face.key) % 2])
    assert read_all(FaceFiles(workspace), MANY) == [face.data for face in MANY]


def test_a_pack_goes_before_a_file(workspace: Workspace) -> None:
    loose(workspace, [MANY[0]._replace(data=b"old")])
    packed(workspace, MANY[:1])
    assert FaceFiles(workspace).read(path_of(workspace, MANY[0])) == MANY[0].data


def test_a_file_that_is_no_face_of_the_workspace_is_read_as_it_is(workspace: Workspace, tmp_path: Path) -> None:
    packed(workspace, MANY)
    for path in (tmp_path / "face.jpg", workspace.root / "faces" / "notes.txt", workspace.root / "faces2" / "a.jpg"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        assert FaceFiles(workspace).read(path) == b"x"


def test_a_face_that_is_nowhere_is_named(workspace: Workspace) -> None:
    packed(workspace, MANY[1:])
    with pytest.raises(FileNotFoundError, match=r"img_0_001\.jpg"):
        FaceFiles(workspace).read(path_of(workspace, MANY[0]))


def test_what_is_packed_meanwhile_is_found(workspace: Workspace) -> None:
    loose(workspace, MANY[:1])
    files, path = FaceFiles(workspace), path_of(workspace, MANY[0])
    assert files.read(path) == MANY[0].data
    packed(workspace, MANY[:1])
    path.unlink()
    assert files.read(path) == MANY[0].data
    remove_pack(workspace, shard_of(MANY[0].key))
    loose(workspace, [MANY[0]._replace(data=b"again")])
    assert FaceFiles(workspace).read(path) == b"again"


def test_faces_that_join_a_pack_meanwhile_are_found(workspace: Workspace) -> None:
    faces = made_up(keys_of_shard(SHARD, 2))
    packed(workspace, faces[:3])
    files = FaceFiles(workspace)
    assert files.read(path_of(workspace, faces[0])) == faces[0].data
    packed(workspace, faces)
    assert read_all(files, faces) == [face.data for face in faces]


def test_a_pack_that_is_replaced_is_read_with_its_own_index(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_files, "_most_open", lambda: 1)
    others = [face for face in MANY if shard_of(face.key) != SHARD]
    faces = made_up(keys_of_shard(SHARD, 2))
    packed(workspace, [*others, *faces])
    files = FaceFiles(workspace)
    assert read_all(files, faces) == [face.data for face in faces]
    assert read_all(files, others[:2]) == [face.data for face in others[:2]]  # the first tar is closed
    packed(workspace, faces[1:])
    assert read_all(files, faces[1:]) == [face.data for face in faces[1:]]


def test_no_more_tars_are_open_than_the_limit_allows(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    packed(workspace, MANY)
    assert len({shard_of(face.key) for face in MANY}) > 50
    monkeypatch.setattr(face_files, "_most_open", lambda: 5)
    before = num_open()
    files = FaceFiles(workspace)
    assert read_all(files, MANY) == [face.data for face in MANY]
    assert num_open() == before + 5
    del files
    assert num_open() == before


@pytest.mark.parametrize(
    ("soft", "hard", "most", "raised"),
    [
        (1024, 1024, 256, None),
        (1024, 4096, 1024, 4096),
        (40, 40, FEWEST_OPEN, None),
        (1024, 1_000_000, NUM_SHARDS, 4 * NUM_SHARDS),
        (1_000_000, 1_000_000, NUM_SHARDS, None),
        (1024, resource.RLIM_INFINITY, NUM_SHARDS, 4 * NUM_SHARDS),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, NUM_SHARDS, None),
    ],
)
def test_a_quarter_of_the_open_files_may_be_tars_and_their_limit_is_raised_to_what_is_allowed(
    soft: int, hard: int, most: int, raised: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: limits.append(limit[0]))
    assert face_files._most_open() == most
    assert limits == ([] if raised is None else [raised])


def test_a_pickled_reader_reads_the_same_from_tars_of_its_own(workspace: Workspace) -> None:
    packed(workspace, MANY)
    files = FaceFiles(workspace)
    read_all(files, MANY)
    data = pickle.dumps(files)
    assert len(data) < 1000
    assert read_all(pickle.loads(data), MANY) == [face.data for face in MANY]


def test_threads_may_share_a_reader(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_files, "_most_open", lambda: 2)
    packed(workspace, MANY)
    files = FaceFiles(workspace)
    wrong: list[bytes] = []

    def look() -> None:
        for _ in range(3):
            wrong.extend(face.data for face, data in zip(MANY, read_all(files, MANY), strict=True) if data != face.data)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_forked_process_reads_on(workspace: Workspace) -> None:
    packed(workspace, MANY)
    files = FaceFiles(workspace)
    read_all(files, MANY[:40])
    child = os.fork()
    if not child:
        os._exit(int(read_all(files, MANY) != [face.data for face in MANY]))
    assert read_all(files, MANY) == [face.data for face in MANY]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_tar_that_is_gone_is_told_with_its_name(workspace: Workspace) -> None:
    packed(workspace, MANY[:1])
    tar = workspace.pack(shard_of(MANY[0].key))
    tar.unlink()
    with pytest.raises(ManifestError, match=rf"{tar} cannot be read, and its index is there"):
        FaceFiles(workspace).read(path_of(workspace, MANY[0]))


def test_a_tar_that_was_cut_short_is_told_with_its_name(workspace: Workspace) -> None:
    packed(workspace, MANY[:1])
    tar = workspace.pack(shard_of(MANY[0].key))
    with tar.open("r+b") as sink:
        sink.truncate(520)
    with pytest.raises(ManifestError, match=rf"{tar} has 520 bytes, and its index is of a tar of"):
        FaceFiles(workspace).read(path_of(workspace, MANY[0]))


def test_a_tar_that_shrinks_while_it_is_read_is_told_with_its_name(workspace: Workspace) -> None:
    packed(workspace, MANY[:2])
    files = FaceFiles(workspace)
    assert files.read(path_of(workspace, MANY[0]))
    tar = workspace.pack(shard_of(MANY[0].key))
    with tar.open("r+b") as sink:
        sink.truncate(520)
    with pytest.raises(ManifestError, match=rf"{tar} ends before byte"):
        files.read(path_of(workspace, MANY[1]))


def test_packed_faces_are_listed_by_the_folder_that_they_would_lie_in(workspace: Workspace) -> None:
    packed(workspace, MANY)
    files, root = FaceFiles(workspace), workspace.root / "faces"
    every = [path_of(workspace, face) for face in sorted(MANY)]
    assert files.below(root) == every
    assert files.below(root / "id5") == [path for path in every if path.parts[-4] == "id5"]
    assert files.below(root / "id5" / "v" / "2_folder") == files.below(root / "id5")
    assert files.below(root / "id5" / "v" / "0_folder") == []
    assert files.below(workspace.root) == []


@pytest.mark.parametrize(
    "name", ["img_0_001.jpg", "id1/v1/0_folder", "id1/v1/folder/img_0_001.jpg", "id1/v1/0_folder/a.jpg", "a/b/c/d/e"]
)
def test_other_names_are_of_no_face(name: str) -> None:
    assert face_at(name) is None
