from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest

from tcae.manifests.pair_tables import FACES, PAIRS, TRACKS
from tcae.manifests.rows import Identity
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace
from tcae.pipeline.verify.findings import Findings
from tcae.pipeline.verify.splits import check_splits


def write_identities(workspace: Workspace, splits: Sequence[tuple[str, str | None]], fingerprint: str = "f") -> None:
    rows = [
        Identity(
            identity=identity,
            split=split,
            official_split=None,
            num_videos=1,
            num_tracks=1,
            num_single_tracks=0,
            num_faces=2,
            reason=None if split else "no_pair",
        )
        for identity, split in splits
    ]
    path = workspace.manifest("identities") / "identities.parquet"
    write_table(table_of(rows, Identity), path, {"fingerprint": fingerprint})


def write_pairs(workspace: Workspace, split: str, identities: Sequence[str], faces: int | None = None) -> None:
    number = len(identities)
    tracks = {
        "identity": identities,
        "video": ["v"] * number,
        "clip": [0] * number,
        "offset": [2 * index for index in range(number)],
        "num_faces": [2] * number,
    }
    num_faces = 2 * number if faces is None else faces
    tables = {
        "tracks": pa.Table.from_pydict(tracks, TRACKS),
        "faces": pa.Table.from_pydict({"frame": [0] * num_faces, "pts_seconds": [0.0] * num_faces}, FACES),
        "pairs": PAIRS.empty_table(),
    }
    for name, table in tables.items():
        write_table(
            table, workspace.manifest(f"pairs/{split}") / f"{name}.parquet", {"fingerprint": "f", "within": "track"}
        )


def findings_of(workspace: Workspace) -> Mapping[str, list[str]]:
    findings = Findings()
    check_splits(workspace, findings)
    return {kind: [f"{found.path} {found.detail}" for found in examples] for kind, examples, _ in findings}


def test_disjoint_splits_that_agree_with_their_pairs_are_fine(workspace: Workspace) -> None:
    write_identities(workspace, [("ann", "train"), ("bob", "val"), ("cid", None), ("dan", "excluded")])
    write_pairs(workspace, "train", ["ann"])
    write_pairs(workspace, "val", ["bob"])
    assert findings_of(workspace) == {}


def test_what_was_not_split_yet_is_fine(workspace: Workspace) -> None:
    assert findings_of(workspace) == {}


def test_an_identity_with_two_rows_is_found(workspace: Workspace) -> None:
    write_identities(workspace, [("ann", "train"), ("ann", "val")])
    assert findings_of(workspace) == {"identity in two splits": ["identities: ann has 2 rows: train, val"]}


def test_an_identity_in_the_pairs_of_two_splits_is_found(workspace: Workspace) -> None:
    write_pairs(workspace, "train", ["ann", "bob"])
    write_pairs(workspace, "val", ["bob"])
    assert findings_of(workspace) == {"identity in two splits": ["pairs/val: bob is also in pairs/train"]}


def test_pairs_of_an_identity_that_is_assigned_elsewhere_are_found(workspace: Workspace) -> None:
    write_identities(workspace, [("ann", "val")])
    write_pairs(workspace, "train", ["ann", "eve"])
    assert findings_of(workspace)["identity in two splits"] == [
        "pairs/train: ann is in val by manifests/identities",
        "pairs/train: eve is in no split by manifests/identities",
    ]


@pytest.mark.parametrize("split", ["dev", None])
def test_an_identity_without_a_split_or_a_reason_is_found(workspace: Workspace, split: str | None) -> None:
    write_identities(workspace, [("ann", "train")])
    path = workspace.manifest("identities") / "identities.parquet"
    row = Identity(
        identity="ann",
        split=split,
        official_split=None,
        num_videos=1,
        num_tracks=1,
        num_single_tracks=0,
        num_faces=2,
    )
    write_table(table_of([row], Identity), path)
    assert "train, val, test, excluded" in findings_of(workspace)["incomplete row"][0]


def test_tracks_that_name_more_faces_than_there_are_are_found(workspace: Workspace) -> None:
    write_pairs(workspace, "train", ["ann", "bob"], faces=3)
    (found,) = findings_of(workspace)["damaged table"]
    assert "name 4 faces that do not follow one another in 3" in found


def test_a_damaged_pair_table_is_named_and_the_others_checked(workspace: Workspace) -> None:
    write_pairs(workspace, "train", ["ann"])
    write_pairs(workspace, "val", ["ann"])
    (workspace.manifest("pairs/train") / "pairs.parquet").write_bytes(b"x")
    found = findings_of(workspace)
    assert "pairs.parquet is not a readable Parquet table" in found["damaged table"][0]
    assert len(found["identity in two splits"]) == 1


def test_a_damaged_table_of_identities_is_named(workspace: Workspace) -> None:
    write_identities(workspace, [("ann", "val")])
    (workspace.manifest("identities") / "identities.parquet").write_bytes(b"x")
    assert "not a readable Parquet table" in findings_of(workspace)["damaged table"][0]


def test_pairs_of_another_run_of_the_split_are_found(workspace: Workspace) -> None:
    write_identities(workspace, [("ann", "train")], fingerprint="other")
    write_pairs(workspace, "train", ["ann"])
    assert "come from different runs of the split" in findings_of(workspace)["damaged table"][0]
