import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.labels import KEY_SCHEMA
from tcae.manifests.rows import Frame
from tcae.manifests.workspace import Workspace
from tcae.pipeline.coverage import cover
from tests.workspaces import Plan, make_workspace, write_rows


def labels_of(*frames: tuple[str, str, int, int]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(KEY_SCHEMA.names, frame, strict=True)) for frame in frames], KEY_SCHEMA)


def test_a_workspace_without_frames_is_not_covered(workspace: Workspace) -> None:
    assert cover(workspace, labels_of(("id1", "v", 0, 0))) is None


def test_each_labelled_frame_is_counted_once_with_its_reason(workspace: Workspace) -> None:
    plans = (
        Plan(outcomes=(None, "no_face", None)),
        Plan(identity="id2", outcomes=(None,), aligned=False),
        Plan(identity="id3", failed="damaged"),
    )
    make_workspace(workspace, plans)
    frames = [("id1", "v", 0, n) for n in (0, 25, 26, 50)]  # every 25th was kept
    frames += [("id2", "v", 0, 0), ("id3", "v", 0, 0), ("id3", "v", 0, 1), ("id4", "v", 0, 0)]
    found = cover(workspace, labels_of(*frames))
    assert found is not None
    assert (found.num_labelled, found.num_with_frame, found.num_with_face) == (8, 4, 2)
    assert found.reasons == {"no_frame": 2, "damaged": 2, "no_face": 1, "not_aligned": 1}
    assert list(found.reasons) == ["damaged", "no_frame", "no_face", "not_aligned"]


def test_a_frame_that_was_kept_twice_is_covered_once(workspace: Workspace) -> None:
    rows = [Frame(identity="id1", video="v", clip=0, frame=frame, source_frame=0) for frame in range(2)]
    write_rows(workspace, "frames", rows)
    found = cover(workspace, labels_of(("id1", "v", 0, 0)))
    assert found is not None
    assert (found.num_labelled, found.num_with_frame, found.reasons) == (1, 1, {"not_aligned": 1})


@pytest.fixture(scope="session")
def covered(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("covered"))
    return make_workspace(workspace, [Plan(outcomes=(None, "no_face", "blurred"))], frames_on_disk=False)


@given(frames=st.sets(st.integers(0, 60), min_size=1))
def test_nothing_is_lost(covered: Workspace, frames: set[int]) -> None:
    found = cover(covered, labels_of(*[("id1", "v", 0, frame) for frame in frames]))
    assert found is not None
    assert found.num_labelled == found.num_with_face + sum(found.reasons.values()) == len(frames)
