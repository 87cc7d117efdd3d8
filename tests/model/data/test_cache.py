"""Every face of train in memory."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcae.manifests.pair_tables import Within
from tcae.manifests.pairs import FaceRef, PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.cache import FaceCache, does_fit, faces_of
from tcae.model.data.faces import FaceFileError, read_face
from tests.pair_builders import Tree, write_index
from tests.training_builders import make_training_workspace

TREE: Tree = {"id1": {"v1": [2, 3], "v2": [4]}, "id2": {"v1": [2]}, "id3": {"v3": [2, 2, 2]}}

counts = st.lists(st.integers(2, 4), min_size=1, max_size=3)
trees = st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.sampled_from("uvw"), counts, min_size=1), min_size=1)


def listed(index: PairIndex) -> set[FaceRef]:
    """The slow way: the faces of all pairs."""
    return {face for number in range(index.num_identities) for pair in index.pairs_of(number) for face in pair}


@pytest.mark.parametrize("within", ["track", "video"])
@settings(max_examples=20)
@given(tree=trees)
def test_every_face_of_the_index_comes_once(
    tmp_path_factory: pytest.TempPathFactory, tree: Tree, within: Within
) -> None:
    index = PairIndex.open(write_index(tmp_path_factory.mktemp("pairs"), tree, within))
    faces = list(faces_of(index))
    assert len(faces) == len(set(faces)) == index.num_faces
    assert set(faces) == listed(index)


def test_faces_come_in_the_order_of_the_index(tmp_path: Path) -> None:
    index = PairIndex.open(write_index(tmp_path, TREE))
    faces = list(faces_of(index))
    assert faces == sorted(faces)
    assert [face.frame for face in faces] == index.frame.tolist()


@pytest.fixture
def faces(workspace: Workspace) -> Workspace:
    return make_training_workspace(workspace, tracks=1, faces=3, side=32)


def index_of(workspace: Workspace) -> PairIndex:
    return PairIndex.open(workspace.manifest("pairs") / "train")


def test_a_cached_face_is_the_face(faces: Workspace) -> None:
    index = index_of(faces)
    cache = FaceCache.filled(faces, index, 16)
    paths = [face.path(faces) for face in faces_of(index)]
    assert len(paths) == 6
    from_files = [read_face(path, 16) for path in paths]
    for path in paths:
        path.unlink()
    assert all(np.array_equal(cache.read(path), face) for path, face in zip(paths, from_files, strict=True))


def test_what_could_not_be_read_is_told_when_it_is_asked_for(faces: Workspace) -> None:
    broken, missing, whole = [face.path(faces) for face in faces_of(index_of(faces))][:3]
    broken.write_bytes(b"no picture")
    missing.unlink()
    cache = FaceCache.filled(faces, index_of(faces), 16)
    assert cache.read(whole).shape == (16, 16, 3)
    with pytest.raises(FaceFileError, match=f"{broken.name} is not a picture"):
        cache.read(broken)
    with pytest.raises(FaceFileError, match=f"{missing.name} cannot be read"):
        cache.read(missing)


def test_a_face_of_another_identity_is_read_from_its_file(faces: Workspace) -> None:
    cache = FaceCache.filled(faces, index_of(faces), 16)
    known = set(cache.rows)
    other = next(path for path in (faces.root / "faces").rglob("*.jpg") if path not in known)
    assert np.array_equal(cache.read(other), read_face(other, 16))


@pytest.mark.parametrize(("processes", "need"), [(1, 10 * 768), (2, 20 * 768)])
def test_faces_may_take_half_of_the_free_memory(processes: int, need: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, fits in ((2 * need, True), (2 * need - 1, False)):
        monkeypatch.setattr(psutil, "virtual_memory", lambda free=free: SimpleNamespace(available=free))
        assert does_fit(10, 16, processes)[0] == fits


def test_the_memory_that_faces_take_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=40e9))
    assert does_fit(100_000, 256) == (True, "100,000 faces of 256 px take 19.66 GB of the free 40.00 GB")
    assert does_fit(100_000, 256, 2) == (
        False,
        "100,000 faces of 256 px for each of 2 processes take 39.32 GB, more than half of the free 40.00 GB",
    )
