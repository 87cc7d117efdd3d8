"""Face files: listed, named, and decoded ahead."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace
from tcae.model.data.faces import FaceFileError
from tcae.model.encoders.reading import face_files, face_of, read_ahead
from tests.training_builders import make_training_workspace


def test_numbers_in_names_count_as_numbers(tmp_path: Path) -> None:
    names = ["img_0_1000.jpg", "img_0_999.jpg", "img_0_002.PNG", "a.jpeg", "notes.txt", ".hidden.jpg"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in face_files(tmp_path)] == [
        "a.jpeg",
        "img_0_002.PNG",
        "img_0_999.jpg",
        "img_0_1000.jpg",
    ]


def test_a_file_of_the_workspace_is_known_by_its_place(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workspace.picture("faces", ClipKey("id1", "v", 7), 11)
    assert face_of(workspace, path) == ("id1", "v", 7, 11)
    path.parent.mkdir(parents=True)
    monkeypatch.chdir(path.parent)
    assert face_of(workspace, Path(path.name)) == ("id1", "v", 7, 11)


@pytest.mark.parametrize("name", ["faces/id1/v/7_folder/smile.jpg", "faces/id1/img_7_012.jpg", "crops/img_7_012.jpg"])
def test_other_files_are_no_faces_of_the_workspace(workspace: Workspace, name: str) -> None:
    assert face_of(workspace, workspace.root / name) is None


def test_faces_come_in_order_with_their_tags_and_errors(workspace: Workspace) -> None:
    make_training_workspace(workspace, identities=1, tracks=2, faces=4, side=16)
    files = face_files(workspace.root / "faces", recursive=True)
    files[5].write_bytes(b"")
    batches = [(number, files[number : number + 3]) for number in (0, 3, 6)]
    found = list(read_ahead(batches, 16, batch_size=3, threads=3))
    assert [tag for tag, _ in found] == [0, 3, 6]
    faces = [face for _, some in found for face in some]
    assert [number for number, face in enumerate(faces) if isinstance(face, FaceFileError)] == [5]
    alone = [
        face for file in files for _, some in read_ahead([(0, [file])], 16, batch_size=1, threads=1) for face in some
    ]
    for mine, wanted in zip(faces, alone, strict=True):
        if not isinstance(mine, FaceFileError):
            np.testing.assert_array_equal(mine, wanted)


def test_only_a_few_batches_are_read_ahead(workspace: Workspace) -> None:
    make_training_workspace(workspace, identities=1, tracks=1, faces=1, side=16)
    file = face_files(workspace.root / "faces", recursive=True)[0]
    asked: list[int] = []

    def batches() -> Iterator[tuple[int, list[Path]]]:
        for number in range(20):
            asked.append(number)
            yield number, [file] * 2

    reader = read_ahead(batches(), 16, batch_size=2, threads=2)
    next(reader)
    assert len(asked) == 3
    reader.close()
