import hashlib
from pathlib import Path
from typing import Any

import cv2
import face_alignment.api
import face_alignment.utils
import numpy as np
import pytest
import torch

from tcae.manifests.errors import MissingToolError
from tcae.pipeline import landmarks
from tcae.pipeline.align import LandmarksError
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.landmarks import WEIGHT_FILE, Landmarker, load_landmarker, weight_path


class BrightSpot(torch.nn.Module):
    """Stands for the real network: every one of its 68 heat maps is the picture's brightness."""

    def __init__(self, num_modules: int) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.zeros(num_modules))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        brightness = torch.nn.functional.avg_pool2d(pictures.mean(1, keepdim=True), 4)
        return self.gain[0] * brightness.expand(-1, 68, -1, -1)  # (N, 68, 64, 64)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with weights for a small network that stands in for face-alignment's, which is not compiled: 15 s."""
    monkeypatch.setattr("face_alignment.api.FAN", BrightSpot)
    for name in ("transform_np", "_get_preds_fromhm"):
        compiled = getattr(face_alignment.utils, name)
        monkeypatch.setattr(face_alignment.utils, name, getattr(compiled, "py_func", compiled))
    torch.save({"gain": torch.ones(4)}, tmp_path / WEIGHT_FILE)
    return tmp_path


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants to download fails."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("face_alignment.utils.download_url_to_file", refuse)


def loaded(folder: Path) -> Landmarker:
    landmarker = load_landmarker(FaceConfig(landmarks="fan", device="cpu", weights=str(folder)))
    assert landmarker is not None
    return landmarker


@pytest.mark.parametrize("spot", [(150, 120), (185, 160), (120, 175)])
@pytest.mark.parametrize("width", [60, 110])
def test_landmarks_are_x_then_y_in_frame_pixels(folder: Path, spot: tuple[int, int], width: int) -> None:
    image = np.full((270, 320, 3), 10, np.uint8)
    cv2.circle(image, spot, 4, (255, 255, 255), -1)
    image = cv2.GaussianBlur(image, (0, 0), 3).astype(np.uint8)
    x, y = 150, 140
    points = loaded(folder)(image, np.array([x - width, y - width, x + width, y + width], float))
    assert points.shape == (68, 2)
    assert points.dtype == np.float64
    np.testing.assert_allclose(points, np.broadcast_to(spot, (68, 2)), atol=2 * width / 40)


def test_a_box_that_sticks_out_of_the_frame_is_ordinary(folder: Path) -> None:
    image = np.full((100, 120, 3), 10, np.uint8)
    image[20:24, 20:24] = 255
    points = loaded(folder)(image, np.array([-30.0, -25, 60, 70]))
    np.testing.assert_allclose(points, np.broadcast_to((21.5, 21.5), (68, 2)), atol=4)


@pytest.mark.parametrize("box", [(10, 10, 10, 40), (200, 10, 260, 70), (np.nan, 0, 10, 10)])
def test_a_box_that_shows_nothing_of_the_frame_is_rejected(folder: Path, box: tuple[float, ...]) -> None:
    with pytest.raises(LandmarksError, match="shows nothing of the 120x100 frame"):
        loaded(folder)(np.zeros((100, 120, 3), np.uint8), np.array(box, float))


def test_it_says_what_it_is_and_the_hash_of_its_weights(folder: Path) -> None:
    landmarker = loaded(folder)
    assert landmarker.name == "fan"
    assert landmarker.weights == hashlib.sha256((folder / WEIGHT_FILE).read_bytes()).hexdigest()[:16]


def test_the_network_is_loaded_once(folder: Path) -> None:
    assert loaded(folder) is loaded(folder)


def test_the_detectors_own_points_need_no_network() -> None:
    assert load_landmarker(FaceConfig()) is None


def test_the_weights_are_looked_for_where_torch_hub_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert weight_path() == tmp_path / "hub" / "checkpoints" / WEIGHT_FILE
    assert weight_path("weights") == Path("weights") / WEIGHT_FILE


def test_absent_weights_are_named_with_the_folder_they_belong_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(
        MissingToolError, match=rf"put {WEIGHT_FILE} \(from https://.*\) into {tmp_path}/hub/checkpoints"
    ):
        load_landmarker(FaceConfig(landmarks="fan"))
    with pytest.raises(MissingToolError, match=rf"into {tmp_path}/mine, or name the folder that has it with --weights"):
        load_landmarker(FaceConfig(landmarks="fan", weights=str(tmp_path / "mine")))


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", None], ids=["empty", "page", "other network"])
def test_a_file_that_is_not_those_weights_is_refused_by_name(folder: Path, content: bytes | None) -> None:
    if content is None:
        torch.save({"conv1": torch.ones(3)}, folder / WEIGHT_FILE)
    else:
        (folder / WEIGHT_FILE).write_bytes(content)
    with pytest.raises(MissingToolError, match=f"is not {WEIGHT_FILE} .*; get it again from https://"):
        loaded(folder)


def test_a_gpu_that_is_not_there_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(MissingToolError, match="cuda"):
        load_landmarker(FaceConfig(landmarks="fan", weights=str(folder), device="cuda"))


def test_the_name_of_the_weights_is_the_one_that_face_alignment_asks_for() -> None:
    assert face_alignment.api.models_urls["2DFAN-4"] == landmarks.WEIGHT_URL
