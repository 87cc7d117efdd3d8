from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.pipeline.report.sampling import MEASURES, Keep, SampleConfig, take_sample
from tests.workspaces import Plan, face_rows, make_workspace, write_rows

PLANS = [
    Plan(identity="ann", outcomes=(None, None, "no_face")),
    Plan(identity="ann", clip=1, outcomes=(None,) * 5),
    Plan(identity="bob", outcomes=("small", "small")),
    Plan(identity="cid", failed="decode"),
]


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    return make_workspace(workspace, PLANS)


def test_keeping_the_first_of_parts_is_keeping_the_first_of_all() -> None:
    rng = np.random.default_rng(0)
    values = rng.random(200)
    keep = Keep(7, [("value", "ascending")])
    for part in np.split(values, 10):
        keep.offer(pa.table({"value": part}))
    assert [row["value"] for row in keep.rows] == sorted(values)[:7]


def test_one_per_clip_keeps_the_best_of_each() -> None:
    keep = Keep(5, [("value", "descending")], one_per_clip=True)
    clip = {"identity": ["a", "a", "b"], "video": ["v"] * 3, "clip": [0, 0, 0]}
    keep.offer(pa.table({**clip, "value": [1, 3, 2]}))
    assert [(row["identity"], row["value"]) for row in keep.rows] == [("a", 3), ("b", 2)]


def test_all_is_kept_while_there_is_little(filled: Workspace) -> None:
    sample = take_sample(filled, SampleConfig(), 7)
    assert len(sample.random) == 7
    assert {name: sum(map(len, values)) for name, values in sample.values.items()} == dict.fromkeys(MEASURES, 7)
    assert sample.faces_per_clip == {2: 1, 5: 1, 0: 1}
    assert {name: len(rows) for name, rows in sample.identities.items()} == {"ann": 7}
    assert {reason: len(rows) for reason, rows in sample.rejected_faces.items()} == {"no_face": 1, "small": 2}
    assert list(sample.rejected_clips) == ["decode"]


def test_no_more_is_kept_than_asked_for(filled: Workspace) -> None:
    config = SampleConfig(faces=3, worst=1, identities=0, rejected=1)
    sample = take_sample(filled, config, 7)
    assert len(sample.random) == 3
    assert [len(rows) for rows in sample.worst.values()] == [1, 1, 1]
    assert sample.identities == {}
    assert [len(rows) for rows in sample.rejected_faces.values()] == [1, 1]


def test_the_same_seed_draws_the_same_and_another_seed_others(filled: Workspace) -> None:
    first, again, other = (take_sample(filled, SampleConfig(faces=3, seed=seed), 7).random for seed in (0, 0, 3))
    assert first == again
    assert first != other


def test_the_worst_come_first_and_once_per_clip(workspace: Workspace) -> None:
    plan = Plan(outcomes=(None,) * 4)
    make_workspace(workspace, [plan, Plan(identity="bob")])
    turned = [
        replace(row, yaw_degrees=-30.0, pitch_degrees=10.0 * row.frame)
        for row in face_rows(workspace, plan)
        if row.frame is not None
    ]
    write_rows(workspace, "faces", [*turned, *face_rows(workspace, Plan(identity="bob"))])
    worst = take_sample(workspace, SampleConfig(), 6).worst["turn"]
    assert [(row["identity"], row["frame"]) for row in worst] == [("id1", 3), ("bob", 1)]


def test_clips_with_the_least_to_show_come_first(filled: Workspace) -> None:
    clips = take_sample(filled, SampleConfig(), 7).clips
    assert [(row["identity"], row["clip"]) for row in clips] == [("cid", 0), ("bob", 0), ("ann", 0), ("ann", 1)]


def test_a_part_of_the_values_is_taken_from_many_faces(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcae.pipeline.report.sampling.MOST_VALUES", 3)
    values = take_sample(filled, SampleConfig(), 7).values["score"]
    assert 0 < sum(map(len, values)) < 7


def test_a_negative_number_of_faces_is_refused() -> None:
    with pytest.raises(ConfigError, match="faces must be at least 0, got -1"):
        SampleConfig(faces=-1)
