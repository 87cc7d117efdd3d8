"""What the network sees of a face; the lines of the Convention block have a test each."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tcae.model.data.views import view

WHOLE = (0, 0, 256, 0)


def faces(num: int, side: int) -> Tensor:
    return torch.randint(0, 256, (num, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(side))


def cut(face: Tensor, crop: tuple[int, int, int, int], size: int) -> Tensor:
    """The obvious way for one face of 256 px: cut it out, then scale it."""
    x, y, side, _ = crop
    part = face[y : y + side, x : x + side].permute(2, 0, 1)[None].double() / 255
    return interpolate(part, (size, size), mode="bilinear", align_corners=False)[0]


def test_the_crop_is_its_corner_and_its_side_in_pixels_of_256_whatever_side_was_decoded() -> None:
    face = torch.zeros(1, 256, 256, 3, dtype=torch.uint8)
    face[0, 64:128, 128:192] = 255  # rows, columns
    seen = torch.tensor([[128, 64, 64, 0]])
    for decoded in (face, face[:, ::2, ::2], face[:, ::4, ::4]):
        assert (view(decoded, seen, 16) == 1).all()
        assert view(decoded, torch.tensor([[64, 128, 64, 0]]), 16).max() == 0
        moved = view(decoded, torch.tensor([[96, 64, 64, 0]]), 16)[0, 0]  # its right half is white
        assert (moved[:, :7] == 0).all()
        assert (moved[:, 9:] == 1).all()


def test_pixels_are_squares_with_their_centres_at_half_numbers() -> None:
    face = faces(2, 256)
    seen = view(face, torch.tensor([WHOLE, WHOLE]), 256)
    torch.testing.assert_close(seen, face.permute(0, 3, 1, 2) / 255, rtol=0, atol=2e-5)
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 256, 1).expand(1, 256, 256, 3)
    halves = view(ramp, torch.tensor([WHOLE]), 128)[0, 0, 0] * 255
    torch.testing.assert_close(halves, 2 * torch.arange(128) + 0.5, rtol=0, atol=1e-3)


def test_nothing_beyond_the_crop_is_seen() -> None:
    face = torch.zeros(1, 256, 256, 3, dtype=torch.uint8)
    face[0, 50:250, 30:230] = 255
    for decoded in (face, face[:, ::2, ::2]):
        assert view(decoded, torch.tensor([[30, 50, 200, 0]]), 64).min() == pytest.approx(1)
    assert view(face, torch.tensor([[30, 50, 200, 0]]), 256).min() == pytest.approx(1)
    ends = view(torch.full((1, 16, 16, 3), 200, dtype=torch.uint8), torch.tensor([WHOLE]), 8)
    torch.testing.assert_close(ends, torch.full_like(ends, 200 / 255))


@pytest.mark.parametrize("side", [200, 201, 212, 223, 224])
def test_a_crop_is_what_cutting_and_scaling_gives(side: int) -> None:
    face = faces(3, 256)
    crops = [(16, 16, side, 0), (240 - side, 16, side, 0), (20, 240 - side, side, 0)]
    seen = view(face, torch.tensor(crops, dtype=torch.int16), 256)
    wanted = torch.stack([cut(one, crop, 256) for one, crop in zip(face, crops, strict=True)])
    torch.testing.assert_close(seen.double(), wanted, rtol=0, atol=1e-4)


def test_each_face_has_its_own_crop() -> None:
    face, crops = faces(3, 16), torch.tensor([WHOLE, (16, 32, 200, 0), (40, 16, 210, 0)])
    together = view(face, crops, 8)
    apart = torch.cat([view(face[i : i + 1], crops[i : i + 1], 8) for i in range(3)])
    torch.testing.assert_close(together, apart)


def test_a_checkerboard_of_single_pixels_becomes_grey_where_it_is_shrunk() -> None:
    checks = ((torch.arange(128)[:, None] + torch.arange(128)) % 2 * 255).to(torch.uint8)
    face = checks[None, :, :, None].expand(2, 128, 128, 3)
    seen = view(face, torch.tensor([WHOLE, (16, 16, 223, 0)]), 64)
    torch.testing.assert_close(seen[0], torch.full((3, 64, 64), 0.5), rtol=0, atol=1e-4)
    assert (seen[1, :, 1:-1, 1:-1] - 0.5).abs().max() < 0.02


def test_where_a_face_is_shrunk_each_pixel_is_the_mean_of_four() -> None:
    face = faces(2, 16)
    seen = view(face, torch.tensor([WHOLE, WHOLE]), 8)
    means = face.permute(0, 3, 1, 2).reshape(2, 3, 8, 2, 8, 2).float().mean((3, 5)) / 255
    torch.testing.assert_close(seen, means, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.int16, torch.int64])
def test_what_is_seen_is_float32_from_0_to_1(dtype: torch.dtype) -> None:
    seen = view(faces(4, 32), torch.tensor([(16, 20, 210, 0)] * 4, dtype=dtype), 16)
    assert (seen.shape, seen.dtype) == ((4, 3, 16, 16), torch.float32)
    assert 0 <= seen.min() < seen.max() <= 1


def test_no_face_gives_nothing() -> None:
    seen = view(torch.zeros(0, 16, 16, 3, dtype=torch.uint8), torch.zeros(0, 4, dtype=torch.int16), 8)
    assert seen.shape == (0, 3, 8, 8)


def test_a_mirrored_crop_is_the_crop_with_left_and_right_exchanged() -> None:
    face = faces(2, 256).repeat(2, 1, 1, 1)
    seen = view(face, torch.tensor([(20, 30, 200, 0), (20, 30, 200, 0), (20, 30, 200, 1), (20, 30, 200, 0)]), 64)
    torch.testing.assert_close(seen[2], seen[0].flip(-1))
    assert torch.equal(seen[3], seen[1])
