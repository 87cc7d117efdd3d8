import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.pair_tables import Within
from tcae.manifests.pairs import FaceRef, Over, Pair, PairIndex
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace
from tests.pair_builders import Tree, pairs_of_tree, write_index

TREE: Tree = {"id1": {"v1": [2, 3], "v2": [4]}, "id2": {"v1": [2]}}
"""Every track has a pair, so the index holds all of it."""

counts = st.lists(st.integers(2, 5), min_size=1, max_size=4)
trees = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.dictionaries(st.sampled_from(["u", "v", "w"]), counts, min_size=1),
    min_size=1,
)


def as_tuple(pair: Pair) -> tuple[ClipKey, int, ClipKey, int]:
    return pair.source.key, pair.source.frame, pair.target.key, pair.target.frame


@pytest.mark.parametrize("within", ["track", "video"])
def test_the_index_counts_what_it_holds(tmp_path: Path, within: Within) -> None:
    index = PairIndex.open(write_index(tmp_path, TREE, within))
    assert (index.num_identities, index.num_videos, index.num_tracks, index.num_faces) == (2, 3, 4, 11)
    expected = pairs_of_tree(TREE, within)
    assert index.num_pairs == sum(map(len, expected.values())) == {"track": 22, "video": 34}[within]
    assert [index.num_pairs_of(number) for number in (0, 1)] == [len(expected["id1"]), len(expected["id2"])]
    assert index.identity_names == ["id1", "id2"]
    assert index.pts_seconds.tolist() == index.frame.tolist()


@pytest.mark.parametrize("within", ["track", "video"])
@settings(max_examples=25)
@given(tree=trees)
def test_the_pairs_are_those_of_the_slow_way(
    tmp_path_factory: pytest.TempPathFactory, tree: Tree, within: Within
) -> None:
    index = PairIndex.open(write_index(tmp_path_factory.mktemp("pairs"), tree, within))
    expected = pairs_of_tree(tree, within)
    for number, name in enumerate(index.identity_names):
        pairs = [as_tuple(pair) for pair in index.pairs_of(number)]
        assert len(pairs) == len(set(pairs)) == index.num_pairs_of(number)
        assert set(pairs) == expected[name]


@pytest.mark.parametrize("over", ["tracks", "pairs"])
@pytest.mark.parametrize("within", ["track", "video"])
def test_a_pair_never_leaves_its_group_nor_joins_a_face_with_itself(tmp_path: Path, within: Within, over: Over) -> None:
    index = PairIndex.open(write_index(tmp_path, TREE, within))
    allowed = pairs_of_tree(TREE, within)
    rng = np.random.default_rng(0)
    for number, name in enumerate(index.identity_names):
        assert {as_tuple(index.draw(number, rng, over)) for _ in range(1500)} == allowed[name]


def chi_square(
    drawn: Counter[tuple[ClipKey, int, ClipKey, int]], chance: dict[tuple[ClipKey, int, ClipKey, int], float]
) -> float:
    total = drawn.total()
    return sum((drawn[pair] - total * expected) ** 2 / (total * expected) for pair, expected in chance.items())


@pytest.mark.parametrize("within", ["track", "video"])
def test_drawing_over_pairs_is_uniform(tmp_path: Path, within: Within) -> None:
    index = PairIndex.open(write_index(tmp_path, TREE, within))
    rng = np.random.default_rng(1)
    drawn = Counter(as_tuple(index.draw(0, rng, "pairs")) for _ in range(6000))
    allowed = pairs_of_tree(TREE, within)["id1"]
    degrees = len(allowed) - 1
    assert chi_square(drawn, dict.fromkeys(allowed, 1 / len(allowed))) < degrees + 4 * (2 * degrees) ** 0.5


def test_drawing_over_tracks_takes_a_video_then_a_track_then_two_faces(tmp_path: Path) -> None:
    index = PairIndex.open(write_index(tmp_path, TREE))
    rng = np.random.default_rng(2)
    drawn = Counter(as_tuple(index.draw(0, rng)) for _ in range(6000))
    chance = {}
    for pair in pairs_of_tree(TREE, "track")["id1"]:
        videos, tracks = 2, len(TREE["id1"][pair[0].video])
        faces = TREE["id1"][pair[0].video][pair[0].clip]
        chance[pair] = 1 / (videos * tracks * faces * (faces - 1))
    degrees = len(chance) - 1
    assert sum(chance.values()) == pytest.approx(1)
    assert chi_square(drawn, chance) < degrees + 4 * (2 * degrees) ** 0.5


def test_the_same_generator_draws_the_same_pairs(tmp_path: Path) -> None:
    index = PairIndex.open(write_index(tmp_path, TREE))
    first, second = ([index.draw(0, rng) for _ in range(20)] for rng in (np.random.default_rng(5) for _ in range(2)))
    assert first == second


def test_a_face_names_its_picture(workspace: Workspace) -> None:
    path = FaceRef("id1", "v1", 3, 0).path(workspace)
    assert workspace.relative(path) == "faces/id1/v1/3_folder/img_3_001.jpg"


def test_what_is_not_there_cannot_be_drawn(tmp_path: Path) -> None:
    index = PairIndex.open(write_index(tmp_path, TREE))
    rng = np.random.default_rng(0)
    for number in (-1, 2):
        with pytest.raises(IndexError, match=f"identity_index {number} is not in 0 to 1"):
            index.draw(number, rng)
    with pytest.raises(IndexError, match="pair 2 of id2 is not in 0 to 1"):
        index.pair_at(1, 2)


def test_an_empty_index_opens(tmp_path: Path) -> None:
    index = PairIndex.open(write_index(tmp_path, {}))
    assert (index.num_identities, index.num_tracks, index.num_faces, index.num_pairs) == (0, 0, 0, 0)
    assert index.fixed_pairs() == []


def test_a_missing_index_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no pair index; run tcae-prep split first"):
        PairIndex.open(tmp_path)


@pytest.mark.parametrize("name", ["tracks.parquet", "faces.parquet"])
def test_a_set_of_two_runs_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_index(tmp_path / "one", TREE)
    other = write_index(tmp_path / "two", TREE, fingerprint="two")
    shutil.copy(other / name, folder / name)
    with pytest.raises(ManifestError, match="come from different runs of the split; run tcae-prep split again"):
        PairIndex.open(folder)


def test_tables_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    folder = write_index(tmp_path / "one", TREE)
    shutil.copy(write_index(tmp_path / "two", {"id1": {"v1": [2]}}) / "faces.parquet", folder / "faces.parquet")
    with pytest.raises(ManifestError, match="its tracks and faces do not fit together"):
        PairIndex.open(folder)


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    faces = write_index(tmp_path, TREE) / "faces.parquet"
    faces.write_bytes(faces.read_bytes()[:-20])
    with pytest.raises(ManifestError, match=r"faces.parquet is not a readable Parquet table"):
        PairIndex.open(tmp_path)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    folder = write_index(tmp_path, TREE)
    shutil.copy(folder / "faces.parquet", folder / "tracks.parquet")
    with pytest.raises(ManifestError, match=r"has the columns \['frame', 'pts_seconds'\]; a pair index has"):
        PairIndex.open(folder)
    pq.write_table(pa.table({"frame": [1]}), folder / "tracks.parquet")
    with pytest.raises(ManifestError, match="has schema version none; this release reads 1"):
        PairIndex.open(folder)
