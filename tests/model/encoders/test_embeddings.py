"""The table of embeddings, written and read."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.model.encoders.embeddings import (
    Origin,
    digest,
    parts_of,
    provenance_of,
    read_batches,
    vectors_of,
    with_embeddings,
    write_embeddings,
)
from tcae.model.encoders.export import export, read_export
from tests.encoder_builders import trained

VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)


def write(path: Path, provenance: dict[str, str] | None = None) -> Path:
    write_embeddings(
        with_embeddings(pa.table({"frame": [0, 1, 2]}), {"au": VECTORS, "pose": -VECTORS}), path, provenance or {}
    )
    return path


def test_vectors_come_back_as_they_were(tmp_path: Path) -> None:
    tables = list(read_batches(write(tmp_path / "a.parquet"), ["frame", "au", "pose"]))
    table = pa.concat_tables(tables)
    np.testing.assert_array_equal(vectors_of(table.column("au")), VECTORS)
    np.testing.assert_array_equal(vectors_of(table.column("pose")), -VECTORS)
    assert vectors_of(table.column("au")[1:2]).tolist() == VECTORS[1:2].tolist()
    assert vectors_of(table.column("au")[:0]).shape == (0, 4)


def test_a_run_and_its_export_have_the_same_origin(tmp_path: Path) -> None:
    run = trained()
    assert Origin.of(run) == Origin.of_export(*read_export(export(run, tmp_path / "export")))
    other = dict(run.model.encoder.state_dict())
    other["pose.0.bias"] = other["pose.0.bias"] + 1
    assert digest(other) != Origin.of(run).weights


def test_the_digest_does_not_depend_on_the_order_in_memory() -> None:
    tensor = torch.randn(2, 3, 4, 4)
    assert digest({"a": tensor}) == digest({"a": tensor.to(memory_format=torch.channels_last)})


def test_the_provenance_is_read_without_its_prefix(tmp_path: Path) -> None:
    found = provenance_of(write(tmp_path / "a.parquet", {"weights": "w", "run": "r"}))
    assert found == {"schema": "1", "weights": "w", "run": "r"}


def test_parts_of_different_weights_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", {"weights": "one"})
    assert [path.name for path in parts_of(tmp_path)] == ["a.parquet"]
    write(tmp_path / "b.parquet", {"weights": "two"})
    with pytest.raises(ManifestError, match=r"a.parquet with one, b.parquet with two\); run tcae embed again"):
        parts_of(tmp_path)


def test_an_empty_folder_says_what_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no embeddings; run tcae embed first"):
        parts_of(tmp_path)


def test_damaged_and_foreign_parts_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"no table")
    with pytest.raises(ManifestError, match=r"a.parquet is not a readable Parquet table"):
        parts_of(tmp_path)
    with pytest.raises(ManifestError, match=r"lacks the column\(s\) video of"):
        list(read_batches(write(path), ["video", "au"]))
    pq.write_table(pa.table({"frame": [0]}), path)
    with pytest.raises(ManifestError, match="has schema version None; this release reads 1"):
        parts_of(tmp_path)
