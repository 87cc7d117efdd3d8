import dataclasses

import pytest

from tcae.manifests.errors import ManifestError
from tcae.manifests.rows import Frame
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.status import Stage, Status, shards_of, take_census, take_status
from tests.workspaces import Plan, clip_row, face_rows, frame_rows, make_workspace, write_rows

MIXED = [
    Plan(identity="ann", clip=0, outcomes=(None, None, "no_face")),
    Plan(identity="ann", clip=1, outcomes=("small", "small")),
    Plan(identity="bob", clip=0, failed="decode"),
    Plan(identity="cid", clip=0, aligned=False, outcomes=(None,) * 4),
    Plan(identity="cid", clip=1, extracted=False),
    Plan(identity="dan", clip=0, outcomes=(None,)),
]


def stages_of(status: Status) -> dict[str, Stage]:
    return {stage.stage: stage for stage in status.stages}


def test_every_item_of_every_stage_is_done_rejected_or_to_do(workspace: Workspace) -> None:
    make_workspace(workspace, MIXED, splits={"ann": "train"})
    stages = stages_of(take_status(workspace))
    for stage in stages.values():
        assert stage.num_items == stage.num_done + stage.num_rejected + stage.num_to_do
    assert dataclasses.astuple(stages["extract"])[2:] == (6, 4, {"decode": 1}, 1, {"frames": 10})
    assert dataclasses.astuple(stages["align"])[2:] == (10, 3, {"small": 2, "no_face": 1}, 4, {"faces": 3})
    assert dataclasses.astuple(stages["split"])[2:] == (2, 1, {}, 1, {"train": 1})


def test_the_next_step_is_the_first_stage_that_has_something_to_do(workspace: Workspace) -> None:
    assert take_status(make_workspace(workspace, MIXED)).next_step == "run tcae-prep extract"
    without = [plan for plan in MIXED if plan.extracted]
    other = Workspace(workspace.root.with_name("other"))
    assert take_status(make_workspace(other, without)).next_step == "run tcae-prep align"


def test_a_finished_workspace_has_no_next_step_and_no_problem(workspace: Workspace) -> None:
    plans = [Plan(identity="ann"), Plan(identity="bob"), Plan(identity="one", outcomes=(None,))]
    status = take_status(make_workspace(workspace, plans, splits={"ann": "train", "bob": "test", "one": None}))
    assert (status.next_step, status.notes) == (None, [])
    assert stages_of(status)["split"].rejected == {"no_pair": 1}
    assert stages_of(status)["split"].made == {"train": 1, "test": 1}


def test_an_empty_workspace_says_what_to_run_first(workspace: Workspace) -> None:
    status = take_status(workspace)
    assert status.next_step is not None
    assert "tcae-prep extract --source" in status.next_step
    assert [stage.num_items for stage in status.stages] == [0, 0, 0]


def test_a_face_without_its_frame_is_not_conserved(workspace: Workspace) -> None:
    plan = Plan(outcomes=(None, None, None))
    make_workspace(workspace, [plan])
    write_rows(workspace, "frames", frame_rows(workspace, plan)[:1])
    assert take_status(workspace).notes == [
        "not conserved: rows of faces beyond the frames of their clips: 2; run tcae-prep verify"
    ]


def test_a_clip_that_left_the_source_keeps_its_frames_and_is_said(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan()])
    workspace.part("clips", shard_of(Plan().key)).unlink()
    status = take_status(workspace)
    assert status.notes == ["clips that left the source, what was made of them is kept: 1"]
    assert stages_of(status)["extract"].num_items == stages_of(status)["extract"].num_done == 1


def test_an_entry_refused_when_the_source_was_listed_is_an_item_of_extract(workspace: Workspace) -> None:
    plan = Plan(failed="layout")
    make_workspace(workspace, [plan])
    write_rows(workspace, "clips", [dataclasses.replace(clip_row(plan), reason="layout")])
    extract = stages_of(take_status(workspace))["extract"]
    assert dataclasses.astuple(extract)[2:6] == (1, 0, {"layout": 1}, 0)


def test_a_clip_both_extracted_and_rejected_is_not_conserved(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan()])
    failed = Frame(**Plan().key._asdict(), reason="decode")
    write_rows(workspace, "frames", [*frame_rows(workspace, Plan()), failed])
    assert "both extracted and rejected" in take_status(workspace).notes[0]


def test_a_split_made_from_fewer_faces_than_there_are_is_said(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan()], splits={"id1": "train"})
    more = Plan(outcomes=(None,) * 5)
    write_rows(workspace, "frames", frame_rows(workspace, more))
    write_rows(workspace, "faces", face_rows(workspace, more))
    assert take_status(workspace).notes == [
        "split was made from 2 faces and there are 5 now; run tcae-prep split again"
    ]


def test_the_census_of_a_shard_has_one_row_per_clip(workspace: Workspace) -> None:
    plan = MIXED[0]
    make_workspace(workspace, [plan])
    census = take_census(workspace, shard_of(plan.key))
    assert census.clips.to_pylist() == [
        {**plan.key._asdict(), "num_usable": 1, "num_refused": 0, "num_frames": 3, "num_failed": 0}
        | {"num_faces": 2, "num_rejected": 1}
    ]
    assert census.reasons["faces"] == {"no_face": 1}


def test_shards_are_the_parts_that_are_there(workspace: Workspace) -> None:
    make_workspace(workspace, MIXED)
    (workspace.manifest("clips") / "notes.txt").write_text("not a part")
    (workspace.manifest("clips") / "9999.parquet").write_text("no such shard")
    assert shards_of(workspace, "clips", "faces") == sorted({shard_of(plan.key) for plan in MIXED})


def test_a_damaged_part_is_named(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan()])
    part = workspace.part("frames", shard_of(Plan().key))
    part.write_bytes(part.read_bytes()[:50])
    with pytest.raises(ManifestError, match=rf"{part.name} is not a readable Parquet table"):
        take_status(workspace)
