"""The three networks of the MTCNN cascade as functions of float32 arrays, arranged for speed.

Same weights as the modules that they are made from, and same results to rounding, but:

- pictures stay channels-last, which oneDNN convolves without reordering;
- pooling is a maximum of strided slices, which is much faster than a pooling kernel that rounds up;
- the normalisation of pixels is folded into the first convolution, the output layers are joined into one, and of the
  two class outputs only the difference is computed: the logit, whose sigmoid is the softmax's second value;
- on the CPU every pass has the same number of pictures (the last is filled up with black), so that the same code runs
  and a picture's result does not depend on its company.

Convention:
    axes: pictures are (N, H, W, 4), the last channel of no use and ignored; outputs (N, K): the logit of a face, 4 box
        offsets, and 10 landmark fractions if the network gives them.
    unit: pixels are 0-255.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tcae.pipeline.mtcnn.boxes import Floats, Indices

MEAN, SPREAD = 127.5, 128.0
"""Of the pixels that the networks were trained on: (x - 127.5) / 128."""

CUDA_BATCH = 1024
"""Pictures in one pass on a GPU."""

LANES = 16
"""Channels at a time in AVX-512."""

LOWEST = -1e9
"""Never the maximum of a pooling window."""


Module = TypeVar("Module", bound=nn.Module)


class CellNetwork:
    """The first network: what each cell of a canvas shows."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self._device = device
        self._convolutions = [_to_layer(layer, device) for layer in _children(module, nn.Conv2d)[:3]]
        self._slopes = _slopes(module, device)
        heads = _children(module, nn.Conv2d)[3:]
        weight, bias = _join_heads(heads)
        self._head = weight.to(device), bias.to(device)
        _fold_normalisation(self._convolutions)
        _widen_first(self._convolutions, self._slopes)

    def __call__(self, canvases: Floats, ragged: Indices) -> Floats:
        """Outputs of every cell, (N, cells, 5), for the same canvas of N frames.

        Args:
            canvases: (N, H, W, 4) with H and W even, N at least 1.
            ragged: as in ``Canvas``.
        """
        num = len(canvases)
        with torch.inference_mode():
            x = self._layer(_to_picture(canvases, self._device), 0)
            places = x.permute(0, 2, 3, 1).view(num, -1, x.shape[1])
            places.index_fill_(1, torch.from_numpy(ragged).to(x.device), LOWEST)
            x = self._layer(self._layer(pool2(x), 1), 2)
            weight, bias = self._head
            cells = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
            outputs: Floats = (weight @ cells.T + bias[:, None]).cpu().numpy()  # (5, cells): five rows multiply fastest
        return outputs.T.reshape(num, -1, len(weight))

    def _layer(self, x: Tensor, index: int) -> Tensor:
        weight, bias = self._convolutions[index]
        return functional.prelu(functional.conv2d(x, weight, bias), self._slopes[index])


class PatchNetwork:
    """The second or the third network: what square pictures of its size show."""

    def __init__(self, module: nn.Module, pools: Sequence[int], batch: int, device: torch.device) -> None:
        """Take over a module's weights.

        Args:
            module: RNet or ONet.
            pools: the width of the pooling window after each convolution; 0 is no pooling.
            batch: pictures in one pass on the CPU.
            device: where to run.
        """
        self._device = device
        self._batch = CUDA_BATCH if device.type == "cuda" else batch
        self._pools = pools
        self._convolutions = [_to_layer(layer, device) for layer in _children(module, nn.Conv2d)]
        _fold_normalisation(self._convolutions)
        self._slopes = _slopes(module, device)
        hidden, *heads = _children(module, nn.Linear)
        channels = self._convolutions[-1][0].shape[0]
        side = round((hidden.weight.shape[1] / channels) ** 0.5)
        weight = hidden.weight.detach().view(-1, side, side, channels).transpose(1, 2).flatten(1)  # x y c -> y x c
        self._hidden = weight.contiguous().to(device), _bias(hidden).to(device)
        weight, bias = _join_heads(heads)
        self._head = weight.to(device), bias.to(device)

    def __call__(self, pictures: Floats) -> Floats:
        """Outputs for (N, S, S, 4) pictures, (N, K); N may be 0."""
        outputs = np.empty((len(pictures), len(self._head[1])), np.float32)
        with torch.inference_mode():
            for start in range(0, len(pictures), self._batch):
                part = pictures[start : start + self._batch]
                padded = part
                if len(part) < self._batch and self._device.type == "cpu":
                    padded = np.zeros((self._batch, *part.shape[1:]), np.float32)
                    padded[: len(part)] = part
                outputs[start : start + len(part)] = self._run(padded)[: len(part)].cpu().numpy()
        return outputs

    def _run(self, pictures: Floats) -> Tensor:
        x = _to_picture(pictures, self._device)
        for (weight, bias), slope, pool in zip(self._convolutions, self._slopes, self._pools, strict=False):
            x = functional.prelu(functional.conv2d(x, weight, bias), slope)
            x = pool3(x) if pool == 3 else pool2(x) if pool == 2 else x
        x = functional.linear(x.permute(0, 2, 3, 1).flatten(1), *self._hidden)
        return functional.linear(functional.prelu(x, self._slopes[-1]), *self._head)


def pool2(x: Tensor) -> Tensor:
    """Maximum over 2 x 2, every 2, of even sides: (N, C, H, W) -> (N, C, H / 2, W / 2)."""
    x = torch.maximum(x[:, :, 0::2], x[:, :, 1::2])
    return torch.maximum(x[..., 0::2], x[..., 1::2])


def pool3(x: Tensor) -> Tensor:
    """Maximum over 3 x 3, every 2, rounding up: (N, C, H, W) -> (N, C, H // 2, W // 2)."""
    return _pool3_rows(_pool3_rows(x).transpose(2, 3)).transpose(2, 3)


def _pool3_rows(x: Tensor) -> Tensor:
    size = x.shape[2] // 2
    pooled = torch.maximum(x[:, :, 0 : 2 * size : 2], x[:, :, 1 : 2 * size : 2])
    third = x[:, :, 2::2]
    head = pooled[:, :, : third.shape[2]]
    torch.maximum(head, third, out=head)
    return pooled


def _to_picture(pictures: Floats, device: torch.device) -> Tensor:
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2)


def _children(module: nn.Module, kind: type[Module]) -> list[Module]:
    return [child for child in module.children() if isinstance(child, kind)]


def _to_layer(layer: nn.Conv2d, device: torch.device) -> tuple[Tensor, Tensor]:
    weight = layer.weight.detach().to(device).contiguous(memory_format=torch.channels_last)
    return weight, _bias(layer).to(device)


def _slopes(module: nn.Module, device: torch.device) -> list[Tensor]:
    return [layer.weight.detach().to(device) for layer in _children(module, nn.PReLU)]


def _fold_normalisation(convolutions: list[tuple[Tensor, Tensor]]) -> None:
    """Make the first convolution take four channels of 0-255."""
    weight, bias = convolutions[0]
    bias = bias - weight.sum(dim=(1, 2, 3)) * (MEAN / SPREAD)
    weight = functional.pad(weight / SPREAD, (0, 0, 0, 0, 0, 1))  # the fourth channel weighs nothing
    convolutions[0] = weight.contiguous(memory_format=torch.channels_last), bias


def _widen_first(convolutions: list[tuple[Tensor, Tensor]], slopes: list[Tensor]) -> None:
    """Fill the first layer up with channels of nothing to a multiple of what a vector register holds."""
    (weight, bias), (next_weight, next_bias) = convolutions[:2]
    extra = -len(weight) % LANES
    weight = functional.pad(weight, (0, 0, 0, 0, 0, 0, 0, extra)).contiguous(memory_format=torch.channels_last)
    next_weight = functional.pad(next_weight, (0, 0, 0, 0, 0, extra)).contiguous(memory_format=torch.channels_last)
    convolutions[:2] = [(weight, functional.pad(bias, (0, extra))), (next_weight, next_bias)]
    slopes[0] = functional.pad(slopes[0], (0, extra))


def _join_heads(heads: Sequence[nn.Conv2d | nn.Linear]) -> tuple[Tensor, Tensor]:
    """One layer from several, the first of which (no face, face) becomes the difference of its two outputs."""
    classes, *offsets = [torch.cat([_bias(head)[:, None], head.weight.detach().flatten(1)], dim=1) for head in heads]
    joined = torch.cat([classes[1:] - classes[:1], *offsets])
    return joined[:, 1:].contiguous(), joined[:, 0].contiguous()


def _bias(layer: nn.Conv2d | nn.Linear) -> Tensor:
    return torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias.detach()
