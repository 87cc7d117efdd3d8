"""The detector against facenet-pytorch's own ``MTCNN.detect``, and every ordinary oddity of frames."""

import os
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import facenet_pytorch
import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN

from tcae.manifests.errors import ConfigError, MissingToolError
from tcae.pipeline.detect import (
    DetectConfig,
    Detection,
    Detector,
    describe_device,
    gpu_room,
    hash_weights,
    load_detector,
)
from tcae.pipeline.pictures import Image
from tcae.pipeline.synthetic.clips import DemoConfig, list_clips, render_clip
from tcae.pipeline.synthetic.pack import cached_pack_path, load_pack

CLIPS = {
    "carphone.mp4": 40,
    "face_then_none.mov": 30,
    "man_turning.mp4": 20,
    "no_face.mp4": 40,
    "signing_hungry.mkv": 15,
    "signing_sorry.mkv": 15,
    "signing_yes.mkv": 10,
    "two_people.mp4": 20,
    "webcam_talking.mp4": 90,
    "woman_turning.mp4": 8,
}
"""And how many frames apart to look."""


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(DetectConfig(device="cpu"))


@pytest.fixture(scope="module")
def face() -> Image:
    """A face of some 90 px in a frame of 224 x 224: scikit-image's astronaut, which is in the public domain."""
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut()[:224, 112:336])


def read_frames(path: Path, apart: int, limit: int = 4) -> list[Image]:
    with av.open(str(path)) as container:
        frames = islice(container.decode(video=0), 0, apart * limit, apart)
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames]


@lru_cache(maxsize=8)
def load_mtcnn(min_face_px: float) -> MTCNN:
    return MTCNN(keep_all=True, min_face_size=min_face_px, device=torch.device("cpu"))


def reference(image: Image, min_face_px: float = 40.0) -> list[Detection]:
    """What facenet-pytorch finds, in our types."""
    boxes, scores, landmarks = load_mtcnn(min_face_px).detect(image, landmarks=True)
    if boxes is None:
        return []
    order = np.argsort(-scores.astype(float), kind="stable")
    return [Detection(box=boxes[k], score=float(scores[k]), landmarks=landmarks[k]) for k in order]


def iou(one: Detection, other: Detection) -> float:
    corner = np.minimum(one.box[2:], other.box[2:])
    overlap = np.maximum(corner - np.maximum(one.box[:2], other.box[:2]), 0).prod()
    areas = (one.box[2:] - one.box[:2]).prod() + (other.box[2:] - other.box[:2]).prod()
    return float(overlap / (areas - overlap))


def agrees(ours: list[Detection], theirs: list[Detection]) -> bool:
    """The same number of faces, each with a partner at IoU 0.95 whose landmarks are within 1 px."""

    def matches(mine: Detection, other: Detection) -> bool:
        return iou(mine, other) >= 0.95 and float(abs(mine.landmarks - other.landmarks).max()) <= 1

    return len(ours) == len(theirs) and all(any(matches(mine, other) for other in theirs) for mine in ours)


def assert_same(one: list[Detection], other: list[Detection]) -> None:
    """The same to the last bit."""
    assert len(one) == len(other)
    for mine, yours in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.box, yours.box)
        np.testing.assert_array_equal(mine.landmarks, yours.landmarks)
        assert mine.score == yours.score


def test_finds_what_mtcnn_finds_in_every_real_clip(media: Path, detector: Detector) -> None:
    agreed, num_faces = [], {}
    for name, apart in CLIPS.items():
        frames = read_frames(media / name, apart)
        found = detector(frames)
        agreed += [agrees(ours, reference(frame)) for ours, frame in zip(found, frames, strict=True)]
        num_faces[name] = sum(map(len, found))
    assert np.mean(agreed) >= 0.99
    assert len(agreed) >= 30
    assert num_faces["no_face.mp4"] == 0
    assert num_faces["two_people.mp4"] == 6


def test_finds_what_mtcnn_finds_on_rendered_heads(detector: Detector) -> None:
    if not cached_pack_path().is_file():
        pytest.skip("needs the head pack that tcae-prep demo caches")
    pack = load_pack(cached_pack_path())
    clips = list_clips(DemoConfig(identities=4, clips=1, seconds=0.16, seed=5))
    batches = [list(render_clip(clip, pack)) for clip in clips]
    found = [detections for frames in batches for detections in detector(frames)]
    agreed = [agrees(*pair) for pair in zip(found, map(reference, chain(*batches)), strict=True)]
    assert len(agreed) == 16
    assert all(agreed)
    assert sum(map(bool, found)) >= 15


@pytest.mark.parametrize("min_face_px", [20.0, 33.3, 40.0, 90.0])
def test_agrees_with_mtcnn_at_every_smallest_face(face: Image, min_face_px: float) -> None:
    config = DetectConfig(device="cpu", min_face_px=min_face_px)
    assert agrees(load_detector(config)([face])[0], reference(face, min_face_px))


@pytest.mark.parametrize("size", [(240, 301), (167, 130), (131, 224), (97, 97), (401, 480)])
def test_agrees_with_mtcnn_in_frames_of_every_size(face: Image, detector: Detector, size: tuple[int, int]) -> None:
    height, width = size
    frame = np.asarray(cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    found = detector([frame])[0]
    assert len(found) == 1
    assert agrees(found, reference(frame))


def test_agrees_with_mtcnn_where_faces_are_cut_by_the_frame(face: Image, detector: Detector) -> None:
    for frame in (face[50:], face[:, 80:], face[:, :150], face[:140]):
        assert agrees(detector([frame])[0], reference(np.ascontiguousarray(frame)))


def test_gives_the_best_face_first(face: Image, detector: Detector) -> None:
    dull = cv2.GaussianBlur(face, (0, 0), 4)
    found = detector([np.concatenate([dull, face], axis=1)])[0]
    assert len(found) == 2
    assert found[0].score > found[1].score > 0.7
    assert found[0].box[0] > 224


def test_landmarks_are_eyes_nose_and_mouth_from_left_to_right(face: Image, detector: Detector) -> None:
    (found,) = detector([face])[0]
    left_eye, right_eye, nose, left_mouth, right_mouth = found.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert (found.landmarks > found.box[:2]).all()
    assert (found.landmarks < found.box[2:]).all()
    assert found.box.dtype == found.landmarks.dtype == np.float64


def test_no_images_give_no_lists(detector: Detector) -> None:
    assert detector([]) == []


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (1, 300), (300, 1), (39, 39), (40, 40), (41, 57), (224, 224)])
def test_a_frame_without_a_face_is_ordinary_at_any_size(detector: Detector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert detector([noise, np.full_like(noise, 255), np.zeros_like(noise)]) == [[], [], []]


def test_a_frame_does_not_depend_on_its_batch(face: Image, detector: Detector) -> None:
    grey = np.repeat(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    frames = [
        face,
        np.zeros((8, 8, 3), np.uint8),
        face[:, ::-1],
        grey,
        cv2.resize(face, (300, 260)),
        np.roll(face, 9, axis=1),
        np.full((224, 224, 3), 127, np.uint8),
        np.concatenate([face, grey]),
    ]
    together = detector(frames)
    assert [len(found) for found in together] == [1, 0, 1, 1, 1, 1, 0, 2]
    backwards = detector(frames[::-1])[::-1]
    for frame, found, again in zip(frames, together, backwards, strict=True):
        assert_same(found, detector([frame])[0])
        assert_same(found, again)


def test_frames_are_left_as_they_were_and_need_not_be_contiguous(face: Image, detector: Detector) -> None:
    wide = np.concatenate([face, face], axis=1)
    view = wide[:, 224:]
    view.flags.writeable = False
    assert_same(detector([view])[0], detector([face])[0])
    np.testing.assert_array_equal(wide[:, :224], face)


def test_a_detector_is_loaded_once_and_names_its_weights() -> None:
    config = DetectConfig(device="cpu")
    detector = load_detector(config)
    assert load_detector(DetectConfig(device="cpu")) is detector
    assert (detector.name, detector.device) == ("mtcnn", "cpu")
    assert detector.weights == hash_weights()
    assert len(detector.weights) == 16
    assert int(detector.weights, 16) >= 0
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("min_face_px", [0.0, -3.0, 11.9, float("nan"), float("inf")])
def test_refuses_a_smallest_face_that_the_networks_cannot_see(min_face_px: float) -> None:
    with pytest.raises(ConfigError, match=f"min_face_px is {min_face_px}; it must be at least 12 pixels"):
        DetectConfig(min_face_px=min_face_px)


@pytest.mark.parametrize("device", ["", "gpu", "cuda:", "cuda:x", "cpu:0", "mps"])
def test_refuses_a_device_that_it_does_not_know(device: str) -> None:
    with pytest.raises(ConfigError, match=f"device is '{device}'; it must be auto, cpu, cuda or cuda:N"):
        DetectConfig(device=device)


def test_a_gpu_that_is_not_there_is_a_missing_tool() -> None:
    with pytest.raises(MissingToolError, match=r"device is 'cuda:97' but torch sees \d+ CUDA GPUs"):
        load_detector(DetectConfig(device="cuda:97"))


def test_the_absence_of_any_gpu_is_a_missing_tool_or_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert describe_device("auto") == describe_device("cpu") == "cpu"
    assert gpu_room("auto") == gpu_room("cpu") == ()
    with pytest.raises(MissingToolError, match="device is 'cuda' but torch sees 0 CUDA GPUs"):
        describe_device("cuda")


def test_auto_shares_out_all_gpus_and_a_named_one_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [24e9, 80e9, 1e9]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(sizes))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(total_memory=sizes[index]))
    assert {device: gpu_room(device) for device in ("auto", "cuda", "cuda:1", "cpu")} == {
        "auto": (16, 53, 1),
        "cuda": (16, 53, 1),
        "cuda:1": (53,),
        "cpu": (),
    }


def test_missing_weights_are_a_missing_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facenet_pytorch, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(MissingToolError, match=r"facenet-pytorch's pnet\.pt is missing"):
        hash_weights()


def test_a_gpu_finds_what_the_cpu_finds(face: Image, detector: Detector) -> None:
    if not torch.cuda.is_available():
        if "cuda" in os.environ.get("TCAE_REQUIRE", "").split(","):
            pytest.fail("TCAE_REQUIRE names cuda, but torch sees no GPU")
        pytest.skip("needs a CUDA GPU")
    frames = [face, face[:, ::-1], np.zeros((300, 200, 3), np.uint8), np.concatenate([face, face])]
    on_gpu = load_detector(DetectConfig(device="cuda"))(frames)
    for one, other in zip(on_gpu, detector(frames), strict=True):
        assert agrees(one, other)
