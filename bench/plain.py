"""A training step that does what the released code does, the plain way: float32, contiguous, eager.

Five encoder passes, four decoder passes, an identity grid built on the host for every batch, ten terms that are each
sorted and sliced, SGD with momentum. It runs the modules of our network and shares nothing else with ``tcae.model``,
so that it is also an oracle of the whole step.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from tcae.model.methods.tcae import TCAE

LR, MOMENTUM = 0.001, 0.9
WEIGHTS = {
    "reconstruction": 10.0,
    "pose_image_pose": 1.0,
    "pose_image_au": 1.0,
    "au_displacement_l1": 0.1,
    "au_image_pose": 1.0,
    "au_image_au": 1.0,
    "output_pose": 1.0,
    "output_au": 1.0,
    "au_cycle": 1.0,
    "pose_cycle": 1.0,
}


class PlainStep:
    """The network and its optimiser."""

    def __init__(self, model: TCAE, device: torch.device) -> None:
        self.model = model.to(device).train()
        self.device = device
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=LR, momentum=MOMENTUM)

    def __call__(self, source: Tensor, target: Tensor, low: float, high: float) -> Tensor:
        """Learn from a batch.

        Args:
            source: (N, 3, H, H) float in 0-1, on the device.
            target: The same.
            low: Of each term's sorted values, those from ``int(low N)`` ...
            high: ... to ``int(high N)`` count.

        Returns:
            The loss.
        """
        terms = self.terms(source, target)
        num = len(source)
        means = [
            WEIGHTS[name] * term.sort()[0][int(low * num) : int(high * num)].mean() for name, term in terms.items()
        ]
        loss = sum(means, torch.zeros((), device=self.device))
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    def terms(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """The ten terms, (N,) each."""
        encoder, decode_pose, decode_au = self.model.encoder, self.model.pose_decoder, self.model.au_decoder
        grid = host_grid(source)
        t, s = encoder(target), encoder(source)
        pose, pose_logit = decode_pose(s.pose, t.pose)
        au, au_logit = decode_au(s.au, t.au)

        exp_pose, exp_au = pose_logit.exp(), au_logit.exp()
        both = (exp_au * au + exp_pose * pose) / (exp_au + exp_pose)
        pose_face, au_face, made = (sample(source, grid, moved) for moved in (pose, au, both))
        p, a, m = encoder(pose_face), encoder(au_face), encoder(made)
        pose_back = sample(pose_face, grid, decode_pose(p.pose, s.pose)[0])
        au_back = sample(au_face, grid, decode_au(a.au, s.au)[0])

        return {
            "reconstruction": per_pair((made - target).abs()),
            "pose_image_pose": per_pair((p.pose - t.pose) ** 2),
            "pose_image_au": per_pair((p.au - s.au) ** 2),
            "au_displacement_l1": per_pair((places(grid, au) - grid).abs()),
            "au_image_pose": per_pair((a.pose - s.pose) ** 2),
            "au_image_au": per_pair((a.au - t.au) ** 2),
            "output_pose": per_pair((m.pose - t.pose) ** 2),
            "output_au": per_pair((m.au - t.au) ** 2),
            "au_cycle": per_pair((au_back - source).abs()),
            "pose_cycle": per_pair((pose_back - source).abs()),
        }


def host_grid(like: Tensor) -> Tensor:
    """The identity grid (N, H, W, 2) of a batch, made by NumPy and copied to its device."""
    num, _, height, width = like.shape
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    grid = np.stack([x, y], axis=-1)[None].repeat(num, axis=0)
    return torch.from_numpy(grid).to(like.device, like.dtype)


def places(grid: Tensor, displacement: Tensor) -> Tensor:
    """Where each pixel comes from, (N, H, W, 2)."""
    return (grid + displacement.permute(0, 2, 3, 1)).clamp(-1, 1)


def sample(face: Tensor, grid: Tensor, displacement: Tensor) -> Tensor:
    """The face moved; the sampler of torch 0.4.1, which the released code was written for, aligned corners."""
    return grid_sample(face.detach(), places(grid, displacement), align_corners=True)


def per_pair(values: Tensor) -> Tensor:
    """The mean of each sample."""
    return values.reshape(len(values), -1).mean(1)
