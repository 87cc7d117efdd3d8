"""Area windows through integral images, against torch's own area resizing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tcae.pipeline.mtcnn.boxes import Indices
from tcae.pipeline.mtcnn.windows import add_up, cross, resize_boxes, split_side, sum_table
from tcae.pipeline.pictures import Image


def make_image(height: int, width: int) -> Image:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), np.uint8)


def area_resize(image: Image, size: int) -> np.ndarray:
    """The slow, obvious way."""
    picture = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    resized = torch.nn.functional.interpolate(picture, size=(size, size), mode="area")
    return resized[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("box", [(0, 0, 60, 50), (3, 4, 51, 44), (10, 10, 11, 11), (0, 7, 60, 8), (59, 0, 60, 50)])
@pytest.mark.parametrize("size", [1, 24, 48])
def test_pixels_are_those_of_area_resizing(box: tuple[int, int, int, int], size: int) -> None:
    image = make_image(50, 60)
    x0, y0, x1, y1 = box
    crops = resize_boxes(sum_table(image), np.array([box]), size)
    assert crops.dtype == np.float32
    np.testing.assert_allclose(crops[0, ..., :3], area_resize(image[y0:y1, x0:x1], size), atol=1e-4)


def test_boxes_do_not_disturb_one_another() -> None:
    table = sum_table(make_image(90, 70))
    boxes = np.array([[0, 0, 70, 90], [5, 6, 40, 31], [60, 80, 70, 90]])
    together = resize_boxes(table, boxes, 24)
    for box, crop in zip(boxes, together, strict=True):
        np.testing.assert_array_equal(resize_boxes(table, box[None], 24)[0], crop)


def test_no_boxes_give_no_pictures() -> None:
    assert resize_boxes(sum_table(make_image(9, 9)), np.empty((0, 4), np.int64), 24).shape == (0, 24, 24, 4)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 300), st.integers(1, 80), st.integers(0, 50))
def test_spans_cover_a_side_in_order_and_without_gaps(length: int, size: int, start: int) -> None:
    first, last = (edge[0] for edge in split_side(np.array([start]), np.array([length]), size))
    assert first[0] == start
    assert last[-1] == start + length
    assert (last > first).all()
    assert (first[1:] <= last[:-1]).all()
    assert (np.diff(first) >= 0).all()
    assert (last[:-1] - first[1:] <= 1).all()


def test_sums_that_wrap_round_still_differ_by_the_right_amount() -> None:
    white = np.full((3000, 4000, 3), 255, np.uint8)  # the last entry of the table is 3.06e9, above 2**31
    table = sum_table(white)
    rows, columns = split_side(np.array([2990]), np.array([10]), 2), split_side(np.array([3980]), np.array([20]), 2)
    sums = add_up(table, cross(rows, columns, table.shape[1]))
    np.testing.assert_array_equal(sums[0, ..., :3], np.full((2, 2, 3), 255.0 * 50))


def test_a_view_gives_the_table_of_its_copy() -> None:
    image = make_image(20, 30)
    view: Image = image[:, ::-1]
    boxes: Indices = np.array([[1, 2, 19, 17]])
    np.testing.assert_array_equal(
        resize_boxes(sum_table(view), boxes, 5), resize_boxes(sum_table(view.copy()), boxes, 5)
    )
