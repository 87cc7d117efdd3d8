import gzip
from pathlib import Path

import numpy as np
import pytest

from tcae.pipeline.synthetic import makehuman


def test_a_target_moves_the_points_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "smile.target.gz"
    path.write_bytes(gzip.compress(b"# a comment\n1 0.1 -0.2 0.3\n\n3 1 2 3\n"))
    moves = makehuman._read_target(path, 5)
    assert moves.shape == (5, 3)
    np.testing.assert_array_equal(moves[1], (0.1, -0.2, 0.3))
    np.testing.assert_array_equal(moves[3], (1, 2, 3))
    assert np.count_nonzero(moves) == 6


def test_an_empty_target_moves_nothing(tmp_path: Path) -> None:
    (tmp_path / "still.target").write_text("# nothing\n")
    assert not makehuman._read_target(tmp_path / "still.target", 4).any()


def test_left_and_right_are_one_change_and_ends_are_paired(tmp_path: Path) -> None:
    folder = tmp_path / "eyes"
    folder.mkdir()
    for side, point in (("l", 0), ("r", 1)):
        for end, amount in (("incr", 2), ("decr", -1)):
            (folder / f"{side}-eye-scale-{end}.target.gz").write_bytes(
                gzip.compress(f"{point} {amount} 0 0\n".encode())
            )
    (folder / "eye-lonely-incr.target.gz").write_bytes(gzip.compress(b"0 9 9 9\n"))
    up, down = makehuman._read_locals(tmp_path, 2)
    assert list(up) == ["eyes/eye-scale"]
    np.testing.assert_array_equal(up["eyes/eye-scale"][:, 0], (2, 2))
    np.testing.assert_array_equal(down["eyes/eye-scale"][:, 0], (-1, -1))


def test_parts_that_meet_at_a_vertex_have_a_corner_each() -> None:
    quads = np.array([[0, 1, 2, 3], [1, 4, 5, 2]])
    corners, triangles = makehuman._corners(quads, np.array([0, 1]))
    assert len(corners) == 8
    assert triangles.shape == (4, 3)
    assert {tuple(corners[index]) for index in triangles[1]} == {(1, 1), (4, 1), (5, 1)}


def test_a_bone_below_the_head_turns_with_it_and_the_spine_does_not() -> None:
    bones = {"jaw": {"parent": "head"}, "head": {"parent": "neck03"}, "neck01": {"parent": "spine01"}, "spine01": {}}
    assert makehuman._share("jaw", bones) == 1
    assert 0 < makehuman._share("neck01", bones) < 1
    assert makehuman._share("spine01", bones) == 0


@pytest.mark.parametrize(
    ("place", "grows"), [((0, 140, 40), True), ((0, 60, 95), False), ((65, 0, -60), True), ((0, -60, 90), False)]
)
def test_hair_grows_on_top_and_at_the_back_and_not_in_the_face(
    place: tuple[float, float, float], *, grows: bool
) -> None:
    distance = makehuman._scalp(np.array([place], float), np.zeros(1, np.float32))
    assert (distance[0] > 0) == grows


def test_the_distance_from_the_hairline_is_in_millimetres() -> None:
    points = np.array([[0, 102 + rise, 100.0] for rise in (-8, 0, 8)])
    found = makehuman._scalp(points, np.zeros(3, np.float32))
    np.testing.assert_allclose(found, (-8, 0, 8), atol=1.5)


def test_no_hair_grows_on_the_ears() -> None:
    assert makehuman._scalp(np.array([[78.0, 60, 0]]), np.ones(1, np.float32))[0] < 0
