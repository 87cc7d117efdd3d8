import base64

import numpy as np
import pytest

from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tcae.pipeline.report.sampling import Row
from tcae.pipeline.report.sheets import FACE_PX, crop_points, data_uri, face_tiles, frame_tiles, words_of
from tcae.pipeline.templates import template_points
from tests.workspaces import ALIGNMENT, LANDMARKS, Plan, make_workspace

ROW: Row = {
    "identity": "id1",
    "video": "v",
    "clip": 0,
    "frame": 0,
    "file": "faces/id1/v/0_folder/img_0_001.jpg",
    "landmarks": list(LANDMARKS),
    "alignment": list(ALIGNMENT),
    "template": "tcae",
    "margin": 0.0,
}


def decoded(uri: str) -> pictures.Image:
    head, _, text = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return pictures.decode(base64.b64decode(text))


def test_landmarks_are_moved_into_the_crop_by_the_alignment() -> None:
    quarter_turn = [0.0, -2.0, 50.0, 2.0, 0.0, 7.0]
    assert crop_points([10.0, 20.0, 0.0, 0.0], quarter_turn) == [(10.0, 27.0), (50.0, 7.0)]
    assert crop_points(None, quarter_turn) == []
    assert crop_points([10.0, 20.0], None) == []


def test_a_face_tile_has_the_picture_the_dots_and_the_rings(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan()])
    (tile,) = face_tiles(workspace, [ROW])
    assert tile.source is not None
    assert decoded(tile.source).shape == (FACE_PX, FACE_PX, 3)
    assert (tile.width, tile.height) == (256, 256)
    assert tile.points[0] == (98.0, 113.0)
    assert tile.targets == [(round(x, 1), round(y, 1)) for x, y in template_points("tcae").tolist()]
    assert (tile.name, tile.words) == ("id1 / v / clip 0 / frame 0", "id1")


def test_a_face_of_an_unknown_template_has_no_rings(workspace: Workspace) -> None:
    make_workspace(workspace, [Plan()])
    (tile,) = face_tiles(workspace, [{**ROW, "template": "someone's"}])
    assert tile.targets == []
    assert len(tile.points) == 5


def test_a_face_that_is_gone_is_said(workspace: Workspace) -> None:
    (tile,) = face_tiles(workspace, [ROW])
    assert tile.source is None
    assert tile.words == "faces/id1/v/0_folder/img_0_001.jpg cannot be read; run tcae-prep verify"


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_rejected_frame_is_shown_where_it_is_on_disk(workspace: Workspace, on_disk: bool) -> None:
    make_workspace(workspace, [Plan(outcomes=("small",))], frames_on_disk=on_disk)
    row = {"identity": "id1", "video": "v", "clip": 0, "frame": 0, "reason": "small", "detail": "31 px wide"}
    (tile,) = frame_tiles(workspace, [row])
    assert (tile.source is not None) == on_disk
    assert tile.words == "31 px wide"


def test_a_rejected_clip_is_words(workspace: Workspace) -> None:
    row = {"identity": "id1", "video": "v", "clip": 2, "reason": "decode", "detail": None}
    (tile,) = frame_tiles(workspace, [row])
    assert (tile.source, tile.name, tile.words) == (None, "id1 / v / clip 2", "decode")


def test_a_small_picture_is_not_enlarged() -> None:
    assert decoded(data_uri(np.zeros((20, 40, 3), np.uint8), 160)).shape == (20, 40, 3)
    assert decoded(data_uri(np.zeros((200, 400, 3), np.uint8), 160)).shape == (80, 160, 3)


def test_colours_survive() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    mean = decoded(data_uri(red, 32)).reshape(-1, 3).mean(0)
    assert mean[0] > 240
    assert mean[1:].max() < 15


@pytest.mark.parametrize(
    ("measure", "words"),
    [("score", "score 0.9876"), ("sharpness", "sharpness 12.3"), ("turn", "yaw +30° pitch -4°")],
)
def test_words_under_a_picture_are_short(measure: str, words: str) -> None:
    row = {"score": 0.98761, "sharpness": 12.34, "yaw_degrees": 30.2, "pitch_degrees": -4.1}
    assert words_of(row, measure) == words
