"""Labels and faces meet."""

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.labels import read_labels, write_labels
from tcae.manifests.workspace import Workspace
from tcae.model.probing.labelled import labelled_faces, presence_of
from tcae.model.probing.protocols import protocol_of
from tests.label_builders import drawn_angles, drawn_aus, face_keys, label_faces
from tests.training_builders import make_training_workspace


@pytest.fixture
def faces(workspace: Workspace) -> Workspace:
    """4 people, 2 clips of 4 faces each, whose frames are 25 apart."""
    return make_training_workspace(workspace, side=16)


def test_every_labelled_frame_with_a_face_is_a_row(faces: Workspace) -> None:
    label_faces(faces, drawn_aus(32), drawn_angles(32))
    found = labelled_faces(faces, protocol_of("synthetic"))
    assert (len(found.rows), found.num_labelled_frames, found.num_without_face) == (32, 32, 0)
    assert found.aus == ("AU01", "AU12")
    assert found.angles is not None
    assert found.angles.shape == (32, 3)
    assert np.bincount(found.identities).tolist() == [8, 8, 8, 8]


def test_labelled_frames_without_a_face_are_counted(faces: Workspace) -> None:
    table = label_faces(faces, drawn_aus(32))
    moved = table.set_column(
        3,
        "source_frame",
        [
            [frame + 1 for frame in table.column("source_frame").to_pylist()[:5]]
            + table.column("source_frame").to_pylist()[5:]
        ],
    )
    write_labels(faces, "synthetic", moved, {})
    assert labelled_faces(faces, protocol_of("synthetic")).num_without_face == 5


def test_a_label_stays_with_its_own_frame(faces: Workspace) -> None:
    keys = face_keys(faces)
    number = [25.0 * (frame == 50) for frame in keys.column("source_frame").to_pylist()]
    shuffled = label_faces(faces, {"AU01": number}).take(np.random.default_rng(0).permutation(32))
    write_labels(faces, "synthetic", shuffled, {})
    found = labelled_faces(faces, protocol_of("synthetic"))
    assert (found.presence[:, 0] == (found.rows["source_frame"] == 50)).all()


@pytest.mark.parametrize(("name", "positive"), [("bp4d", 1.0), ("disfa", 2.0), ("synthetic", 0.31)])
def test_an_au_is_present_from_the_protocols_number_on(name: str, positive: float) -> None:
    above = protocol_of(name).present_above
    values = np.array([[positive, above, 0.0, np.nan]])
    assert presence_of(values, above).tolist() == [[1, 0, 0, -1]]


def test_labels_that_meet_no_face_are_refused_with_one_of_each(faces: Workspace) -> None:
    table = label_faces(faces, drawn_aus(32))
    away = table.set_column(0, "identity", [[f"x{name}" for name in table.column("identity").to_pylist()]])
    write_labels(faces, "synthetic", away, {})
    with pytest.raises(
        ConfigError, match=r"none of the 32 labelled frames .* xid0/v/0, frame 0 is labelled, id\d/v/\d"
    ):
        labelled_faces(faces, protocol_of("synthetic"))


def test_a_workspace_without_faces_is_told_so(faces: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    label_faces(faces, drawn_aus(32))
    bare = Workspace(tmp_path_factory.mktemp("bare"))
    write_labels(bare, "synthetic", read_labels(faces, "synthetic"), {})
    with pytest.raises(ConfigError, match=r"there are no faces in .*; run tcae-prep align first"):
        labelled_faces(bare, protocol_of("synthetic"))


def test_an_au_that_the_protocol_wants_and_the_labels_lack_is_named(faces: Workspace) -> None:
    label_faces(faces, drawn_aus(32), dataset="disfa")
    with pytest.raises(ConfigError, match=r"the labels of DISFA lack AU02, AU04, .*; they have AU01, AU12"):
        labelled_faces(faces, protocol_of("disfa"))


def test_an_unknown_protocol_names_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="no protocol for 'ck'; there is synthetic, synthetic-mixtures, bp4d"):
        protocol_of("ck")


def test_mixtures_are_classes_of_those_frames_that_one_drives(faces: Workspace) -> None:
    label_faces(faces, drawn_aus(32), {"mixture": ["anger", None, "fear", None] * 8})
    found = labelled_faces(faces, protocol_of("synthetic-mixtures"))
    assert found.num_labelled_frames == len(found.rows) == 16
    assert found.rows["expression"].value_counts().to_dict() == {"anger": 8, "fear": 8}


def test_labels_without_the_column_of_the_classes_are_refused(faces: Workspace) -> None:
    label_faces(faces, drawn_aus(32))
    with pytest.raises(ConfigError, match="Rendered heads, six named mixtures have no column mixture"):
        labelled_faces(faces, protocol_of("synthetic-mixtures"))
