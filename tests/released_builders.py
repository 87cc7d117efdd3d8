"""A network whose state dict has the names of the published checkpoints, built from what is known of that code."""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

WIDTHS = [3, 32, 64, 128, 256, 256]
NORMS = ["batch_norm", "batch_norm2_0", "batch_norm4_0", "batch_norm8_0", "batch_norm8_1"]


def conv(wide: int, narrow: int) -> nn.Conv2d:
    return nn.Conv2d(wide, narrow, 4, 2, 1)


class ReleasedEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for layer in range(5):
            self.add_module(f"conv{layer + 1}", conv(WIDTHS[layer], WIDTHS[layer + 1]))
            self.add_module(NORMS[layer], nn.BatchNorm2d(WIDTHS[layer + 1]))
        for layer in (6, 7, 8):
            for branch in ("", "_1"):
                self.add_module(f"conv{layer}{branch}", conv(256, 256))
                if layer < 8:
                    self.add_module(f"batch_norm8_{layer - 4}{branch}", nn.BatchNorm2d(256))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Pose, then expression, (N, 256) each."""
        for layer, norm in enumerate(NORMS, 1):
            faces = self.block(faces, f"conv{layer}", norm)
        return self.branch(faces, ""), self.branch(faces, "_1")

    def branch(self, features: Tensor, suffix: str) -> Tensor:
        features = self.block(features, f"conv6{suffix}", f"batch_norm8_2{suffix}")
        features = self.block(features, f"conv7{suffix}", f"batch_norm8_3{suffix}")
        last: Tensor = self.get_submodule(f"conv8{suffix}")(features)
        return last[:, :, 0, 0]

    def block(self, features: Tensor, convolution: str, norm: str) -> Tensor:
        return leaky_relu(self.get_submodule(norm)(self.get_submodule(convolution)(features)), 0.2)


def released_decoder() -> nn.Sequential:
    decoder = nn.Sequential(nn.ReLU())
    widths = [512, 256, 256, 256, 256, 128, 64, 32, 3]
    for block in range(8):
        decoder.add_module(str(1 + 4 * block), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
        decoder.add_module(str(2 + 4 * block), nn.Conv2d(widths[block], widths[block + 1], 3, 1, 1))
        if block < 7:
            decoder.add_module(str(3 + 4 * block), nn.BatchNorm2d(widths[block + 1]))
            decoder.add_module(str(4 + 4 * block), nn.ReLU())
    decoder.add_module("31", nn.Tanh())
    return decoder


class Released(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = ReleasedEncoder()
        self.pose_decoder = released_decoder()
        self.expression_decoder = released_decoder()

    def decode(self, pose: tuple[Tensor, Tensor], expression: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Both decoders' (N, 3, 256, 256) for embeddings of a source and a target."""
        return (
            self.pose_decoder(torch.cat(pose, 1)[:, :, None, None]),
            self.expression_decoder(torch.cat(expression, 1)[:, :, None, None]),
        )
