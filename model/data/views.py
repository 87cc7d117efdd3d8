"""What the network sees of faces: a crop of each, scaled on the device.

Convention
    crop: x, y of its upper left corner and its side, in pixels of a face of side 256, whatever side it was decoded at
    mirrored: the crop is cut out first, then left and right change places
    pixels: squares with their centres at half numbers (``align_corners=False``), so a crop of all is the face
    outside: nothing beyond the crop is seen; its outermost pixels are repeated, as if it had been cut out first
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from tcae.model.recipe import FACE_PX


def view(faces: Tensor, crops: Tensor, size: int) -> Tensor:
    """Crop and scale.

    Args:
        faces: (N, P, P, 3) uint8 on any device.
        crops: (N, 4) x, y, side and whether it is mirrored.
        size: Of what comes out; where faces have at least twice as many pixels, each is a mean of 2x2 samples.

    Returns:
        (N, 3, size, size) float32 in 0-1, bilinear.
    """
    fine = 2 if faces.shape[1] >= 2 * size else 1
    pixels = faces.permute(0, 3, 1, 2).to(torch.float32) / 255  # (N, 3, P, P)
    grid = _grid(crops, fine * size, faces.shape[1])
    seen = grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return avg_pool2d(seen, fine) if fine > 1 else seen


def _grid(crops: Tensor, size: int, decoded: int) -> Tensor:
    """Sampling positions (N, size, size, 2) in -1 to 1, from edge to edge of a face of ``decoded`` pixels."""
    corner, side = crops[:, :2, None].float(), crops[:, 2:3, None].float()  # (N, 2, 1), (N, 1, 1)
    centres = (torch.arange(size, device=crops.device, dtype=torch.float32) + 0.5) / size
    half_pixel = FACE_PX / decoded / 2
    positions = corner + (side * centres).clamp(min=half_pixel).minimum(side - half_pixel)  # (N, 2, size)
    columns, rows = (positions * 2 / FACE_PX - 1).unbind(1)  # (N, size) each
    columns = torch.where(crops[:, 3:].bool(), columns.flip(1), columns)
    shape = (len(crops), size, size)
    return torch.stack([columns[:, None, :].expand(shape), rows[:, :, None].expand(shape)], dim=-1)
