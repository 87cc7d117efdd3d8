"""What the network sees of faces: a crop of each, scaled on the device.

Convention
    crop: x, y of its upper left corner and its side, in pixels of a face of side 256, whatever side it was decoded at
    pixels: squares with their centres at half numbers (``align_corners=False``), so a crop of all is the face
    outside: pixels beyond the border repeat it
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from tcae.model.recipes import FACE_PX


def view(faces: Tensor, crops: Tensor, size: int) -> Tensor:
    """Crop and scale.

    Args:
        faces: (N, P, P, 3) uint8 on any device.
        crops: (N, 3) x, y and side.
        size: Of what comes out; where faces have at least twice as many pixels, each is a mean of 2x2 samples.

    Returns:
        (N, 3, size, size) float32 in 0-1, bilinear.
    """
    fine = 2 if faces.shape[1] >= 2 * size else 1
    pixels = faces.permute(0, 3, 1, 2).to(torch.float32) / 255  # (N, 3, P, P)
    seen = grid_sample(pixels, _grid(crops, fine * size), mode="bilinear", padding_mode="border", align_corners=False)
    return avg_pool2d(seen, fine) if fine > 1 else seen


def _grid(crops: Tensor, size: int) -> Tensor:
    """Sampling positions (N, size, size, 2) in -1 to 1 from edge to edge of the face."""
    x, y, side = crops.to(torch.float32).unbind(1)  # (N,) each
    centres = (torch.arange(size, device=crops.device, dtype=torch.float32) + 0.5) / size
    columns = (x[:, None] + side[:, None] * centres) * 2 / FACE_PX - 1  # (N, size)
    rows = (y[:, None] + side[:, None] * centres) * 2 / FACE_PX - 1
    shape = (len(crops), size, size)
    return torch.stack([columns[:, None, :].expand(shape), rows[:, :, None].expand(shape)], dim=-1)
