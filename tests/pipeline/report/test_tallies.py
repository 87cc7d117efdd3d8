from tcae.manifests.provenance import describe
from tcae.manifests.rows import ClipKey, Face
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.pairs import PairConfig, split
from tcae.pipeline.report.sampling import SampleConfig, take_sample
from tcae.pipeline.report.tallies import read_outcomes, read_settings, read_splits
from tests.workspaces import Plan, face_rows, make_workspace

PLANS = [
    Plan(identity="ann", outcomes=(None, "no_face", "no_face", "small")),
    Plan(identity="bob", failed="decode"),
    Plan(identity="cid", outcomes=(None, None), aligned=False),
]


def test_settings_are_what_most_parts_say(workspace: Workspace) -> None:
    make_workspace(workspace, PLANS)
    part = workspace.part("faces", shard_of(PLANS[0].key))
    nested = describe("run", {"extract": {"fps": "1"}, "align": {"ratios": [1, 2]}})
    write_table(table_of(face_rows(workspace, PLANS[0]), Face), part, nested)
    frames, faces = read_settings(workspace)
    assert (frames.table, frames.command, frames.num_parts, frames.num_others) == ("frames", "extract", 3, 0)
    assert frames.values == {"fps": "1.0", "seed": "0"}
    assert (faces.command, faces.values) == ("run", {"align.ratios": "[1, 2]", "extract.fps": "1"})
    assert "tcae" in faces.versions


def test_parts_made_with_other_settings_are_counted(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan(clip=clip) for clip in range(4)])
    rows = face_rows(workspace, Plan(clip=3))
    write_table(
        table_of(rows, type(rows[0])), workspace.part("faces", shard_of(Plan(clip=3).key)), describe("align", {})
    )
    faces = read_settings(workspace)[1]
    assert (faces.num_parts, faces.num_others) == (4, 1)


def test_outcomes_have_names_reasons_and_what_waits(workspace: Workspace) -> None:
    make_workspace(workspace, PLANS)
    sample = take_sample(workspace, SampleConfig(), 1)
    found = {outcome.key: outcome for outcome in read_outcomes(workspace, sample.clips)}
    ann, bob, cid = (found[ClipKey(name, "v", 0)] for name in ("ann", "bob", "cid"))
    assert (ann.name, ann.num_faces, ann.reasons) == ("00000.mp4", 1, {"no_face": 2, "small": 1})
    assert ann.detail == "no_face in frame 1"
    assert (bob.reasons, bob.detail, bob.num_waiting) == ({"decode": 1}, "decode: 0 of 0 pictures", 0)
    assert (cid.num_waiting, cid.reasons) == (2, {})


def test_splits_have_their_pairs(workspace: Workspace) -> None:
    plans = [Plan(identity=f"id{number}", outcomes=(None,) * 3) for number in range(10)]
    make_workspace(workspace, [*plans, Plan(identity="single", outcomes=(None,))])
    split(workspace, PairConfig())
    lines = {line.split: line for line in read_splits(workspace)}
    assert {name: (line.identities, line.pairs) for name, line in lines.items()} == {
        "train": (7, 42),
        "val": (2, 12),
        "test": (1, 6),
        "no pair": (1, None),
    }
    assert lines["no pair"].single_tracks == 1
    assert lines["train"].fixed is None
    assert (lines["val"].fixed or 0) > 0


def test_there_are_no_splits_before_the_split(workspace: Workspace) -> None:
    assert read_splits(make_workspace(workspace, PLANS)) == []
