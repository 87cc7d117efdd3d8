"""Sample sheets."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.display.maps import heat_of
from tcae.model.display.pictures import GAP, LINE, MISSING, RGB, enlarged, line_px, picture_of
from tcae.model.display.sheets import COLUMNS, sample_sheet
from tcae.model.display.wheel import colour_of
from tests.model.display.builders import a_swap, constant


def cell(sheet: RGB, side: int, row: int, column: int) -> RGB:
    """One of the pictures, cut out where the layout says that it is."""
    top = 2 * GAP + line_px(side // 7) + GAP + line_px(side // 10) + GAP + row * (side + GAP)
    left = 2 * GAP + column * (side + GAP)
    return sheet[top : top + side, left : left + side]


@pytest.mark.parametrize(("size", "side"), [(8, 160), (64, 192), (128, 256), (256, 256)])
@pytest.mark.parametrize("num_rows", [1, 3])
def test_a_sheet_has_the_stated_size(size: int, side: int, num_rows: int) -> None:
    sheet = sample_sheet([a_swap(size)] * num_rows, "a run")
    words = line_px(side // 7) + line_px(side // 10) + line_px(side // 11)
    footer = side + 2 * line_px(side // 10)
    height = 4 * GAP + words + 2 * GAP + num_rows * (side + GAP) + 2 * GAP + footer
    assert sheet.shape == (height, 4 * GAP + 8 * side + 7 * GAP, 3)
    assert sheet.dtype == np.uint8


def test_eight_rows_are_drawn_in_their_order() -> None:
    swaps = [a_swap(8, seed) for seed in range(8)]
    sheet = sample_sheet(swaps, "eight pairs")
    for row, swap in enumerate(swaps):
        np.testing.assert_array_equal(cell(sheet, 160, row, 0), enlarged(picture_of(swap.source), 20))


def test_the_columns_hold_what_their_titles_say() -> None:
    swap = a_swap(256)
    sheet = sample_sheet([swap], "one pair")
    assert COLUMNS[:5] == ("source", "target", "AU-changed", "pose-changed", "reconstruction")
    for column, face in enumerate((swap.source, swap.target, swap.au_image, swap.pose_image, swap.output)):
        np.testing.assert_array_equal(cell(sheet, 256, 0, column), picture_of(face))
    fields = (colour_of(swap.au_displacement, 0.05), colour_of(swap.pose_displacement, 0.05), heat_of(swap.au_mask, 1))
    for column, field in enumerate(fields, start=5):
        np.testing.assert_array_equal(cell(sheet, 256, 0, column)[1:-1, 1:-1], field[1:-1, 1:-1])


def test_one_scale_holds_for_both_displacements_of_all_rows() -> None:
    sheet = sample_sheet([a_swap(au=0.01, pose=0.02), a_swap(au=0.02, pose=0.2)], "two pairs")
    centres = [[cell(sheet, 160, row, column)[80, 80].tolist() for column in (5, 6)] for row in (0, 1)]
    expected = [[(0.01, 0.0), (0.0, 0.02)], [(0.02, 0.0), (0.0, 0.2)]]
    assert centres == [[colour_of(constant(*d, 1), 0.2)[0, 0].tolist() for d in row] for row in expected]


def test_a_displacement_of_zero_is_white_in_a_light_frame() -> None:
    sheet = sample_sheet([a_swap(au=0, pose=0)], "nothing moves")
    for column in (5, 6):
        assert (cell(sheet, 160, 0, column)[1:-1, 1:-1] == 255).all()
        assert (cell(sheet, 160, 0, column)[0] == LINE).all()


def test_the_same_rows_give_the_same_sheet() -> None:
    np.testing.assert_array_equal(sample_sheet([a_swap(16)], "again"), sample_sheet([a_swap(16)], "again"))


def test_title_lengths_and_distances_are_written() -> None:
    swap = a_swap()
    sheet = sample_sheet([swap], "a run")
    others = [
        sample_sheet([swap], "b run"),
        sample_sheet([replace(swap, output=swap.target)], "a run"),
        sample_sheet([replace(swap, au_mask=np.zeros((8, 8)))], "a run"),
    ]
    changed = [np.flatnonzero((sheet != other).any(axis=(1, 2))) for other in others]
    title, notes = line_px(160 // 7) + 2 * GAP, 2 * GAP + line_px(22) + line_px(16) + 3 * GAP + 160
    assert changed[0].max() < title
    assert all(((rows >= notes) & (rows < notes + line_px(14))).any() for rows in changed[1:])


@pytest.mark.parametrize("name", ["source", "target", "output", "au_displacement", "pose_displacement", "au_mask"])
def test_a_field_of_nothing_finite_is_drawn_grey(name: str) -> None:
    swap = a_swap()
    swap = replace(swap, **{name: np.full_like(getattr(swap, name), np.nan)})
    column = ("source", "target", "", "", "output", "au_displacement", "pose_displacement", "au_mask").index(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sheet = sample_sheet([swap], "not a number")
    assert (cell(sheet, 160, 0, column)[1:-1, 1:-1] == MISSING).all()


def test_half_precision_is_drawn_as_well() -> None:
    swap = a_swap()
    half = {name: value.astype(np.float16) for name, value in vars(swap).items()}
    assert sample_sheet([replace(swap, **half)], "half").shape == sample_sheet([swap], "single").shape


def test_pictures_that_are_not_square_are_drawn() -> None:
    swap = a_swap(16)
    narrow = {name: value[..., :8] for name, value in vars(swap).items()}
    assert sample_sheet([replace(swap, **narrow)], "narrow").shape[1] == 4 * GAP + 8 * 160 + 7 * GAP


def test_a_sheet_without_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match="a sample sheet needs pairs of one size, not 0 of"):
        sample_sheet([], "nothing")


def test_rows_of_two_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"not 2 of \[\(8, 8\), \(16, 16\)\]"):
        sample_sheet([a_swap(8), a_swap(16)], "two sizes")


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("target", (3, 8, 4), r"a swap's target is \(3, 8, 4\), not \(3, 8, 8\)"),
        ("au_displacement", (8, 8, 2), r"a swap's au_displacement is \(8, 8, 2\), not \(2, 8, 8\)"),
        ("au_mask", (1, 8, 8), r"a swap's au_mask is \(1, 8, 8\), not \(8, 8\)"),
        ("source", (1, 3, 8, 8), r"a swap's source is \(1, 3, 8, 8\)"),
    ],
)
def test_a_swap_of_wrong_shapes_is_refused(name: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(a_swap(), **{name: np.zeros(shape)})
