from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from tcae.manifests.rows import Frame
from tcae.pipeline.detect import DetectConfig, load_detector
from tcae.pipeline.faces import FaceConfig, FoundFace, find_faces
from tcae.pipeline.pictures import Image
from tests.face_builders import frame_row


def reasons(found: Sequence[FoundFace]) -> list[str | None]:
    return [face.row.reason for face in found]


def real_frames(path: Path, every_seconds: float) -> Iterator[tuple[Frame, Image]]:
    k = 0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time + 1e-6 >= k * every_seconds:
                yield frame_row(k, fps=1 / every_seconds), frame.to_ndarray(format="rgb24").astype(np.uint8)
                k += 1


def found_in(path: Path, every_seconds: float = 0.5) -> list[FoundFace]:
    config = FaceConfig(device="cpu")
    detect = load_detector(DetectConfig(min_face_px=config.min_face_px, device="cpu"))
    return find_faces(real_frames(path, every_seconds), config, detect)


@pytest.mark.parametrize(
    "name", ["carphone.mp4", "signing_hungry.mkv", "signing_sorry.mkv", "signing_yes.mkv", "man_turning.mp4"]
)
def test_a_person_has_a_face_in_every_frame(media: Path, name: str) -> None:
    results = found_in(media / name, 1.0)
    assert len(results) >= 2
    assert reasons(results) == [None] * len(results)


def test_a_turning_head_goes_from_the_pictures_left_to_its_right(media: Path) -> None:
    yaw = [face.row.yaw_degrees or 0.0 for face in found_in(media / "woman_turning.mp4", 1 / 6)]
    assert -70 < min(yaw) < -30
    assert 15 < max(yaw) < 50
    assert yaw.index(min(yaw)) < yaw.index(max(yaw))


def test_of_two_people_one_is_kept_in_all_frames(media: Path) -> None:
    results = found_in(media / "two_people.mp4")
    centres = [face.row.box[0] + (face.row.face_width_px or 0) / 2 for face in results if face.row.box]
    assert len(centres) == len(results)
    assert max(centres) - min(centres) < 70


def test_a_cartoon_has_no_face(media: Path) -> None:
    assert set(reasons(found_in(media / "no_face.mp4"))) == {"no_face"}


def test_a_face_that_leaves_is_missed_from_then_on(media: Path) -> None:
    found = reasons(found_in(media / "face_then_none.mov", 1.0))
    first = found.index("no_face")
    assert first >= 2
    assert found == [None] * first + ["no_face"] * (len(found) - first)


def test_a_false_face_of_140_pixels_does_not_displace_the_real_one_of_65(media: Path) -> None:
    config = FaceConfig(device="cpu", min_face_px=20)
    detect = load_detector(DetectConfig(min_face_px=20, device="cpu"))
    frames = list(real_frames(media / "signing_yes.mkv", 1.0))
    widths = [float(face.box[2] - face.box[0]) for found in detect([image for _, image in frames]) for face in found]
    assert max(widths) > 130
    assert all(55 < (face.row.face_width_px or 0) < 80 for face in find_faces(frames, config, detect))
