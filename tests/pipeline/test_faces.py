from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.pipeline import pictures
from tcae.pipeline.align import LandmarksError, apply
from tcae.pipeline.detect import Detection
from tcae.pipeline.faces import FaceConfig, FoundFace, SourceFrame, find_faces
from tcae.pipeline.pictures import Image, PictureError
from tcae.pipeline.templates import Points, template_points
from tests.face_builders import detection, detector_of, frame_row, landmarks_in, picture

FACE = detection(40, 20, 60)
OTHER = detection(10, 60, 45, 0.9)
FAR = detection(140, 100, 50, 0.8)


def clip_of(num_frames: int) -> list[SourceFrame]:
    return [(frame_row(k), picture(k)) for k in range(num_frames)]


def find(faces: Sequence[Sequence[Detection]], **config: Any) -> list[FoundFace]:
    return find_faces(clip_of(len(faces)), FaceConfig(**config), detector_of(faces))


def reasons(found: Sequence[FoundFace]) -> list[str | None]:
    return [face.row.reason for face in found]


def test_a_face_carries_the_columns_of_its_frame_and_what_was_measured() -> None:
    (face,) = find([[FACE]])
    row, frame = face.row, frame_row(0)
    assert (row.key, row.frame, row.source_frame, row.pts_seconds) == (frame.key, 0, 0, 0.0)
    assert (row.score, row.box, row.face_width_px) == (0.99, (40, 20, 100, 80), 60)
    assert row.landmarks == tuple(FACE.landmarks.ravel())
    assert (row.template, row.margin, row.reason, row.detail) == ("tcae", 0.0, None, None)
    measured = (row.sharpness, row.brightness, row.yaw_degrees, row.pitch_degrees, row.roll_degrees)
    assert all(isinstance(value, float) for value in measured)
    left_for_the_stage = (row.file, row.crc32, row.fingerprint, row.detector, row.weights)
    assert left_for_the_stage == (None, None, "", None, None)


@pytest.mark.parametrize("size_px", [64, 256])
@pytest.mark.parametrize("margin", [0.0, 0.25])
@pytest.mark.parametrize("template", ["tcae", "arcface"])
def test_the_row_s_alignment_brings_its_landmarks_to_the_template(template: str, margin: float, size_px: int) -> None:
    (face,) = find([[FACE]], template=template, margin=margin, size_px=size_px)
    alignment, landmarks = np.reshape(face.row.alignment or (), (2, 3)), np.reshape(face.row.landmarks or (), (5, 2))
    expected = template_points(template, margin, size_px)
    np.testing.assert_allclose(apply(alignment, landmarks), expected, atol=3 * size_px / 256)
    assert face.jpeg is not None
    assert pictures.decode(face.jpeg).shape == (size_px, size_px, 3)


def test_the_crop_shows_the_frame_through_the_alignment() -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    image[:, :70], image[:, 70:] = (200, 30, 30), (30, 30, 200)  # red left of the face's middle, blue right of it
    (face,) = find_faces([(frame_row(0), image)], FaceConfig(), lambda images: [[FACE] for _ in images])
    crop = pictures.decode(face.jpeg or b"")
    np.testing.assert_allclose(crop[:, 60].mean(0), (200, 30, 30), atol=6)
    np.testing.assert_allclose(crop[:, 200].mean(0), (30, 30, 200), atol=6)


@pytest.mark.parametrize(
    ("found", "reason", "detail"),
    [
        ([], "no_face", "no face was found in the frame"),
        ([detection(40, 20, 39.5)], "small", "39.5 px wide; the least is 40 px"),
        ([FAR], "other_face", r"1 face\(s\) are not of the clip's person"),
        ([detection(140, 100, 30)], "small", "30.0 px wide"),
    ],
)
def test_a_frame_without_the_person_says_why(found: list[Detection], reason: str, detail: str) -> None:
    results = find([[FACE], found, [FACE]])
    assert reasons(results) == [None, reason, None]
    with pytest.raises(AssertionError, match=detail):
        raise AssertionError(results[1].row.detail)
    assert results[1].jpeg is None
    kept = ("identity", "video", "clip", "frame", "source_frame", "pts_seconds", "reason", "detail")
    assert [name for name, value in asdict(results[1].row).items() if value not in (None, "")] == list(kept)


def test_landmarks_that_are_no_face_reject_the_frame_alone() -> None:
    broken = Detection(box=FACE.box, score=0.99, landmarks=np.zeros((5, 2)))
    results = find([[FACE], [broken], [FACE]])
    assert reasons(results) == [None, "landmarks", None]
    assert "coincide" in str(results[1].row.detail)


def test_a_blurred_face_is_rejected_with_its_sharpness() -> None:
    flat: list[SourceFrame] = [(frame_row(0), picture(0)), (frame_row(1), np.full((120, 160, 3), 1, np.uint8))]
    results = find_faces(flat, FaceConfig(min_sharpness=5), lambda images: [[FACE] for _ in images])
    assert reasons(results) == [None, "blurred"]
    assert results[1].row.detail == "sharpness is 0.0; the least is 5"


def test_a_frame_that_could_not_be_read_keeps_its_reason() -> None:
    frames = clip_of(3)
    frames[1] = (frames[1][0], PictureError("img_0_002.jpg cannot be read: Permission denied"))
    results = find_faces(frames, FaceConfig(), detector_of([[FACE]] * 3))
    assert reasons(results) == [None, "picture", None]
    assert results[1].row.detail == "img_0_002.jpg cannot be read: Permission denied"


def test_a_clip_without_a_readable_frame_never_asks_the_detector() -> None:
    frames: list[SourceFrame] = [(frame_row(k), PictureError("gone")) for k in range(3)]
    assert reasons(find_faces(frames, FaceConfig(), detector_of([]))) == ["picture"] * 3
    assert find_faces([], FaceConfig(), detector_of([])) == []


@pytest.mark.parametrize(("least", "expected"), [(2, [None, None, "no_face"]), (3, ["short_track"] * 2 + ["no_face"])])
def test_a_short_track_is_rejected_whole(least: int, expected: list[str | None]) -> None:
    results = find([[FACE], [FACE], []], min_track=least)
    assert reasons(results) == expected
    if least == 3:
        assert results[0].row.detail == "the clip has 2 face(s) of its person; the least is 3"


def test_one_person_is_kept_and_the_other_left() -> None:
    results = find([[FACE, FAR], [FAR, FACE], [FAR], [FACE]])
    assert reasons(results) == [None, None, "other_face", None]
    assert {face.row.box for face in results if face.jpeg} == {tuple(FACE.box)}


def test_the_person_of_the_track_file_is_kept_against_the_higher_scores() -> None:
    frames = [(replace(row, track_box=tuple(FAR.box)), image) for row, image in clip_of(3)]
    results = find_faces(frames, FaceConfig(), detector_of([[FACE, FAR]] * 3))
    assert {face.row.box for face in results} == {tuple(FAR.box)}


def test_a_false_large_face_in_one_frame_does_not_displace_the_real_one() -> None:
    false = detection(0, 0, 119, 0.97)
    results = find([[OTHER], [false, OTHER], [OTHER]])
    assert [face.row.face_width_px for face in results] == [45, 45, 45]


def test_a_face_that_shrinks_below_the_least_width_for_a_moment_stays_the_person() -> None:
    widths = (46, 39, 44, 38, 47)
    results = find([[detection(50, 30, width)] for width in widths])
    assert reasons(results) == [None, "small", None, "small", None]


@pytest.mark.parametrize("batch_frames", [1, 2, 5, 100])
@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(st.sampled_from([FACE, OTHER, FAR, detection(60, 40, 39)]), max_size=3), max_size=7))
def test_the_batch_size_changes_nothing(batch_frames: int, faces: list[list[Detection]]) -> None:
    assert find(faces, batch_frames=batch_frames) == find(faces, batch_frames=3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.none() | st.lists(st.sampled_from([FACE, OTHER, FAR, detection(9, 9, 20)]), max_size=3), max_size=7))
def test_every_frame_gives_one_row_in_order(faces: list[list[Detection] | None]) -> None:
    frames: list[SourceFrame] = [
        (frame_row(k), picture(k) if found is not None else PictureError("bad")) for k, found in enumerate(faces)
    ]
    results = find_faces(frames, FaceConfig(batch_frames=2), detector_of([found or [] for found in faces]))
    assert [face.row.frame for face in results] == list(range(len(faces)))
    assert all((face.jpeg is None) == (face.row.reason is not None) for face in results)


def test_no_more_than_two_batches_of_pictures_are_held() -> None:
    alive: Counter[str] = Counter()

    class Counted(np.ndarray[Any, np.dtype[np.uint8]]):
        def __del__(self) -> None:
            alive["now"] -= self.base is not None and self.shape == (120, 160, 3)

    def frames() -> Iterator[SourceFrame]:
        for k in range(60):
            image = picture(k).view(Counted)
            alive["now"] += 1
            alive["most"] = max(alive["most"], alive["now"])
            yield frame_row(k), image
            del image

    results = find_faces(frames(), FaceConfig(batch_frames=4), lambda images: [[FACE] for _ in images])
    assert reasons(results) == [None] * 60
    assert 4 <= alive["most"] <= 10


def test_frames_without_a_time_count_as_a_second_apart() -> None:
    frames = [(replace(row, pts_seconds=None), image) for row, image in clip_of(2)]
    moved = detection(FACE.box[0] + 45, FACE.box[1], 60)  # too far for 1/25 s, not for 1 s
    assert reasons(find_faces(frames, FaceConfig(), detector_of([[FACE], [moved]]))) == [None, None]


def test_frames_of_different_sizes_in_one_clip_are_ordinary() -> None:
    frames: list[SourceFrame] = [(frame_row(k), picture(k, 100 + 20 * k, 160)) for k in range(3)]
    assert reasons(find_faces(frames, FaceConfig(), detector_of([[FACE]] * 3))) == [None] * 3


def test_refined_landmarks_take_the_place_of_the_detectors() -> None:
    dense = np.zeros((68, 2))
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks_in((42, 24, 98, 80))
    dense[36:42], dense[42:48], dense[30], dense[48], dense[54] = left_eye, right_eye, nose, left_mouth, right_mouth
    asked: list[tuple[float, ...]] = []

    def refine(image: Image, box: Points) -> Points:
        asked.append(tuple(box))
        return dense

    (face,) = find_faces(clip_of(1), FaceConfig(landmarks="fan"), detector_of([[FACE]]), refine)
    assert asked == [tuple(FACE.box)]
    assert face.row.landmarks == tuple(dense.ravel())
    moved = apply(np.reshape(face.row.alignment or (), (2, 3)), landmarks_in((42, 24, 98, 80)))
    np.testing.assert_allclose(moved, template_points("tcae"), atol=1e-6)


def test_landmarks_that_cannot_be_refined_reject_the_frame() -> None:
    def refine(image: Image, box: Points) -> Points:
        raise LandmarksError("box shows nothing")

    (face,) = find_faces(clip_of(1), FaceConfig(), detector_of([[FACE]]), refine)
    assert (face.row.reason, face.row.detail) == ("landmarks", "box shows nothing")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"template": "ffhq"}, "no template 'ffhq'"),
        ({"margin": -1.0}, "margin is -1"),
        ({"size_px": 8}, "size_px is 8; a crop has 16 to 4096"),
        ({"min_face_px": 0.0}, "min_face_px is 0"),
        ({"min_face_px": float("nan")}, "min_face_px is nan"),
        ({"min_sharpness": -1.0}, "min_sharpness is -1.0; it is 0 or more"),
        ({"min_track": 0}, "min_track is 0; a track has at least 1 face"),
        ({"landmarks": "dlib"}, "landmarks is 'dlib'; it is mtcnn or fan"),
        ({"device": "tpu"}, "device is 'tpu'"),
        ({"batch_frames": 0}, "batch_frames is 0; a batch has at least 1 frame"),
    ],
)
def test_a_config_refuses_nonsense(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FaceConfig(**setting)
