"""A training on two ranks that is stopped or killed goes on, and ends with the weights of one that was not."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tcae.manifests.workspace import Workspace
from tcae.model.training.checkpoints import load
from tcae.model.training.runs import RunFolder
from tests.clips import truncate
from tests.faults.ranks import TwoRanks, two_ranks
from tests.process_builders import TOML
from tests.training_builders import make_training_workspace

NUM_STEPS = 16


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = make_training_workspace(Workspace(tmp_path_factory.mktemp("two") / "workspace"), side=32)
    (workspace.root / "tiny.toml").write_text(TOML)
    return workspace


@pytest.fixture(scope="module")
def both() -> Iterator[TwoRanks]:
    with two_ranks() as both:
        yield both


@pytest.fixture(scope="module")
def undisturbed(both: TwoRanks, faces: Workspace) -> RunFolder:
    statuses, said = both.train(command(faces, "undisturbed"))
    assert statuses == [0, 0], said
    return RunFolder(faces.root / "runs" / "undisturbed")


def command(faces: Workspace, name: str, keep_every: int = 1000) -> list[object]:
    recipe = ("--recipe", "small", "--config", faces.root / "tiny.toml", "--workers", 0, "--device", "cpu")
    often = ("--checkpoint-every", 1000, "--keep-every", keep_every, "--set", f"steps={NUM_STEPS}")
    return ["--root", faces.root, "--run", name, *recipe, *often]


def assert_same(found: RunFolder, wanted: RunFolder) -> None:
    for which in ("last", "best"):
        models = [load(folder.checkpoint(which))["model"] for folder in (found, wanted)]
        assert models[0].keys() == models[1].keys()
        assert all(torch.equal(value, models[1][name]) for name, value in models[0].items())


def test_sigterm_to_one_rank_writes_a_checkpoint_from_which_both_go_on(
    both: TwoRanks, faces: Workspace, undisturbed: RunFolder
) -> None:
    folder = RunFolder(faces.root / "runs" / "stopped")
    args = command(faces, folder.name)
    statuses, said = both.train(args, "step 10: val", signal.SIGTERM, [1])
    stopped = load(folder.last)["step"]
    assert statuses == [1, 1]
    assert f"stopped by another process after step {stopped}" in said
    assert 10 <= stopped < NUM_STEPS
    statuses, said = both.train(args)
    assert statuses == [0, 0]
    assert f"resumed from {folder.last} at step {stopped}" in said
    assert_same(folder, undisturbed)


def test_both_ranks_go_on_from_the_checkpoint_before_a_damaged_one(
    both: TwoRanks, faces: Workspace, undisturbed: RunFolder, tmp_path: Path
) -> None:
    folder = RunFolder(faces.root / "runs" / "killed")
    args = command(faces, folder.name, keep_every=4)
    statuses, said = both.train(args, "step 10: val", signal.SIGKILL, [0, 1])
    assert statuses == [-signal.SIGKILL, -signal.SIGKILL], said
    before = load(folder.previous)["step"]
    folder.last.rename(tmp_path / "whole.pt")
    truncate(tmp_path / "whole.pt", folder.last, 0.5)
    statuses, said = both.train(args)
    assert statuses == [0, 0], said
    assert f"{folder.last} " in said
    assert f"resumed from {folder.previous} at step {before}" in said
    assert_same(folder, undisturbed)
