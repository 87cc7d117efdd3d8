"""Which faces make a sample: each kind's promise, on tracks of known lengths."""

from pathlib import Path

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import FaceRef, PairIndex
from tcae.model.data.draws import Drawn, drawn
from tcae.model.recipe import DrawConfig
from tests.pair_builders import Tree, write_index

TREE: Tree = {"a": {"v": [30, 5]}, "b": {"v": [4]}, "c": {"v": [12], "w": [14]}}
NUM = 200


@pytest.fixture
def index(tmp_path: Path) -> PairIndex:
    return PairIndex.open(write_index(tmp_path, TREE))


def many(index: PairIndex, identity: int = 0, **config: object) -> list[list[Drawn]]:
    draw = DrawConfig(**config)  # type: ignore[arg-type]
    return [drawn(index, identity, np.random.default_rng(seed), draw, "tracks") for seed in range(NUM)]


def faces(sample: list[Drawn]) -> list[FaceRef]:
    return [face for face, _ in sample]


def test_one_is_any_face_of_the_identity(index: PairIndex) -> None:
    samples = many(index, kind="one", num_faces=1)
    assert {len(sample) for sample in samples} == {1}
    assert {sample[0][0].identity for sample in samples} == {"a"}
    assert len({sample[0][0] for sample in samples}) > 25


def test_a_track_gives_different_faces_as_far_as_it_has_them(index: PairIndex) -> None:
    for sample in many(index, identity=1, kind="track", num_faces=3):
        assert len(set(faces(sample))) == 3
        assert len({face.key for face in faces(sample)}) == 1
    for sample in many(index, identity=1, kind="track", num_faces=6):
        assert len(set(faces(sample))) == 4
    assert len({faces(sample)[-1] for sample in many(index, identity=1, kind="track", num_faces=3)}) == 4


def test_a_mirror_shows_the_face_itself_or_another_of_its_track(index: PairIndex) -> None:
    samples = many(index, kind="mirror")
    mirrored = [sample for sample in samples if sample[1][1]]
    assert not any(sample[0][1] for sample in samples)
    assert len(mirrored) / NUM == pytest.approx(0.5, abs=0.12)
    assert all(sample[0][0] == sample[1][0] for sample in mirrored)
    others = [sample for sample in samples if not sample[1][1]]
    assert all(one != other and one.key == other.key for one, other in map(faces, others))


def test_strangers_are_of_two_identities(index: PairIndex) -> None:
    names = [tuple(face.identity for face in faces(sample)) for sample in many(index, kind="strangers")]
    assert {first for first, _ in names} == {"a"}
    assert {second for _, second in names} == {"b", "c"}


@pytest.mark.parametrize("spacing", [1, 2])
def test_times_are_an_anchor_its_sibling_and_faces_ever_farther(index: PairIndex, spacing: int) -> None:
    samples = [faces(sample) for sample in many(index, kind="times", num_faces=12, spacing=spacing)]
    for sample in samples:
        gaps = [(face.frame - sample[0].frame) // 2 for face in sample]  # every other frame has a face
        assert gaps == [0, 1, *(1 + number * spacing for number in range(1, 11))]
        assert len({face.key for face in sample}) == 1
    assert {sample[0].identity for sample in samples} == {"a"}
    assert {sample[0].frame // 2 for sample in samples} == set(range(30 - (1 + 10 * spacing)))


def test_an_identity_without_a_track_that_is_long_enough_leaves_its_turn_to_the_next(index: PairIndex) -> None:
    samples = [faces(sample) for sample in many(index, identity=1, kind="times", num_faces=12)]
    assert {(sample[0].identity, sample[0].video) for sample in samples} == {("c", "v"), ("c", "w")}


def test_no_track_that_is_long_enough_is_an_error_that_says_what_to_do(index: PairIndex) -> None:
    with pytest.raises(ConfigError, match="no track has the 42 faces that a sample needs; extract at a higher --fps"):
        many(index, kind="times", num_faces=12, spacing=4)


def test_a_draw_with_another_number_of_faces_is_refused() -> None:
    with pytest.raises(ConfigError, match="draw: pair has 2 faces"):
        DrawConfig(kind="pair", num_faces=3)
