"""The pyramid on its canvas and the networks, against the modules that they stand for, scale by scale."""

import numpy as np
import pytest
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch import nn
from torch.nn import functional

from tcae.pipeline.mtcnn.boxes import Floats, Indices
from tcae.pipeline.mtcnn.cascade import Cascade
from tcae.pipeline.mtcnn.networks import CellNetwork, PatchNetwork, pool2, pool3
from tcae.pipeline.mtcnn.pyramid import MAX_PIXELS, find_scales, plan_canvases
from tcae.pipeline.mtcnn.windows import add_up, sum_table
from tcae.pipeline.pictures import Image, read
from tests.stage_builders import ASTRONAUT

CPU = torch.device("cpu")


def make_image(height: int, width: int) -> Image:
    rough = np.random.default_rng(height + width).integers(0, 256, (1, 3, 12, 12), np.uint8)
    smooth = functional.interpolate(torch.from_numpy(rough).float(), size=(height, width), mode="bicubic")
    return smooth.clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0).numpy()


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    return (pixels - 127.5) / 128


@pytest.mark.parametrize("max_pixels", [MAX_PIXELS, 6000, 1500])
@pytest.mark.parametrize("size", [(224, 224), (161, 203), (40, 40), (97, 300)])
def test_cells_of_a_canvas_are_those_of_each_scale_alone(size: tuple[int, int], max_pixels: int) -> None:
    image, module = make_image(*size), PNet()
    network, canvases = CellNetwork(module, CPU), plan_canvases(*size, 40.0, max_pixels)
    assert (len(canvases) == 1) == (max_pixels == MAX_PIXELS or size == (40, 40))
    table = sum_table(image)
    shown = [(add_up(table, canvas.corners) * canvas.share)[None] for canvas in canvases]
    cells = np.concatenate([network(x, c.ragged)[0, c.cells] for x, c in zip(shown, canvases, strict=True)])
    levels = np.concatenate([canvas.levels for canvas in canvases])
    boxes = np.concatenate([canvas.boxes for canvas in canvases])
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    scales = find_scales(*size, 40.0)
    assert levels.max() == len(scales) - 1
    for level, scale in enumerate(scales):
        shape = tuple(int(side * scale + 1) for side in size)
        with torch.no_grad():
            offsets, scores = module(normalise(functional.interpolate(pixels, size=shape, mode="area")))
        own = levels == level
        expected = offsets[0].permute(1, 2, 0).reshape(-1, 4).numpy()
        np.testing.assert_allclose(cells[own, 1:], expected, atol=1e-4)
        np.testing.assert_allclose(torch.sigmoid(torch.from_numpy(cells[own, 0])), scores[0, 1].ravel(), atol=1e-4)
        rows, columns = (side.ravel().astype(np.float32) for side in np.indices(scores.shape[2:]))
        np.testing.assert_array_equal(boxes[own, 0], torch.floor((2 * torch.from_numpy(columns) + 1) / scale))
        np.testing.assert_array_equal(boxes[own, 3], torch.floor((2 * torch.from_numpy(rows) + 12) / scale))


def test_a_canvas_is_bounded_however_large_the_frame() -> None:
    canvases = plan_canvases(2160, 3840, 40.0, 200_000)
    assert len(canvases) > 2
    assert all(canvas.share.shape[0] * canvas.share.shape[1] <= 200_000 for canvas in canvases)


@pytest.mark.parametrize(("size", "num"), [((39, 500), 0), ((40, 500), 1), ((224, 224), 6), ((224, 1000), 6)])
def test_scales_end_where_the_frame_no_longer_holds_a_cell(size: tuple[int, int], num: int) -> None:
    scales = find_scales(*size, 40.0)
    assert len(scales) == num
    assert all(min(size) * scale >= 12 for scale in scales)
    assert min(size) * 0.3 * 0.709**num < 12
    assert scales[:1] == [0.3][:num]


@pytest.mark.parametrize(
    ("module", "pools", "size", "batch"), [(RNet(), (3, 3, 0), 24, 4), (ONet(), (3, 3, 2, 0), 48, 3)]
)
@pytest.mark.parametrize("num", [0, 1, 7])
def test_patch_networks_give_what_their_modules_give(
    module: nn.Module, pools: tuple[int, ...], size: int, batch: int, num: int
) -> None:
    pictures = np.random.default_rng(num).uniform(0, 255, (num, size, size, 4)).astype(np.float32)
    outputs = PatchNetwork(module, pools, batch, CPU)(pictures)
    assert outputs.shape == (num, 5 if size == 24 else 15)
    if num:
        with torch.no_grad():
            *offsets, scores = module(normalise(torch.from_numpy(pictures[..., :3]).permute(0, 3, 1, 2)))
        np.testing.assert_allclose(outputs[:, 1:], torch.cat(offsets, dim=1), atol=1e-4)
        np.testing.assert_allclose(torch.sigmoid(torch.from_numpy(outputs[:, 0])), scores[:, 1], atol=1e-4)


def test_a_picture_does_not_depend_on_its_pass() -> None:
    network = PatchNetwork(ONet(), (3, 3, 2, 0), 4, CPU)
    pictures = np.random.default_rng(0).uniform(0, 255, (11, 48, 48, 4)).astype(np.float32)
    outputs = network(pictures)
    np.testing.assert_array_equal(network(pictures[::-1].copy())[::-1], outputs)
    np.testing.assert_array_equal(network(pictures[5:6]), outputs[5:6])


@pytest.mark.parametrize("side", [8, 9, 11, 21, 22, 46])
def test_pooling_is_maximum_pooling_that_rounds_up(side: int) -> None:
    x = torch.randn(2, 3, side, side + 3).contiguous(memory_format=torch.channels_last)
    assert torch.equal(pool3(x), functional.max_pool2d(x, 3, 2, ceil_mode=True))
    even = x[..., : side // 2 * 2, : side // 2 * 2]
    assert torch.equal(pool2(even), functional.max_pool2d(even, 2, 2))


def test_frames_that_share_a_pass_of_the_first_network_keep_their_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    face = read(ASTRONAUT)
    images = [make_image(*size) for size in [(224, 224), (161, 203), (224, 224), (40, 40), (161, 203), (20, 20)]]
    images += [np.ascontiguousarray(face[k : k + 224, 100:324]) for k in (0, 9)]
    alone = Cascade(PNet(), RNet(), ONet(), min_face_px=40.0, device=CPU)
    together = Cascade(PNet(), RNet(), ONet(), min_face_px=40.0, device=CPU)
    monkeypatch.setattr(together, "_joint_pixels", 40_000)  # three canvases of 224 x 224
    passes = count_pictures(together, monkeypatch)
    expected, found = alone(images), together(images)
    assert passes == [3, 1, 2, 1]
    assert [len(faces.boxes) for faces in expected][-2:] == [1, 1]
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other.boxes, one.boxes, atol=1e-2)
        np.testing.assert_allclose(other.landmarks, one.landmarks, atol=1e-2)
        np.testing.assert_allclose(other.scores, one.scores, atol=1e-4)


def count_pictures(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames each pass of the first network will have had."""
    passes: list[int] = []
    first = cascade._first

    def spy(canvases: Floats, ragged: Indices) -> Floats:
        passes.append(len(canvases))
        return first(canvases, ragged)

    monkeypatch.setattr(cascade, "_first", spy)
    return passes


def test_no_images_and_images_smaller_than_a_face_give_no_faces() -> None:
    cascade = Cascade(PNet(), RNet(), ONet(), min_face_px=40.0, device=CPU)
    assert cascade([]) == []
    (faces,) = cascade([make_image(20, 20)])
    assert (faces.boxes.shape, faces.scores.shape, faces.landmarks.shape) == ((0, 4), (0,), (0, 5, 2))
