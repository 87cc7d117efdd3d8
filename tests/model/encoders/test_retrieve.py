"""The nearest faces, found part by part."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.pairs import FaceRef
from tcae.model.encoders import embeddings
from tcae.model.encoders.embeddings import with_embeddings, write_embeddings
from tcae.model.encoders.retrieve import Found, RetrieveConfig, mean_of, retrieve

WIDTH = 6
NUM_PARTS, NUM_ROWS = 5, 40


def name_of(part: int, row: int) -> FaceRef:
    return FaceRef(f"id{row % 4}", f"v{part}", row % 3, row)


def write_part(path: Path, part: int, au: NDArray[np.float32]) -> Path:
    names = [name_of(part, row)._asdict() for row in range(len(au))]
    write_embeddings(with_embeddings(pa.Table.from_pylist(names), {"au": au, "pose": au[:, ::-1] ** 2}), path, {})
    return path


@pytest.fixture
def vectors() -> NDArray[np.float32]:
    """(parts, rows, width), far from their origin."""
    draws = np.random.default_rng(0).normal(5, 1, (NUM_PARTS, NUM_ROWS, WIDTH))
    return draws.astype(np.float32)


@pytest.fixture
def parts(tmp_path: Path, vectors: NDArray[np.float32]) -> list[Path]:
    return [write_part(tmp_path / f"{part}.parquet", part, vectors[part]) for part in range(NUM_PARTS)]


def slow(vectors: NDArray[np.float32], query: NDArray[np.float32], itself: FaceRef | None) -> list[Found]:
    """All at once, one by one, in float64."""
    mean = vectors.reshape(-1, WIDTH).astype(np.float64).mean(0)
    found = []
    for part in range(NUM_PARTS):
        for row in range(NUM_ROWS):
            one, other = vectors[part, row] - mean, query - mean
            cosine = float(one @ other / np.sqrt((one @ one) * (other @ other)))
            found.append(Found(cosine, name_of(part, row)))
    return sorted((each for each in found if each.face != itself), key=lambda each: -each.similarity)


@pytest.mark.parametrize("batch_rows", [7, 16_384])
def test_the_nearest_are_those_of_the_slow_search(
    parts: list[Path], vectors: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr(embeddings, "BATCH_ROWS", batch_rows)
    itself = name_of(2, 11)
    for name in (None, itself):
        found = retrieve(parts, vectors[2, 11], RetrieveConfig(top=12), name)
        wanted = slow(vectors, vectors[2, 11], name)[:12]
        assert [each.face for each in found] == [each.face for each in wanted]
        np.testing.assert_allclose([each[0] for each in found], [each[0] for each in wanted], atol=1e-5)
    assert retrieve(parts, vectors[2, 11], RetrieveConfig(top=1))[0].face == itself


def test_a_common_part_of_all_embeddings_changes_nothing(
    parts: list[Path], vectors: NDArray[np.float32], tmp_path: Path
) -> None:
    moved = [write_part(tmp_path / f"moved{part}.parquet", part, vectors[part] + 3) for part in range(NUM_PARTS)]
    before = retrieve(parts, vectors[0, 0], RetrieveConfig())
    after = retrieve(moved, vectors[0, 0] + 3, RetrieveConfig())
    assert [each.face for each in before] == [each.face for each in after]
    np.testing.assert_allclose([each[0] for each in before], [each[0] for each in after], atol=1e-4)


def test_other_identities_come_first_and_the_own_one_after_them(
    parts: list[Path], vectors: NDArray[np.float32]
) -> None:
    itself = name_of(0, 0)
    config = RetrieveConfig(top=NUM_PARTS * NUM_ROWS, other_identities=True)
    found = retrieve(parts, vectors[0, 0], config, itself)
    wanted = slow(vectors, vectors[0, 0], itself)
    ranked = sorted(wanted, key=lambda each: (each.face.identity == itself.identity, -each.similarity))
    assert [each.face for each in found] == [each.face for each in ranked]


def test_the_embedding_that_is_asked_for_is_compared(parts: list[Path], vectors: NDArray[np.float32]) -> None:
    pose = vectors[3, 5, ::-1] ** 2
    assert retrieve(parts, pose, RetrieveConfig(embedding="pose", top=1))[0].face == name_of(3, 5)


def test_the_mean_is_over_all_parts(parts: list[Path], vectors: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(mean_of(parts, "au"), vectors.reshape(-1, WIDTH).mean(0), rtol=1e-6)


def test_an_embedding_at_the_mean_is_not_found(tmp_path: Path) -> None:
    au = np.array([[1, 0], [-1, 0], [0, 0]], np.float32)
    path = write_part(tmp_path / "a.parquet", 0, au)
    found = retrieve([path], au[0], RetrieveConfig())
    assert [each.similarity for each in found] == [1.0, -1.0]


def test_a_query_at_the_mean_is_refused(tmp_path: Path) -> None:
    path = write_part(tmp_path / "a.parquet", 0, np.ones((1, 2), np.float32))
    with pytest.raises(ConfigError, match="is the mean of all embeddings"):
        retrieve([path], np.ones(2, np.float32), RetrieveConfig())


def test_a_query_of_another_width_is_refused(parts: list[Path]) -> None:
    with pytest.raises(ConfigError, match=r"has \(3,\) components and the stored ones \(6,\)"):
        retrieve(parts, np.ones(3, np.float32), RetrieveConfig())


def test_embeddings_of_no_face_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    none = np.zeros((0, 2), np.float32)
    write_embeddings(with_embeddings(pa.table({"identity": pa.array([], pa.string())}), {"au": none}), path, {})
    with pytest.raises(ConfigError, match="there is no face among the embeddings"):
        mean_of([path], "au")


def test_other_identities_need_a_known_query(parts: list[Path]) -> None:
    with pytest.raises(ConfigError, match="this face's identity is not known"):
        retrieve(parts, np.ones(WIDTH, np.float32), RetrieveConfig(other_identities=True))


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="--top must be at least 1, not 0"):
        RetrieveConfig(top=0)


def test_an_embedding_that_is_not_there_is_named(parts: list[Path]) -> None:
    with pytest.raises(ManifestError, match=r"lacks the column\(s\) smile of a table of embeddings"):
        retrieve(parts, np.ones(WIDTH, np.float32), RetrieveConfig(embedding="smile"))
