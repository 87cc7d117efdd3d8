"""Structural similarity, window by window and against scikit-image."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tcae.manifests.errors import ConfigError
from tcae.model.networks.ssim import ssim
from tests.method_builders import pictures


def slow_ssim(one: Tensor, other: Tensor) -> list[float]:
    """For every window its weighted means, spreads and shared spread (Wang et al., equations 13 to 16)."""
    line = [math.exp(-((at - 5) ** 2) / (2 * 1.5**2)) for at in range(11)]
    window = np.outer(line, line)
    window /= window.sum()
    found = []
    for first, second in zip(one.numpy(), other.numpy(), strict=True):
        values = []
        for x, y in zip(first, second, strict=True):
            for top in range(x.shape[0] - 10):
                for left in range(x.shape[1] - 10):
                    a, b = x[top : top + 11, left : left + 11], y[top : top + 11, left : left + 11]
                    mean_a, mean_b = (window * a).sum(), (window * b).sum()
                    spread_a, spread_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
                    shared = (window * (a - mean_a) * (b - mean_b)).sum()
                    lightness = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
                    values.append(lightness * (2 * shared + 9e-4) / (spread_a + spread_b + 9e-4))
        found.append(float(np.mean(values)))
    return found


def test_it_is_that_of_every_window() -> None:
    one, other = pictures(2, 14, seed=1), pictures(2, 14, seed=2)
    other[1] = 0.9 * one[1] + 0.1 * other[1]
    found = ssim(one, other)
    np.testing.assert_allclose(found.numpy(), slow_ssim(one, other), rtol=1e-9)
    assert found[1] > 0.9 > found[0]


def test_it_is_scikit_images() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    one = pictures(1, 32, seed=3)
    other = (one + 0.2 * pictures(1, 32, seed=4)).clamp(0, 1)
    theirs = metrics.structural_similarity(
        *(face[0].numpy() for face in (one, other)),
        channel_axis=0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
    )
    assert ssim(one, other).item() == pytest.approx(theirs, rel=1e-9)


def test_a_picture_is_like_itself_and_like_no_other() -> None:
    one = pictures(3, 12)
    torch.testing.assert_close(ssim(one, one), torch.ones(3, dtype=torch.float64))
    assert (ssim(one, 1 - one) < 0).all()


def test_pictures_smaller_than_a_window_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"at least 11 px, not \(8, 12\)"):
        ssim(torch.zeros(1, 3, 8, 12), torch.zeros(1, 3, 8, 12))
