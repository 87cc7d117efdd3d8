"""A picture that is a face crop already becomes a face by being resized, and says that nothing was found in it."""

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError, ItemError
from tcae.pipeline import pictures
from tcae.pipeline.align import crop_face
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.pictures import Image, PictureError
from tcae.pipeline.whole import scaling, take_whole
from tests.face_builders import frame_row, picture

WHOLE = FaceConfig(detector="whole")


def test_a_crop_of_the_right_size_keeps_its_pixels() -> None:
    image = picture(1, 256, 256)
    assert np.array_equal(crop_face(image, scaling(256, 256)), image)


@pytest.mark.parametrize("from_px", [48, 100, 512])
def test_edges_go_onto_edges(from_px: int) -> None:
    alignment = scaling(from_px, 256)
    corners = np.array([[-0.5, -0.5], [from_px - 0.5, from_px - 0.5]])
    assert corners @ alignment[:, :2].T + alignment[:, 2] == pytest.approx(np.array([[-0.5] * 2, [255.5] * 2]))


def test_the_row_says_that_nothing_was_found() -> None:
    (found,) = take_whole([(frame_row(0), picture(1, 48, 48))], WHOLE)
    row = found.row
    assert found.jpeg is not None
    assert pictures.decode(found.jpeg).shape == (256, 256, 3)
    assert (row.template, row.box, row.face_width_px) == ("none", (0.0, 0.0, 48.0, 48.0), 48.0)
    assert [row.score, row.landmarks, row.yaw_degrees, row.pitch_degrees, row.roll_degrees] == [None] * 5
    assert row.sharpness is not None
    assert row.brightness == pytest.approx(0.5, abs=0.1)
    assert (row.key, row.frame, row.reason) == (frame_row(0).key, 0, None)


def test_what_cannot_be_a_face_says_why_and_the_others_go_on() -> None:
    flat = np.full((100, 100, 3), 9, np.uint8)
    frames: list[Image | ItemError] = [
        picture(1, 100, 100),
        picture(2, 100, 120),
        picture(3, 30, 30),
        flat,
        PictureError("3.jpg is none"),
    ]
    config = FaceConfig(detector="whole", min_sharpness=10)
    found = take_whole([(frame_row(k), frame) for k, frame in enumerate(frames)], config)
    assert [face.row.reason for face in found] == [None, "not_square", "small", "blurred", "picture"]
    assert [face.jpeg is None for face in found] == [False, True, True, True, True]
    assert found[1].row.detail == "the picture is 120x100; one that is a whole face crop is square"
    assert found[2].row.detail == "the face is 30 px wide; the least is 40 px"


def test_a_clip_with_too_few_faces_is_rejected_whole() -> None:
    frames = [(frame_row(0), picture(1, 64, 64)), (frame_row(1), picture(1, 64, 60))]
    found = take_whole(frames, FaceConfig(detector="whole", min_track=2))
    assert [face.row.reason for face in found] == ["short_track", "not_square"]
    assert found[0].row.box is None


@pytest.mark.parametrize(
    ("options", "words"),
    [({"template": "arcface"}, "template arcface"), ({"margin": 0.1}, "margin 0.1"), ({"landmarks": "fan"}, "fan")],
)
def test_what_only_aligned_faces_have_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=f"takes frames as they are and aligns nothing; leave out .*{words}"):
        FaceConfig(detector="whole", **options)  # type: ignore[arg-type]


def test_another_detector_is_refused() -> None:
    with pytest.raises(ConfigError, match="detector is 'yolo'; it is mtcnn or whole"):
        FaceConfig(detector="yolo")
