"""Measure what each branch of a trained network moves, and how much better that is than moving nothing.

Figure 5 of the paper (Li et al., CVPR 2019): mean lengths of both displacements over 6,400 pairs of test identities.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import PairIndex
from tcae.manifests.provenance import describe
from tcae.manifests.tables import write_table
from tcae.manifests.workspace import Workspace
from tcae.model.data.batch import Batch
from tcae.model.data.batches import fixed_batches
from tcae.model.data.sampler import centred
from tcae.model.data.views import view
from tcae.model.encoders.pair_lists import pairs_of
from tcae.model.encoders.twin_cycles import tcae_of
from tcae.model.methods.tcae import TCAE
from tcae.model.networks.warp import lengths, warp
from tcae.model.recipe import FACE_PX, Recipe
from tcae.model.training.runs import Trained

PX_PER_UNIT = (FACE_PX - 1) / 2
"""A half-image unit in pixels of a picture of 256 (``warp.py``: a pixel is 2 / (W - 1))."""

Floats: TypeAlias = NDArray[np.float32]
Follow: TypeAlias = Callable[[Iterable[Any], int], Iterable[Any]]
"""Shows how far a loop is; the number is how many turns it has."""


@dataclass(frozen=True, kw_only=True)
class AnalyseConfig:
    """Which pairs are measured."""

    pairs: int = 6400
    """At most; as many training pairs give the mean displacement field."""
    split: Literal["train", "val", "test"] = "test"
    batch_size: int = 64
    seed: int = 0
    """Of the pairs that are drawn where the fixed list is too short."""

    def __post_init__(self) -> None:
        for name in ("pairs", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Means over pairs; NaN without any. Lengths are in half-image units and before clamping, L1 is in 0-1."""

    num_pairs: int
    au_length: float
    pose_length: float
    reconstruction: float
    """L1 of the reconstructed target and the target."""
    copy_l1: float
    """L1 of the source, left as it is, and the target."""
    field_l1: float
    """L1 of the source, moved by a field that is the same for all pairs, and the target; NaN without a field."""
    au_map: Floats
    """(H, W) mean length of the AU displacement at each pixel."""
    pose_map: Floats
    """(H, W) mean length of the pose displacement."""
    field: Floats
    """(2, H, W) mean displacement of the output: both branches, weighed with the masks."""
    num_broken: int
    """Pairs that were left out, because a face could not be read."""

    @property
    def ratio(self) -> float:
        """Pose length over AU length; under 1 the branches have changed roles; NaN where nothing moves."""
        return self.pose_length / self.au_length if self.au_length > 0 else math.nan


def measure(
    model: TCAE,
    recipe: Recipe,
    batches: Iterable[Batch],
    *,
    device: torch.device | str = "cpu",
    field: Floats | None = None,
) -> Measured:
    """Measure a network on pairs, in float32, with its running statistics.

    Args:
        model: On the device; its mode is given back as it was.
        recipe: Says how large a face is to the network.
        batches: Such as ``fixed_batches`` gives.
        device: Where the model is.
        field: (2, H, W) displacement, half-image units, to compare with: the ``field`` of training pairs.
    """
    fixed = None if field is None else torch.from_numpy(field).to(device)
    sums: dict[str, Tensor] = {}
    num_pairs = num_broken = 0
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            num_broken += len(batch.broken)
            if not batch.num:
                continue
            source, target = (
                view(faces.to(device), batch.crops[:, which].to(device), recipe.network.size)
                for which, faces in enumerate(batch.faces)
            )
            for name, value in _sums(model, source, target, fixed).items():
                sums[name] = sums[name] + value if name in sums else value
            num_pairs += len(source)
    model.train(was_training)
    means = {name: (value / num_pairs).cpu().numpy() for name, value in sums.items()}
    return _measured(means, recipe.network.size, num_pairs, num_broken)


def _sums(model: TCAE, source: Tensor, target: Tensor, field: Tensor | None) -> dict[str, Tensor]:
    """Sums over a batch of everything that is averaged, in float64."""
    changed = model.change(source, *model.embed(source, target))
    images = {"reconstruction": changed.output, "copy_l1": source}
    if field is not None:
        images["field_l1"] = warp(source, field.expand(len(source), -1, -1, -1))
    values = {name: (image - target).abs().flatten(1).mean(1) for name, image in images.items()}
    values |= {
        "au_map": lengths(changed.au_displacement),
        "pose_map": lengths(changed.pose_displacement),
        "field": changed.displacement,
    }
    return {name: value.sum(0, dtype=torch.float64) for name, value in values.items()}


def _measured(means: dict[str, Any], size: int, num_pairs: int, num_broken: int) -> Measured:
    nothing = np.full((2, size, size), math.nan)
    au_map, pose_map = (means.get(name, nothing[0]) for name in ("au_map", "pose_map"))
    return Measured(
        num_pairs=num_pairs,
        num_broken=num_broken,
        au_length=float(au_map.mean()),
        pose_length=float(pose_map.mean()),
        au_map=au_map.astype(np.float32),
        pose_map=pose_map.astype(np.float32),
        field=means.get("field", nothing).astype(np.float32),
        **{name: float(means.get(name, math.nan)) for name in ("reconstruction", "copy_l1", "field_l1")},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """A network measured against a field that comes from training pairs."""

    measured: Measured
    num_field_pairs: int
    """Training pairs that the field is the mean of."""

    def rows(self) -> list[tuple[str, float, str]]:
        """Name, value and unit of every figure."""
        found = self.measured
        return [
            ("au_length", found.au_length, "half images"),
            ("pose_length", found.pose_length, "half images"),
            ("au_length_px", found.au_length * PX_PER_UNIT, "px of 256"),
            ("pose_length_px", found.pose_length * PX_PER_UNIT, "px of 256"),
            ("displacement_ratio", found.ratio, "pose / AU"),
            ("reconstruction", found.reconstruction, "L1 in 0-1"),
            ("copy_l1", found.copy_l1, "L1 in 0-1"),
            ("field_l1", found.field_l1, "L1 in 0-1"),
            ("num_pairs", found.num_pairs, "pairs"),
            ("num_field_pairs", self.num_field_pairs, "training pairs"),
            ("num_broken", found.num_broken, "pairs"),
        ]


def analyse(
    workspace: Workspace,
    trained: Trained,
    config: AnalyseConfig,
    device: torch.device | str = "cpu",
    follow: Follow = lambda items, total: items,
) -> Analysis:
    """Measure a run on pairs of a split, and what the mean displacement field of training pairs would do for them.

    Args:
        workspace: Has the pairs and the faces.
        trained: The network, on the device.
        config: Which pairs.
        device: Where the network is.
        follow: Is given the batches to loop over, first those of train.

    Raises:
        ConfigError: another method trained the run, there is no index of pairs, or a split has no pair with two
            readable faces.
    """
    model = tcae_of(trained)

    def measured_on(split: str, field: Floats | None = None) -> Measured:
        pairs = pairs_of(PairIndex.open(workspace.manifest("pairs") / split), config.pairs, config.seed)
        samples = [centred(pair, trained.recipe.view) for pair in pairs]
        batches = fixed_batches(workspace, samples, trained.recipe, config.batch_size)
        shown = follow(batches, math.ceil(len(pairs) / config.batch_size))
        found = measure(model, trained.recipe, shown, device=device, field=field)
        if not found.num_pairs:
            raise ConfigError(f"the split {split} has no pair whose faces can be read ({len(pairs):,} were tried)")
        return found

    mean = measured_on("train")
    return Analysis(measured=measured_on(config.split, mean.field), num_field_pairs=mean.num_pairs)


def write_analysis(analysis: Analysis, trained: Trained, config: AnalyseConfig, path: Path) -> None:
    """Write the figures as rows: name, value and unit.

    Raises:
        WorkspaceError: the disk is full, or the folder cannot be written.
    """
    names, values, units = zip(*analysis.rows(), strict=True)
    table = pa.table({"name": names, "value": pa.array(values, pa.float64()), "unit": units})
    about = {"run": trained.run, "checkpoint": trained.checkpoint, "step": str(trained.step)}
    write_table(table, path, describe("analyse", asdict(config)) | about)
