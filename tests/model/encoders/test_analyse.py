"""What is measured is what was moved."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor, nn

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.batch import Batch
from tcae.model.data.batches import fixed_batches
from tcae.model.data.sampler import centred
from tcae.model.data.views import view
from tcae.model.encoders.analyse import (
    PX_PER_UNIT,
    AnalyseConfig,
    Analysis,
    Floats,
    analyse,
    measure,
    write_analysis,
)
from tcae.model.encoders.pair_lists import pairs_of
from tcae.model.encoders.twin_cycles import tcae_of
from tcae.model.methods.tcae import TCAE
from tcae.model.networks.decoder import Movement
from tcae.model.networks.warp import lengths, warp
from tcae.model.training.runs import Trained
from tests.encoder_builders import trained
from tests.training_builders import make_training_workspace

SIDE = 8
PX = 2 / (SIDE - 1)
"""A pixel of the tiny network in half-image units."""


class Shift(nn.Module):
    """A decoder that moves every pixel of every face alike."""

    def __init__(self, x: float, y: float) -> None:
        super().__init__()
        self.displacement = torch.tensor([x, y])[None, :, None, None]

    def forward(self, start: Tensor, end: Tensor) -> Movement:
        shape = (len(start), 2, SIDE, SIDE)
        return Movement(self.displacement.expand(shape), torch.zeros(len(start), 1, SIDE, SIDE))


def shifting(au: tuple[float, float], pose: tuple[float, float]) -> TCAE:
    """Both weights are a half, so that the output is moved by the mean of both."""
    model = tcae_of(trained())
    model.au_decoder, model.pose_decoder = Shift(*au), Shift(*pose)  # type: ignore[assignment]
    return model


def batch_of(sources: Tensor, targets: Tensor, broken: list[str] | None = None) -> Batch:
    """Faces (N, 8, 8, 3) uint8 that are seen whole."""
    crops = torch.tensor([0, 0, 256, 0]).expand(len(sources), 2, 4)
    return Batch(torch.stack([sources, targets]), crops, torch.zeros(len(sources), 0), broken or [])


def faces(num: int, seed: int) -> Tensor:
    return torch.randint(0, 256, (num, SIDE, SIDE, 3), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)


def test_lengths_are_those_of_the_branches() -> None:
    model = shifting(au=(0.03, 0.04), pose=(0.0, -0.2))
    found = measure(model, trained().recipe, [batch_of(faces(3, 0), faces(3, 1))])
    assert found.num_pairs == 3
    assert found.au_length == pytest.approx(0.05)
    assert found.pose_length == pytest.approx(0.2)
    assert found.ratio == pytest.approx(4)
    np.testing.assert_allclose(found.au_map, np.full((SIDE, SIDE), 0.05), rtol=1e-5)
    np.testing.assert_allclose(found.field[:, 0, 0], [0.015, -0.08], rtol=1e-5)


def test_a_network_that_moves_as_the_faces_moved_beats_copying_and_the_mean_field_does_as_well() -> None:
    sources = faces(4, 0)
    targets = sources.roll(-2, dims=2)  # what stands at x + 2 px comes to x
    targets[:, :, -2:] = sources[:, :, -1:]  # positions outside are clamped to the border
    batches = [batch_of(sources[:3], targets[:3]), batch_of(sources[3:], targets[3:])]
    model, recipe = shifting(au=(0.0, 0.0), pose=(4 * PX, 0.0)), trained().recipe
    found = measure(model, recipe, batches)
    assert found.reconstruction < 1e-5 < 0.2 < found.copy_l1
    assert math.isnan(found.field_l1)
    assert math.isnan(found.ratio)
    again = measure(shifting(au=(0.0, 0.0), pose=(0.0, 0.0)), recipe, batches, field=found.field)
    assert again.field_l1 < 1e-5
    assert again.reconstruction == pytest.approx(again.copy_l1)


def test_means_are_over_pairs_and_not_over_batches() -> None:
    recipe, model = trained().recipe, tcae_of(trained())
    sources, targets = faces(5, 0), faces(5, 1)
    together = measure(model, recipe, [batch_of(sources, targets)])
    apart = measure(model, recipe, [batch_of(sources[:4], targets[:4]), batch_of(sources[4:], targets[4:])])
    for name in ("au_length", "pose_length", "reconstruction", "copy_l1"):
        assert getattr(apart, name) == pytest.approx(getattr(together, name), rel=1e-5)
    np.testing.assert_allclose(apart.field, together.field, rtol=1e-4, atol=1e-6)


def test_the_mode_of_the_model_is_given_back() -> None:
    model = tcae_of(trained()).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measure(model, trained().recipe, [batch_of(faces(2, 0), faces(2, 1))])
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_without_pairs_nothing_is_defined() -> None:
    found = measure(tcae_of(trained()), trained().recipe, [batch_of(faces(0, 0), faces(0, 0), ["gone"])])
    assert (found.num_pairs, found.num_broken) == (0, 1)
    assert math.isnan(found.au_length)
    assert math.isnan(found.ratio)
    assert np.isnan(found.field).all()


@pytest.fixture
def pairs(workspace: Workspace) -> Workspace:
    return make_training_workspace(workspace, identities=8, tracks=2, faces=3, side=32)


def batches_of(workspace: Workspace, run: Trained, split: str, num: int, size: int) -> Iterator[Batch]:
    pairs = pairs_of(PairIndex.open(workspace.manifest("pairs") / split), num)
    return fixed_batches(workspace, [centred(pair, run.recipe.view) for pair in pairs], run.recipe, size)


def one_by_one(run: Trained, workspace: Workspace, split: str, num: int, field: Floats | None) -> dict[str, float]:
    """The slow way, pair by pair."""
    model = tcae_of(run)
    values: dict[str, list[float]] = {"au_length": [], "pose_length": [], "reconstruction": [], "field_l1": []}
    for batch in batches_of(workspace, run, split, num, 1):
        source, target = (view(some, batch.crops[:, which], SIDE) for which, some in enumerate(batch.faces))
        with torch.no_grad():
            changed = model.change(source, *model.embed(source, target))
        values["au_length"].append(float(lengths(changed.au_displacement).mean()))
        values["pose_length"].append(float(lengths(changed.pose_displacement).mean()))
        values["reconstruction"].append(float((changed.output - target).abs().mean()))
        if field is not None:
            values["field_l1"].append(float((warp(source, torch.from_numpy(field)[None]) - target).abs().mean()))
    return {name: float(np.mean(some)) for name, some in values.items() if some}


def test_a_run_is_measured_on_test_with_a_field_from_train(pairs: Workspace) -> None:
    run = trained()
    found = analyse(pairs, run, AnalyseConfig(pairs=20, batch_size=3))
    field = measure(tcae_of(run), run.recipe, batches_of(pairs, run, "train", 20, 8)).field
    for name, value in one_by_one(run, pairs, "test", 20, field).items():
        assert getattr(found.measured, name) == pytest.approx(value, rel=1e-4)
    assert (found.measured.num_pairs, found.num_field_pairs) == (20, 20)


def test_all_pairs_are_taken_where_there_are_fewer(pairs: Workspace) -> None:
    found = analyse(pairs, trained(), AnalyseConfig())
    assert found.measured.num_pairs == 2 * 2 * 6
    assert found.num_field_pairs == 4 * 2 * 6


def test_the_loop_over_both_splits_can_be_followed(pairs: Workspace) -> None:
    turns: list[int] = []

    def follow(batches: Iterable[Any], total: int) -> Iterable[Any]:
        turns.append(total)
        return batches

    analyse(pairs, trained(), AnalyseConfig(batch_size=10), follow=follow)
    assert turns == [5, 3]


def test_pairs_with_unreadable_faces_are_left_out_and_counted(pairs: Workspace) -> None:
    index = PairIndex.open(pairs.manifest("pairs") / "test")
    face = index.fixed_pairs()[0].source
    face.path(pairs).write_bytes(b"")
    found = analyse(pairs, trained(), AnalyseConfig()).measured
    assert (found.num_pairs, found.num_broken) == (24 - 4, 4)
    for name in index.identity_names:
        for path in (pairs.root / "faces" / name).rglob("*.jpg"):
            path.unlink()
    with pytest.raises(ConfigError, match=r"the split test has no pair whose faces can be read \(24 were tried\)"):
        analyse(pairs, trained(), AnalyseConfig())


def test_without_an_index_it_says_what_to_run_first(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="run tcae-prep split first"):
        analyse(workspace, trained(), AnalyseConfig())


def test_the_figures_are_written_as_rows(tmp_path: Path) -> None:
    model = shifting(au=(0.03, 0.04), pose=(0.0, -0.2))
    found = measure(model, trained().recipe, [batch_of(faces(3, 0), faces(3, 1))])
    path = tmp_path / "analysis" / "best.parquet"
    write_analysis(Analysis(measured=found, num_field_pairs=7), trained(), AnalyseConfig(), path)
    table = pq.read_table(path)
    rows = {row["name"]: (row["value"], row["unit"]) for row in table.to_pylist()}
    assert rows["pose_length"] == (pytest.approx(0.2), "half images")
    assert rows["pose_length_px"] == (pytest.approx(0.2 * 127.5), "px of 256")
    assert rows["displacement_ratio"] == (pytest.approx(4), "pose / AU")
    assert rows["num_field_pairs"] == (7, "training pairs")
    assert math.isnan(rows["field_l1"][0])
    assert table.schema.metadata[b"tcae.run"] == b"run"
    assert table.schema.metadata[b"tcae.step"] == b"40"


def test_a_pixel_is_what_the_convention_says() -> None:
    """At 256 px the centres of neighbours are 2 / 255 half-image units apart."""
    assert PX_PER_UNIT * 2 / 255 == 1


@pytest.mark.parametrize("setting", [{"pairs": 0}, {"batch_size": 0}])
def test_nonsense_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"must be at least 1, not 0"):
        AnalyseConfig(**setting)
