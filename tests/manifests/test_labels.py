"""The table of labels."""

import pyarrow as pa
import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import KEY_SCHEMA, au_columns, labelled_sets, labels_path, read_labels, write_labels
from tcae.manifests.workspace import Workspace


def labels(frames: tuple[int, ...] = (3, 1)) -> pa.Table:
    rows = [{"identity": "a", "video": "v", "clip": 0, "source_frame": frame} for frame in frames]
    table = pa.Table.from_pylist(rows, KEY_SCHEMA)
    return table.append_column("AU12", pa.array([1.0] * len(frames))).append_column(
        "note", pa.array(["x"] * len(frames))
    )


def test_labels_come_back_sorted_by_frame(workspace: Workspace) -> None:
    write_labels(workspace, "bp4d", labels(), {})
    assert read_labels(workspace, "bp4d").column("source_frame").to_pylist() == [1, 3]
    assert labelled_sets(workspace) == ["bp4d"]


def test_action_units_are_the_columns_named_so() -> None:
    assert au_columns(labels()) == ("AU12",)


def test_a_frame_is_labelled_once(workspace: Workspace) -> None:
    with pytest.raises(ManifestError, match="the labels of bp4d have 1 frames twice"):
        write_labels(workspace, "bp4d", labels((1, 1)), {})
    assert not labels_path(workspace, "bp4d").exists()


def test_a_key_must_be_there_typed_and_known(workspace: Workspace) -> None:
    with pytest.raises(ManifestError, match="lack or mistype the column clip"):
        write_labels(workspace, "bp4d", labels().drop_columns("clip"), {})
    nobody = labels().set_column(0, "identity", pa.array(["a", None]))
    with pytest.raises(ManifestError, match="rows without identity"):
        write_labels(workspace, "bp4d", nobody, {})


def test_absent_labels_name_those_that_are_there_and_the_command(workspace: Workspace) -> None:
    write_labels(workspace, "disfa", labels(), {})
    with pytest.raises(ConfigError, match=r"labels there: disfa\); run tcae-prep labels --layout bp4d DIR"):
        read_labels(workspace, "bp4d")


def test_a_damaged_table_is_named(workspace: Workspace) -> None:
    path = write_labels(workspace, "bp4d", labels(), {})
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ManifestError, match=r"bp4d\.parquet is not a readable Parquet table"):
        read_labels(workspace, "bp4d")
