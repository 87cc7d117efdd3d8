"""Contact sheets."""

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.display.contact import contact_sheet
from tcae.model.display.pictures import GAP, HEADING, LEAST_SIDE, NOTE, line_px
from tests.model.display.builders import flat

QUERY = flat(9, 9, 9, 64, 64)
TOP = 2 * GAP + line_px(HEADING) + GAP // 2
LEFT = 2 * GAP + 2 * LEAST_SIDE + GAP + 3 * GAP


@pytest.mark.parametrize(("num_found", "columns", "rows"), [(1, 5, 1), (5, 5, 1), (6, 5, 2), (7, 2, 4)])
@pytest.mark.parametrize("lines", [0, 1, 2])
def test_a_contact_sheet_has_the_stated_size(num_found: int, columns: int, rows: int, lines: int) -> None:
    caption = "\n".join(["0.93"] * lines)
    sheet = contact_sheet(QUERY, [(flat(1, 2, 3), caption)] * num_found, columns)
    grid = rows * (LEAST_SIDE + lines * line_px(NOTE)) + (rows - 1) * GAP
    used = min(columns, num_found)
    width = LEFT + used * LEAST_SIDE + (used - 1) * GAP + 2 * GAP
    assert sheet.shape == (TOP + max(2 * LEAST_SIDE + GAP, grid) + 2 * GAP, width, 3)


def test_found_faces_come_row_by_row_and_the_query_at_the_left() -> None:
    found = [(flat(10 * number, 0, 0, 30 + number, 30), "id") for number in range(7)]
    sheet = contact_sheet(QUERY, found, columns=3)
    step = LEAST_SIDE + GAP
    for number in range(7):
        row, column = divmod(number, 3)
        y, x = TOP + row * (step + line_px(NOTE)), LEFT + column * step
        assert (sheet[y : y + LEAST_SIDE, x : x + LEAST_SIDE] == (10 * number, 0, 0)).all()
    side = 2 * LEAST_SIDE + GAP
    assert (sheet[TOP : TOP + side, 2 * GAP : 2 * GAP + side] == 9).all()


def test_captions_stand_under_their_face() -> None:
    one, other = (contact_sheet(QUERY, [(QUERY, "0.93"), (QUERY, text)]) for text in ("0.92\nid10001", "\n"))
    rows, columns = np.nonzero((one != other).any(axis=2))
    assert columns.min() >= LEFT + LEAST_SIDE + GAP
    assert rows.min() >= TOP + LEAST_SIDE
    assert rows.max() < TOP + LEAST_SIDE + 2 * line_px(NOTE)


def test_the_same_faces_give_the_same_sheet() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    one, other = (contact_sheet(noise, [(noise, "0.93")]) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_nothing_found_is_said() -> None:
    empty, other = contact_sheet(QUERY, []), contact_sheet(QUERY, [(flat(255, 255, 255), "")])
    assert empty.shape == other.shape == (TOP + 2 * LEAST_SIDE + GAP + 2 * GAP, LEFT + LEAST_SIDE + 2 * GAP, 3)
    rows, columns = np.nonzero((empty != other).any(axis=2))
    assert rows.max() < TOP
    assert columns.min() >= LEFT


def test_a_grid_without_columns_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one column, not 0"):
        contact_sheet(QUERY, [(QUERY, "")], 0)
