import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.pipeline.align import Alignment, LandmarksError, anchor_points, apply, crop_face, fit_alignment, inverse
from tcae.pipeline.pictures import Image
from tcae.pipeline.templates import Points, template_names, template_points
from tests.face_builders import landmarks_in

TCAE = template_points("tcae")
similarities = st.builds(
    lambda scale, turn, x, y: similarity(scale, turn, x, y),
    st.floats(0.05, 20),
    st.floats(-math.pi, math.pi),
    st.floats(-2000, 2000),
    st.floats(-2000, 2000),
)


def similarity(scale: float, turn: float = 0.0, x: float = 0.0, y: float = 0.0) -> Alignment:
    c, s = scale * math.cos(turn), scale * math.sin(turn)
    return np.array([[c, -s, x], [s, c, y]])


def umeyama(frame: Points, crop: Points) -> Alignment:
    """Oracle: Umeyama's closed form by singular values, its sign kept so that nothing is mirrored."""
    a, b = frame - frame.mean(0), crop - crop.mean(0)
    u, d, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.diag([1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / a.var(0).sum()
    alignment: Alignment = np.column_stack([scale * rotation, crop.mean(0) - scale * rotation @ frame.mean(0)])
    return alignment


def discs(points: Points, shape: tuple[int, int], radius: float) -> Image:
    """White discs on black about points given to a fraction of a pixel."""
    image = np.zeros((*shape, 3), np.uint8)
    for x, y in points:
        centre = (round(x * 256), round(y * 256))
        cv2.circle(image, centre, round(radius * 256), (255, 255, 255), -1, cv2.LINE_AA, shift=8)
    return image


def centroid(image: Image, about: Points, radius: int) -> Points:
    """Centre of mass in a window about a point, in pixels whose centres are integers."""
    x, y = (round(float(value)) for value in about)
    window = image[y - radius : y + radius + 1, x - radius : x + radius + 1, 0].astype(float)
    rows, columns = np.mgrid[y - radius : y + radius + 1, x - radius : x + radius + 1]
    centre: Points = np.array([(columns * window).sum(), (rows * window).sum()]) / window.sum()
    return centre


@given(similarities)
def test_a_known_similarity_is_recovered(truth: Alignment) -> None:
    found = fit_alignment(apply(inverse(truth), TCAE), TCAE)
    np.testing.assert_allclose(found, truth, rtol=1e-6, atol=1e-6 * max(1.0, float(np.abs(truth).max())))


@given(similarities, st.lists(st.floats(-5, 5), min_size=10, max_size=10))
def test_the_fit_is_that_of_umeyama(truth: Alignment, noise: list[float]) -> None:
    landmarks = apply(inverse(truth), TCAE + np.reshape(noise, (5, 2)))
    np.testing.assert_allclose(fit_alignment(landmarks, TCAE), umeyama(landmarks, TCAE), rtol=1e-6, atol=1e-6)


@given(similarities, st.lists(st.floats(-1000, 1000), min_size=10, max_size=10))
def test_alignment_and_its_inverse_return_the_landmarks(alignment: Alignment, values: list[float]) -> None:
    points = np.reshape(values, (5, 2))
    np.testing.assert_allclose(apply(inverse(alignment), apply(alignment, points)), points, atol=1e-6)


def test_no_small_change_of_the_fit_comes_nearer_to_the_template() -> None:
    landmarks = landmarks_in((30, 40, 95, 120)) + np.random.default_rng(1).normal(0, 2, (5, 2))
    best = fit_alignment(landmarks, TCAE)
    least = ((apply(best, landmarks) - TCAE) ** 2).sum()
    for turn in (similarity(1.001), similarity(0.999), similarity(1, 0.001), similarity(1, -0.001)):
        changed = np.column_stack([turn[:, :2] @ best[:, :2], best[:, 2]])
        changed[:, 2] += (TCAE - apply(changed, landmarks)).mean(0)
        assert ((apply(changed, landmarks) - TCAE) ** 2).sum() > least


def test_points_are_x_then_y_and_images_row_then_column() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10, 25] = 255  # row 10, column 25
    crop = crop_face(image, similarity(1), 60)
    assert np.argwhere(crop[..., 0]).tolist() == [[10, 25]]


def test_the_middle_of_the_first_pixel_is_the_origin() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[0, 0] = 255
    crop = crop_face(image, similarity(1, x=3, y=5), 16)
    assert crop[5, 3].tolist() == [255, 255, 255]
    assert crop[5, 4].tolist() == [0, 0, 0]


def test_an_alignment_maps_frame_pixels_to_crop_pixels() -> None:
    np.testing.assert_allclose(apply(similarity(2, math.pi / 2, 10, 20), np.array([[3.0, 4.0]])), [[2.0, 26.0]])


@given(similarities)
def test_a_similarity_never_mirrors(truth: Alignment) -> None:
    found = fit_alignment(apply(inverse(truth), TCAE), TCAE)
    assert np.linalg.det(found[:, :2]) > 0
    assert found[0, 0] == found[1, 1]
    assert found[0, 1] == -found[1, 0]


def test_what_lies_outside_the_frame_repeats_the_nearest_edge_pixel() -> None:
    image = np.random.default_rng(2).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    crop = crop_face(image, similarity(1, x=10, y=15), 64)
    expected = np.pad(image, ((15, 29), (10, 24), (0, 0)), mode="edge")
    np.testing.assert_array_equal(crop, expected)


def test_a_crop_wholly_outside_the_frame_is_the_edge_too() -> None:
    image = np.full((20, 30, 3), 9, np.uint8)
    image[:, 0] = 200
    assert (crop_face(image, similarity(1, x=500), 32) == 200).all()


@pytest.mark.parametrize("name", template_names)
@pytest.mark.parametrize("width", [40.0, 64.0, 170.0, 400.0, 900.0])
def test_discs_on_the_landmarks_land_on_the_template(name: str, width: float) -> None:
    template = template_points(name)
    landmarks = apply(similarity(width / 150, 0.2), template)
    landmarks += 0.3 * width - landmarks.min(0) + 0.37
    image = discs(landmarks, (round(1.6 * width), round(1.6 * width)), width * 0.05)
    crop = crop_face(image, fit_alignment(landmarks, template))
    for point in template:
        np.testing.assert_allclose(centroid(crop, point, 16), point, atol=0.35)


@pytest.mark.parametrize(
    ("cell", "shrink"),
    [(1, 1.7), (1, 3.0), (1, 4.5), (2, 4.5), (1, 7.9), (2, 7.9), (3, 7.9)],
    ids=lambda value: f"{value}px",
)
def test_a_checkerboard_finer_than_the_crop_shrinks_to_grey(cell: int, shrink: float) -> None:
    rows, columns = np.mgrid[:1200, :1200] // cell
    image = np.repeat((255 * ((rows + columns) % 2)).astype(np.uint8)[..., None], 3, axis=2)
    crop = crop_face(image, similarity(1 / shrink, 0.1, 20), 100)
    plain = cv2.warpAffine(image, similarity(1 / shrink, 0.1, 20), (100, 100))
    inside = crop[30:90, 40:90].astype(float)
    assert abs(inside.mean() - 127.5) < 3
    assert inside.std() < 20 < plain[30:90, 40:90].std()


def test_shrinking_keeps_what_is_coarser_than_the_crop() -> None:
    rows, columns = np.mgrid[:800, :800] // 80
    image = np.repeat((255 * ((rows + columns) % 2)).astype(np.uint8)[..., None], 3, axis=2)
    assert crop_face(image, similarity(0.2), 160).std() > 110


@pytest.mark.parametrize("shrink", [1.0, 1.3, 1.99, 2.0, 2.01, 3.7, 5.0])
def test_a_flat_frame_and_a_ramp_keep_their_values(shrink: float) -> None:
    ramp = np.repeat(np.repeat(np.arange(0, 240, dtype=np.uint8)[None, :, None], 240, axis=0), 3, axis=2)
    size = round(200 / shrink)
    crop = crop_face(ramp, similarity(1 / shrink), size)
    expected = np.arange(size) * shrink
    np.testing.assert_allclose(crop[size // 2, 3:, 0], expected[3:], atol=1.01)


def test_only_the_shown_part_of_the_frame_counts() -> None:
    image = np.random.default_rng(3).integers(0, 255, (400, 500, 3), dtype=np.uint8)
    alignment = similarity(0.8, 0.3, -100, -160)
    changed = image.copy()
    corners = apply(inverse(alignment), np.array([[0.0, 0.0], [63, 0], [0, 63], [63, 63]]))
    outside = np.ones(image.shape[:2], bool)
    (x0, y0), (x1, y1) = corners.min(0).astype(int) - 6, corners.max(0).astype(int) + 7
    outside[max(y0, 0) : y1, max(x0, 0) : x1] = False
    changed[outside] = 0
    assert outside.any()
    np.testing.assert_array_equal(crop_face(changed, alignment, 64), crop_face(image, alignment, 64))


def test_68_points_are_reduced_to_the_five_of_the_templates() -> None:
    points = np.full((68, 2), 1e6)
    points[36:42] = np.array([90.0, 100.0]) + np.array([[-9, 0], [-3, -3], [3, -3], [9, 0], [3, 3], [-3, 3]])
    points[42:48] = np.array([160.0, 100.0]) + np.array([[-9, 0], [-3, -3], [3, -3], [9, 0], [3, 3], [-3, 3]])
    points[30], points[48], points[54] = (127, 135), (100, 175), (155, 175)
    expected = [[90, 100], [160, 100], [127, 135], [100, 175], [155, 175]]
    np.testing.assert_allclose(anchor_points(points), expected)
    np.testing.assert_allclose(fit_alignment(points, TCAE), fit_alignment(np.array(expected, float), TCAE))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.full((5, 2), 30.0), "coincide or lie on one line"),
        (np.array([[i, 2.0 * i] for i in range(5)]), "coincide or lie on one line"),
        (np.array([[np.nan, 1], [2, 3], [4, 5], [6, 1], [0, 0]]), "not finite"),
        (TCAE * [-1, 1], "resemble the template by 0.1"),
        (TCAE[:4], r"shape \(4, 2\); a face has \(5, 2\) or \(68, 2\)"),
    ],
    ids=["equal", "collinear", "nan", "mirrored", "four"],
)
def test_points_that_are_no_face_are_rejected(points: Points, message: str) -> None:
    with pytest.raises(LandmarksError, match=message):
        fit_alignment(points, TCAE)
    assert LandmarksError.reason == "landmarks"
