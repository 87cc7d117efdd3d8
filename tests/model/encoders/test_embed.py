"""Every face gets its embeddings, once."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Face
from tcae.manifests.tables import read_parts, read_table, rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace
from tcae.model.data.faces import decoded_side, read_face
from tcae.model.encoders.embed import EmbedConfig, Embedded, embed_folder, embed_workspace
from tcae.model.encoders.embeddings import Origin, provenance_of, vectors_of
from tcae.model.encoders.face_encoder import FaceEncoder
from tests.encoder_builders import trained
from tests.training_builders import make_training_workspace
from tests.workspaces import Plan, make_workspace

ORIGIN = Origin.of(trained())
CONFIG = EmbedConfig(batch_size=2, threads=2)


def encoder() -> FaceEncoder:
    return FaceEncoder.of(trained(), "cpu")


def embed(workspace: Workspace, origin: Origin = ORIGIN, config: EmbedConfig = CONFIG, **watch: Any) -> Embedded:
    return embed_workspace(workspace, encoder(), origin, config, **watch)


def faces_of(workspace: Workspace) -> list[Face]:
    return [row for row in rows_of(read_parts(workspace.manifest("faces"), Face), Face) if row.file]


def counts(outcome: Embedded) -> tuple[int, int, int, int]:
    return outcome.num_faces, outcome.num_embedded, outcome.num_kept, outcome.num_unreadable


def shelf(workspace: Workspace) -> Path:
    return sorted(workspace.manifest("faces").glob("*.parquet"))[0]


@pytest.fixture
def faces(workspace: Workspace) -> Workspace:
    """24 faces."""
    return make_training_workspace(workspace, identities=4, tracks=2, faces=3, side=32)


def test_each_face_has_the_embedding_that_the_encoder_gives_it_alone(faces: Workspace) -> None:
    outcome = embed(faces)
    assert counts(outcome) == (24, 24, 0, 0)
    assert outcome.path == faces.root / "manifests" / "embeddings" / "run" / "best"
    found: dict[tuple[Any, ...], list[Any]] = {}
    for path in outcome.path.glob("*.parquet"):
        table = pq.read_table(path)
        au, pose = vectors_of(table.column("au")), vectors_of(table.column("pose"))
        keys = table.select(["identity", "video", "clip", "frame"]).to_pylist()
        found |= {tuple(key.values()): both for key, *both in zip(keys, au, pose, strict=True)}
    assert len(found) == 24
    side = decoded_side(8)
    for face in faces_of(faces):
        assert face.file is not None
        au, pose = encoder().embed(read_face(faces.root / face.file, side)[None])
        mine = found[face.identity, face.video, face.clip, face.frame]
        np.testing.assert_allclose(mine[0], au[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mine[1], pose[0], rtol=1e-5, atol=1e-6)
    assert np.ptp(np.stack([both[0] for both in found.values()]), axis=0).max() > 1e-3


def test_a_part_has_the_columns_and_says_what_made_it(faces: Workspace) -> None:
    path = sorted(embed(faces).path.glob("*.parquet"))[0]
    schema = pq.read_schema(path)
    names = ["identity", "video", "clip", "frame", "source_frame", "pts_seconds", "au", "pose"]
    assert schema.names == names
    assert schema.field("au").type == schema.field("pose").type == pa.list_(pa.float32(), 8)
    found = provenance_of(path)
    wanted = {"run": "run", "checkpoint": "best", "step": "40", "weights": ORIGIN.weights, "template": "tcae"}
    assert {name: found[name] for name in wanted} == wanted
    assert found["stage"] == "embed"


def test_running_again_makes_nothing(faces: Workspace) -> None:
    outcome = embed(faces)
    before = {path: path.stat().st_mtime_ns for path in outcome.path.glob("*.parquet")}
    assert counts(embed(faces)) == (24, 24, 24, 0)
    assert {path: path.stat().st_mtime_ns for path in outcome.path.glob("*.parquet")} == before


def test_other_weights_or_changed_faces_are_embedded_again(faces: Workspace) -> None:
    embed(faces)
    assert counts(embed(faces, replace(ORIGIN, weights="0" * 16))) == (24, 24, 0, 0)
    embed(faces)
    rows = rows_of(read_table(shelf(faces), Face), Face)
    write_table(table_of([replace(rows[0], crc32=1), *rows[1:]], Face), shelf(faces))
    assert counts(embed(faces)) == (24, 24, 24 - len(rows), 0)


def test_a_damaged_part_is_made_again(faces: Workspace) -> None:
    outcome = embed(faces)
    path = sorted(outcome.path.glob("*.parquet"))[0]
    path.write_bytes(path.read_bytes()[:100])
    assert embed(faces).num_kept < 24
    assert pq.read_table(path).num_rows > 0


def test_a_part_whose_faces_are_gone_goes_too(faces: Workspace) -> None:
    outcome = embed(faces)
    gone = shelf(faces)
    num = read_table(gone, Face).num_rows
    gone.unlink()
    assert counts(embed(faces)) == (24 - num, 24 - num, 24 - num, 0)
    assert not (outcome.path / gone.name).exists()


def test_faces_that_were_rejected_later_leave_no_part(faces: Workspace) -> None:
    outcome = embed(faces)
    rows = rows_of(read_table(shelf(faces), Face), Face)
    write_table(table_of([replace(row, file=None, reason="no_face") for row in rows], Face), shelf(faces))
    assert embed(faces).num_faces == 24 - len(rows)
    assert not (outcome.path / shelf(faces).name).exists()


def test_unreadable_faces_are_counted_and_tried_again(faces: Workspace) -> None:
    files = [faces.root / face.file for face in faces_of(faces) if face.file]
    whole = files[3].read_bytes()
    files[3].write_bytes(b"no picture")
    files[4].unlink()
    outcome = embed(faces)
    assert counts(outcome) == (24, 22, 0, 2)
    assert len(outcome.examples) == 2
    assert str(files[3]) in "".join(outcome.examples)
    assert sum(pq.read_table(path).num_rows for path in outcome.path.glob("*.parquet")) == 22
    files[3].write_bytes(whole)
    again = embed(faces)
    assert (again.num_embedded, again.num_unreadable) == (23, 1)


def test_a_part_without_one_readable_face_is_empty(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan()])
    for face in faces_of(workspace):
        (workspace.root / str(face.file)).write_bytes(b"")
    outcome = embed(workspace)
    assert counts(outcome) == (2, 0, 0, 2)
    assert [pq.read_table(path).num_rows for path in outcome.path.glob("*.parquet")] == [0]


def test_faces_of_another_template_are_refused_unless_forced(faces: Workspace) -> None:
    origin = replace(ORIGIN, template="arcface")
    with pytest.raises(ConfigError, match=r"wants faces aligned to arcface, .* aligned to tcae; .* --any-template"):
        embed(faces, origin)
    assert embed(faces, origin, replace(CONFIG, any_template=True)).num_embedded == 24


def test_an_encoder_of_an_unknown_template_takes_any_face_with_a_note(faces: Workspace) -> None:
    notes: list[str] = []
    assert embed(faces, replace(ORIGIN, template="unknown"), note=notes.append).num_embedded == 24
    assert notes == ["the template that the encoder's faces were aligned to is not known, and embeddings depend on it"]


def test_without_faces_it_says_what_to_run_first(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="run tcae-prep align first"):
        embed(workspace)


@pytest.mark.parametrize("setting", [{"batch_size": 0}, {"threads": 0}])
def test_nonsense_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be at least 1, not 0"):
        EmbedConfig(**setting)


def test_the_faces_of_a_folder_are_named_by_their_files(faces: Workspace, tmp_path: Path) -> None:
    path, folder = tmp_path / "table.parquet", faces.root / "faces" / "id1"
    turns: list[int] = []

    def follow(items: Iterable[Any], total: int) -> Iterable[Any]:
        turns.append(total)
        return items

    (folder / "v" / "broken.png").write_bytes(b"")
    outcome = embed_folder(folder, path, encoder(), ORIGIN, CONFIG, follow=follow)
    assert counts(outcome) == (7, 6, 0, 1)
    assert turns == [4]
    table = pq.read_table(path)
    assert table.column_names == ["file", "au", "pose"]
    assert table.column("file").to_pylist()[:2] == ["v/0_folder/img_0_001.jpg", "v/0_folder/img_0_002.jpg"]


def test_the_table_of_another_folder_is_not_overwritten(faces: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    embed_folder(faces.root / "faces" / "id1", path, encoder(), ORIGIN, CONFIG)
    with pytest.raises(ConfigError, match=r"has the embeddings of .*id1; name another file with --to"):
        embed_folder(faces.root / "faces" / "id2", path, encoder(), ORIGIN, CONFIG)
    assert embed_folder(faces.root / "faces" / "id1", path, encoder(), ORIGIN, CONFIG).num_embedded == 6


def test_a_folder_without_faces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no faces; they are looked for as .jpeg, .jpg, .png"):
        embed_folder(tmp_path, tmp_path / "table.parquet", encoder(), ORIGIN, CONFIG)
    with pytest.raises(ConfigError, match="is not a folder of faces"):
        embed_folder(tmp_path / "nowhere", tmp_path / "table.parquet", encoder(), ORIGIN, CONFIG)
