import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tcae.manifests import locks
from tcae.manifests.errors import ConfigError, ManifestError, WorkspaceError
from tcae.manifests.pair_tables import Within
from tcae.manifests.pairs import Pair, PairIndex
from tcae.manifests.rows import ClipKey, Face, Identity
from tcae.manifests.splits import SPLITS, SplitConfig
from tcae.manifests.tables import read_parts, rows_of, table_of, write_table
from tcae.manifests.workspace import Workspace
from tcae.pipeline import pair_files
from tcae.pipeline.pairs import PairConfig, split
from tests.pair_builders import Tree, face_row, pairs_of_tree, write_tree

TREE: Tree = {f"id{number}": {"v1": [3, 2], "v2": [1, 4], f"w{number}": [0, 5]} for number in range(12)} | {
    "lonely": {"v1": [1, 1], "v2": [1]},
    "unseen": {"v1": [0]},
}
"""14 people: 12 with a pair in a track, one with a pair only within a video, one without any face."""


def identities_of(workspace: Workspace) -> dict[str, Identity]:
    rows = rows_of(read_parts(workspace.manifest("identities"), Identity), Identity)
    return {row.identity: row for row in rows}


def open_all(workspace: Workspace) -> dict[str, PairIndex]:
    return {name: PairIndex.open(workspace.manifest("pairs") / name) for name in SPLITS}


def as_tuple(pair: Pair) -> tuple[ClipKey, int, ClipKey, int]:
    return pair.source.key, pair.source.frame, pair.target.key, pair.target.frame


def digests(workspace: Workspace) -> dict[str, str]:
    paths = [path for name in ("identities", "pairs") for path in workspace.manifest(name).rglob("*.parquet")]
    return {workspace.relative(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("within", ["track", "video"])
def test_the_indices_hold_every_pair_of_their_identities_and_no_other(workspace: Workspace, within: Within) -> None:
    write_tree(workspace, TREE)
    tally = split(workspace, PairConfig(within=within))
    expected = pairs_of_tree(TREE, within)
    found: dict[str, set[Any]] = {}
    for name, index in open_all(workspace).items():
        assert index.num_pairs == tally[name].pairs
        assert not found.keys() & set(index.identity_names)
        found |= {who: {as_tuple(p) for p in index.pairs_of(n)} for n, who in enumerate(index.identity_names)}
    assert found == expected


def test_identities_are_counted_and_conserved(workspace: Workspace) -> None:
    write_tree(workspace, TREE)
    tally = split(workspace, PairConfig())
    assert {name: counts.identities for name, counts in tally.items()} == {
        "train": 9, "val": 2, "test": 1, "excluded": 0, "no_pair": 2
    }  # fmt: skip
    rows = identities_of(workspace)
    assert rows.keys() == TREE.keys()
    one = rows["id1"]
    assert (one.num_videos, one.num_tracks, one.num_single_tracks, one.num_faces) == (3, 4, 1, 15)
    assert one.reason is None
    assert (rows["lonely"].split, rows["lonely"].reason, rows["lonely"].num_single_tracks) == (None, "no_pair", 3)
    assert (rows["unseen"].split, rows["unseen"].reason, rows["unseen"].num_faces) == (None, "no_pair", 0)
    for field in ("videos", "tracks", "single_tracks", "faces"):
        assert sum(getattr(counts, field) for counts in tally.values()) == sum(
            getattr(row, f"num_{field}") for row in rows.values()
        )


def test_a_track_of_one_face_is_in_no_index(workspace: Workspace) -> None:
    write_tree(workspace, TREE)
    split(workspace, PairConfig())
    assert sum(index.num_tracks for index in open_all(workspace).values()) == 12 * 4
    assert sum(index.num_faces for index in open_all(workspace).values()) == 12 * 14


def test_the_fixed_lists_hold_different_pairs_of_their_own_split(workspace: Workspace) -> None:
    write_tree(workspace, {**TREE, "long": {"v1": [40], "v2": [2]}})
    split(workspace, PairConfig(split=SplitConfig(ratios=(0, 1, 1)), pairs_per_identity=9))
    indices = open_all(workspace)
    assert indices["train"].fixed_pairs() == []
    for name in ("val", "test"):
        pairs = indices[name].fixed_pairs()
        assert len(pairs) == len(set(pairs)) == 9 * indices[name].num_identities
        allowed = [indices[name].pairs_of(number) for number in range(indices[name].num_identities)]
        assert set(pairs) <= {pair for some in allowed for pair in some}


def test_an_identity_with_few_pairs_gives_all_of_them(workspace: Workspace) -> None:
    write_tree(workspace, {"a": {"v": [2]}, "b": {"v": [3]}})
    split(workspace, PairConfig(split=SplitConfig(ratios=(0, 1, 0))))
    assert len(open_all(workspace)["val"].fixed_pairs()) == 2 + 6


@pytest.mark.parametrize(("num", "counts"), [(1, (1, 0, 0)), (2, (2, 0, 0)), (3, (2, 1, 0))])
def test_few_identities_are_ordinary(workspace: Workspace, num: int, counts: tuple[int, ...]) -> None:
    write_tree(workspace, {f"id{number}": {"v": [2]} for number in range(num)})
    tally = split(workspace, PairConfig())
    assert tuple(tally[name].identities for name in SPLITS) == counts
    assert tuple(index.num_identities for index in open_all(workspace).values()) == counts


def test_nobody_with_a_pair_is_ordinary(workspace: Workspace) -> None:
    write_tree(workspace, {"a": {"v": [0]}, "b": {"v": [1]}})
    tally = split(workspace, PairConfig())
    assert tally["no_pair"].identities == 2
    assert [index.num_pairs for index in open_all(workspace).values()] == [0, 0, 0]


def test_the_same_command_again_gives_the_same_bytes(workspace: Workspace) -> None:
    write_tree(workspace, TREE)
    split(workspace, PairConfig())
    before = digests(workspace)
    split(workspace, PairConfig())
    assert digests(workspace) == before
    assert len(before) == 1 + 2 + 3 + 3


def test_the_parts_do_not_matter(workspace: Workspace, tmp_path: Path) -> None:
    write_tree(workspace, TREE)
    other = Workspace(tmp_path / "other")
    faces = rows_of(read_parts(workspace.manifest("faces"), Face), Face)
    write_table(table_of(faces[::-1], Face), other.part("faces", 0))
    split(workspace, PairConfig())
    split(other, PairConfig())
    for name, index in open_all(workspace).items():
        again = PairIndex.open(other.manifest("pairs") / name)
        assert again.identity_names == index.identity_names
        assert list(map(list, map(again.pairs_of, range(again.num_identities)))) == [
            list(index.pairs_of(number)) for number in range(index.num_identities)
        ]


def test_official_test_identities_are_excluded_on_demand(workspace: Workspace) -> None:
    write_tree(workspace, TREE, official_test=["id3", "id4", "unseen"])
    tally = split(workspace, PairConfig(split=SplitConfig(official_test="exclude")))
    assert tally["excluded"].identities == 2
    rows = identities_of(workspace)
    assert {name for name, row in rows.items() if row.split == "excluded"} == {"id3", "id4"}
    assert rows["unseen"].official_split == "test"
    assert not {"id3", "id4"} & {name for index in open_all(workspace).values() for name in index.identity_names}


def test_with_keep_nobody_moves_when_the_data_grow(workspace: Workspace) -> None:
    write_tree(workspace, TREE)
    split(workspace, PairConfig())
    before = {name: row.split for name, row in identities_of(workspace).items() if row.split}
    write_tree(workspace, {**TREE, **{f"new{number}": {"v": [2]} for number in range(28)}})
    tally = split(workspace, PairConfig(keep=workspace.manifest("identities")))
    rows = identities_of(workspace)
    assert {name: rows[name].split for name in before} == before
    assert [tally[name].identities for name in SPLITS] == [30, 6, 4]


def test_every_table_says_what_it_was_made_from(workspace: Workspace) -> None:
    write_tree(workspace, TREE)
    split(workspace, PairConfig(split=SplitConfig(seed=7)))
    metadata = [pq.read_schema(workspace.root / name).metadata for name in digests(workspace)]
    assert {table[b"tcae.stage"] for table in metadata} == {b"split"}
    assert {json.loads(table[b"tcae.config"])["seed"] for table in metadata} == {7}
    assert len({table[b"tcae.fingerprint"] for table in metadata}) == 1


class KilledError(Exception):
    """Stands for a kill of the process."""


@pytest.mark.parametrize("last", [1, 4, 6, 9])
def test_a_crash_leaves_the_old_set_or_one_that_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    write_tree(workspace, TREE)
    split(workspace, PairConfig())
    before = digests(workspace)
    num_writes = 0

    def write_or_die(*args: Any) -> None:
        nonlocal num_writes
        num_writes += 1
        if num_writes == last:
            raise KilledError
        write_table(*args)

    monkeypatch.setattr(pair_files, "write_table", write_or_die)
    with pytest.raises(KilledError):
        split(workspace, PairConfig(split=SplitConfig(seed=1)))
    assert digests(workspace) == before
    monkeypatch.undo()
    split(workspace, PairConfig())
    assert digests(workspace) == before
    assert sorted(path.name for path in workspace.manifest("").glob(".split*")) == []


@pytest.mark.parametrize(("step", "message"), [(1, "holds no pair index"), (2, "different runs of the split")])
def test_a_crash_between_the_renames_is_noticed_and_mended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: int, message: str
) -> None:
    write_tree(workspace, TREE)
    split(workspace, PairConfig())
    num_renames = 0
    rename, move = Path.rename, Path.replace

    def counted(path: Path, target: Path) -> Path:
        nonlocal num_renames
        if path.name.endswith(".partial"):
            return move(path, target)
        num_renames += 1
        if num_renames > step:
            raise KilledError
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", counted)
    monkeypatch.setattr(Path, "replace", counted)
    with pytest.raises(KilledError):
        split(workspace, PairConfig(split=SplitConfig(seed=1)))
    monkeypatch.undo()
    for name in SPLITS:
        with pytest.raises((ConfigError, ManifestError), match=message):
            PairIndex.open(workspace.manifest("pairs") / name)
    split(workspace, PairConfig())
    assert open_all(workspace)["train"].num_identities == 9


def test_without_faces_the_command_to_run_is_named(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match=r"no faces in .*; run tcae-prep align"):
        split(workspace, PairConfig())


def test_two_splits_at_once_are_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.05)
    write_tree(workspace, TREE)
    with (
        locks.held(workspace.lock("pairs", 0), "the split"),
        pytest.raises(WorkspaceError, match=r"the split of .* is held by process \d+ on "),
    ):
        split(workspace, PairConfig())


def test_a_workspace_that_cannot_be_written_is_one_line(workspace: Workspace) -> None:
    write_tree(workspace, TREE)
    (workspace.root / "manifests" / ".locks").write_text("in the way")
    with pytest.raises(WorkspaceError, match=r"cannot write .*pairs-0000\.lock"):
        split(workspace, PairConfig())


KEY = ClipKey("a", "v", 0)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([[face_row(KEY, 1), face_row(KEY, 1)]], "has frame 1 of a/v/0_folder twice"),
        ([[face_row(KEY, 1)], [face_row(KEY, 2)]], "has a/v/0_folder in two parts"),
        ([[replace(face_row(KEY, 1), frame=None)]], "has 1 faces without frame"),
        ([[replace(face_row(KEY, 1), pts_seconds=None)]], "has 1 faces without pts_seconds"),
    ],
)
def test_a_faces_table_that_contradicts_itself_is_refused(
    workspace: Workspace, parts: list[list[Face]], message: str
) -> None:
    for shard, rows in enumerate(parts):
        write_table(table_of(rows, Face), workspace.part("faces", shard))
    with pytest.raises(ManifestError, match=message):
        split(workspace, PairConfig())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"within": "clip"}, "must be one of track, video"), ({"pairs_per_identity": 0}, "must be at least 1")],
)
def test_nonsense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PairConfig(**options)
