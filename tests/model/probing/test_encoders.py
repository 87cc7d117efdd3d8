"""Which encoder is probed."""

import os
from pathlib import Path

import pytest
import torch

from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.embeddings import digest
from tcae.model.encoders.export import export
from tcae.model.methods.tcae import TCAE
from tcae.model.probing.encoders import UNTRAINED, probed, untrained
from tcae.model.training.runs import load_trained, run_folder
from tests.method_builders import TINY
from tests.run_builders import write_run


@pytest.fixture
def with_runs(workspace: Workspace) -> Workspace:
    """The runs ``old`` and ``new``."""
    for age, name in ((2, "old"), (1, "new")):
        write_run(workspace, name)
        last = run_folder(workspace, name).last
        os.utime(last, (last.stat().st_atime, last.stat().st_mtime - 3600 * age))
    return workspace


def test_without_a_name_the_newest_run_is_taken(with_runs: Workspace) -> None:
    assert probed(with_runs, None).origin.run == "new"


def test_a_run_is_found_by_name_and_by_folder(with_runs: Workspace, tmp_path: Path) -> None:
    elsewhere = Workspace(tmp_path / "elsewhere")
    by_name = probed(with_runs, "old", "last")
    by_folder = probed(elsewhere, str(with_runs.root / "runs" / "old"), "last")
    assert by_name.origin == by_folder.origin
    assert (by_name.origin.step, by_name.pairs_seen) == (50, 50 * 64)


def test_an_export_is_the_encoder_of_its_run(with_runs: Workspace, tmp_path: Path) -> None:
    folder = export(load_trained(with_runs, "old"), tmp_path / "export")
    assert probed(with_runs, str(folder)).origin.weights == probed(with_runs, "old").origin.weights
    assert probed(with_runs, str(folder)).pairs_seen is None


def test_what_was_named_and_is_nowhere_is_told_with_what_there_is(with_runs: Workspace) -> None:
    with pytest.raises(
        CheckpointError, match=r"odl is neither a run of .* \(there: new, old\), nor the folder of a run"
    ):
        probed(with_runs, "odl")


def test_a_workspace_without_a_run_is_told_so(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match=r"there is no run in .*; run tcae train first, or name one with --encoder"):
        probed(workspace, None)


def test_the_untrained_encoder_is_the_one_that_training_starts_from(with_runs: Workspace) -> None:
    state = torch.random.get_rng_state()
    fresh = untrained(probed(with_runs, "old"), seed=3)
    assert torch.equal(state, torch.random.get_rng_state())
    torch.manual_seed(3)
    assert fresh.origin.weights == digest(TCAE.encoder_of(TINY).state_dict())
    assert (fresh.origin.run, fresh.origin.checkpoint, fresh.origin.step, fresh.pairs_seen) == ("old", UNTRAINED, 0, 0)
