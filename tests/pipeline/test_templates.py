import cv2
import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.pipeline.align import fit_alignment
from tcae.pipeline.templates import CROP_PX, template_names, template_points

ARCFACE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


@pytest.mark.parametrize("name", template_names)
def test_points_are_x_then_y_from_the_eye_on_the_left_to_the_mouth_corner_on_the_right(name: str) -> None:
    left_eye, right_eye, nose, left_mouth, right_mouth = template_points(name)
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize("name", template_names)
def test_the_unit_is_the_pixel_of_a_256_crop(name: str) -> None:
    points = template_points(name)
    assert points.shape == (5, 2)
    assert points.min() > 60
    assert points.max() < CROP_PX - 30


def test_ours_is_symmetric_and_its_eyes_are_level() -> None:
    points = template_points("tcae")
    mirrored = points[[1, 0, 2, 4, 3]] * (-1, 1) + (CROP_PX - 1, 0)
    np.testing.assert_allclose(mirrored, points)
    assert points[0, 1] == points[1, 1]


def test_ours_keeps_hairline_and_chin_in_the_middle_200_pixels() -> None:
    left_eye, right_eye = template_points("tcae")[:2]
    eye_distance = right_eye[0] - left_eye[0]
    assert left_eye[1] - 1.0 * eye_distance >= 28  # hairline of an adult: 1.0 to 1.1 eye distances above the eyes
    assert left_eye[1] + 1.9 * eye_distance <= 228  # chin: 1.8 to 2.0 below


def test_arcface_reduced_to_112_pixels_is_the_usual_crop() -> None:
    rng = np.random.default_rng(0)
    frame = cv2.GaussianBlur(rng.integers(0, 255, (300, 300, 3), dtype=np.uint8), (0, 0), 6)
    landmarks = ARCFACE_112 * 1.9 + (40, 30)
    usual = cv2.warpAffine(frame, fit_alignment(landmarks, ARCFACE_112), (112, 112))
    ours = cv2.warpAffine(frame, fit_alignment(landmarks, template_points("arcface")), (CROP_PX, CROP_PX))
    reduced = cv2.resize(ours, (112, 112), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - usual).max() <= 3


def test_another_crop_size_scales_edges_onto_edges() -> None:
    np.testing.assert_allclose(template_points("arcface", size_px=112), ARCFACE_112)
    np.testing.assert_allclose((template_points("tcae", size_px=64) + 0.5) * 4 - 0.5, template_points("tcae"))


def test_a_margin_of_a_tenth_leaves_a_tenth_of_the_old_crop_on_each_side() -> None:
    plain, roomy = template_points("tcae"), template_points("tcae", margin=0.1)
    np.testing.assert_allclose((roomy - 127.5) * 1.2, plain - 127.5)
    # The old crop's edges, -0.5 and 255.5, seen in the new crop whose pixels are 1.2 times as large:
    old_edge = 127.5 - 128 / 1.2
    assert (old_edge + 0.5) * 1.2 == pytest.approx(0.1 * CROP_PX)


def test_an_unknown_template_is_refused_with_the_names_of_those_that_exist() -> None:
    with pytest.raises(ConfigError, match=r"no template 'ffhq'; the templates are tcae, arcface"):
        template_points("ffhq")


@pytest.mark.parametrize("margin", [-0.1, 2.5, float("nan")])
def test_a_margin_that_makes_no_crop_is_refused(margin: float) -> None:
    with pytest.raises(ConfigError, match="margin is"):
        template_points("tcae", margin)


def test_a_crop_without_pixels_is_refused() -> None:
    with pytest.raises(ConfigError, match="size_px is 0"):
        template_points("tcae", size_px=0)


def test_changing_what_was_returned_does_not_change_the_template() -> None:
    template_points("tcae")[:] = 0
    assert template_points("tcae").min() > 60
