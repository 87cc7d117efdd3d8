"""The real head as a whole: found by the detector, turned and moved as its labels say."""

import numpy as np
import pytest

from tcae.pipeline.detect import DetectConfig, Detection, load_detector
from tcae.pipeline.pictures import Image
from tcae.pipeline.synthetic.clips import DemoConfig, list_clips, render_clip
from tcae.pipeline.synthetic.labels import label_clips
from tcae.pipeline.synthetic.pack import HeadPack

CONFIG = DemoConfig(identities=12, clips=1, seconds=0.12, seed=3)


@pytest.fixture(scope="module")
def frames(heads: HeadPack) -> list[Image]:
    """The first three frames of each of 12 people."""
    return [frame for clip in list_clips(CONFIG) for frame in render_clip(clip, heads)]


@pytest.fixture(scope="module")
def faces(frames: list[Image]) -> list[list[Detection]]:
    detector = load_detector(DetectConfig(device="cpu"))
    return [detector([frame])[0] for frame in frames]


def test_practically_every_head_is_found(faces: list[list[Detection]]) -> None:
    found = [bool(detections) and detections[0].score > 0.9 for detections in faces]
    assert np.mean(found) >= 0.95


def test_the_eyes_turn_with_the_labelled_roll_and_the_nose_with_the_yaw(
    heads: HeadPack, faces: list[list[Detection]]
) -> None:
    labels = label_clips(CONFIG, heads).to_pandas()
    found = np.array([bool(detections) for detections in faces])
    points = np.stack([np.asarray(detections[0].landmarks) for detections in faces if detections])
    eyes = points[:, 1] - points[:, 0]
    roll = np.degrees(np.arctan2(eyes[:, 1], eyes[:, 0]))
    nose = (points[:, 2] - (points[:, 0] + points[:, 1]) / 2)[:, 0] / np.linalg.norm(eyes, axis=1)
    assert np.corrcoef(roll, labels.roll_degrees[found])[0, 1] > 0.8
    assert np.corrcoef(nose, labels.yaw_degrees[found])[0, 1] > 0.8
