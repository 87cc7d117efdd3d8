"""Runs on small workspaces: what is written, resumed, refused and stopped."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from tcae.manifests.errors import ConfigError, DivergedError, StoppedError
from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.batch import TooManyBrokenError
from tcae.model.data.batches import LoaderConfig
from tcae.model.recipe import CurriculumConfig, OptimiserConfig, Recipe
from tcae.model.train import Outcome, train
from tcae.model.training.checkpoints import load
from tcae.model.training.journal import Report, Watch
from tcae.model.training.options import RunOptions
from tests.recipe_builders import tiny_recipe
from tests.run_builders import equal
from tests.training_builders import make_training_workspace

HERE = LoaderConfig(workers=0)


@pytest.fixture
def faces(workspace: Workspace) -> Workspace:
    return make_training_workspace(workspace)


def run(
    workspace: Workspace, recipe: Recipe | None = None, name: str = "run", watch: Watch | None = None, **how: Any
) -> Outcome:
    often: dict[str, Any] = {"log_every": 2, "checkpoint_every": 5, "keep_every": 12, "sheet_pairs": 1}
    options = RunOptions(device="cpu", loader=HERE, **(often | how))
    return train(workspace, recipe or tiny_recipe(), options, name, watch)


def rows(outcome: Outcome, split: str, name: str) -> dict[int, float]:
    table = pq.read_table(outcome.folder.metrics).to_pylist()
    return {row["step"]: row["value"] for row in table if (row["split"], row["name"]) == (split, name)}


def test_a_run_leaves_what_its_folder_promises(faces: Workspace) -> None:
    outcome = run(faces)
    folder = outcome.folder
    assert (outcome.started, outcome.step, outcome.end) == (0, 20, 20)
    assert folder.last.is_file()
    assert folder.best.is_file()
    assert folder.config.is_file()
    assert [path.name for path in sorted(folder.samples.iterdir())] == [f"step-{step:08d}.png" for step in (12, 20)]
    assert folder.step_checkpoint(12).is_file()
    assert list(rows(outcome, "train", "loss")) == list(range(2, 21, 2))
    assert min(rows(outcome, "val", "total")) == 0
    assert any(folder.tensorboard.iterdir())


def test_the_best_checkpoint_is_the_one_with_the_lowest_validation(faces: Workspace) -> None:
    outcome = run(faces)
    totals = rows(outcome, "val", "total")
    best = load(outcome.folder.best, torch.device("cpu"))
    assert totals.pop(0) > 0  # of the untrained model, which is never the best
    assert best["step"] == min(totals, key=lambda step: totals[step])
    assert best["metrics"]["total"] == min(totals.values())


@pytest.mark.parametrize("stops", [[10], [3, 4, 5]], ids=["at 10", "at 3, 7 and 12"])
def test_a_run_that_was_interrupted_ends_like_one_that_was_not(faces: Workspace, stops: list[int]) -> None:
    whole = load(run(faces, name="whole").folder.last, torch.device("cpu"))
    for stop in stops:
        run(faces, stop_after=stop)
    outcome = run(faces)
    assert outcome.started == sum(stops)
    assert equal(load(outcome.folder.last, torch.device("cpu")), whole)


def test_fewer_steps_then_more_are_the_schedule_of_all(faces: Workspace) -> None:
    recipe = tiny_recipe(optimiser=OptimiserConfig(name="adamw", lr=1e-3, warmup_steps=3, decay="cosine"))
    whole = load(run(faces, recipe, name="whole").folder.last, torch.device("cpu"))
    run(faces, recipe, steps=9)
    assert equal(load(run(faces, recipe).folder.last, torch.device("cpu")), whole)


def test_rows_of_steps_that_are_done_again_are_not_kept_twice(faces: Workspace) -> None:
    run(faces, stop_after=7)
    outcome = run(faces)
    table = pq.read_table(outcome.folder.metrics).to_pylist()
    keys = [(row["step"], row["split"], row["name"]) for row in table]
    assert len(keys) == len(set(keys))


def test_a_changed_recipe_is_refused_with_what_changed(faces: Workspace) -> None:
    run(faces, stop_after=2)
    with pytest.raises(ConfigError, match=r"batch_size: 4 -> 8"):
        run(faces, tiny_recipe(batch_size=8))
    assert run(faces, stop_after=2).step == 4


def test_who_never_resumes_gets_another_name(faces: Workspace) -> None:
    run(faces, stop_after=2)
    outcome = run(faces, stop_after=2, resume="never")
    assert outcome.folder.path.name == "run-2"
    assert outcome.started == 0


def test_a_finished_run_has_nothing_to_do(faces: Workspace) -> None:
    notes: list[str] = []
    run(faces)
    assert run(faces, watch=Watch(on_note=notes.append)).started == 20
    assert "nothing to do: 20 of 20 steps are done; --steps asks for more" in notes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_writes_a_checkpoint_first(faces: Workspace, number: signal.Signals) -> None:
    def interrupt(report: Report) -> None:
        if report.step == 6:
            os.kill(os.getpid(), number)

    whole = load(run(faces, name="whole").folder.last, torch.device("cpu"))
    with pytest.raises(
        StoppedError, match=f"stopped by {number.name} after step 6, .* the same command goes on from there"
    ):
        run(faces, watch=Watch(on_report=interrupt), checkpoint_every=1000, keep_every=1000)
    outcome = run(faces)
    assert outcome.started == 6
    assert equal(load(outcome.folder.last, torch.device("cpu"))["model"], whole["model"])


def test_a_loss_that_is_not_finite_keeps_the_last_good_checkpoint(faces: Workspace) -> None:
    run(faces, stop_after=5)
    wild = tiny_recipe(optimiser=OptimiserConfig(name="sgd", lr=1e30))
    with pytest.raises(DivergedError, match="no longer finite"):
        run(faces, wild, name="wild")
    assert not (faces.root / "runs" / "wild" / "checkpoints" / "last.pt").exists()
    with pytest.raises(DivergedError, match=r"at step \d+; the last checkpoint is from before it"):
        run(faces, wild, name="wild")


def test_the_stage_moves_when_val_stalls(faces: Workspace) -> None:
    notes: list[str] = []
    recipe = tiny_recipe(curriculum=CurriculumConfig(patience=0), optimiser=OptimiserConfig(lr=1e-12))
    outcome = run(faces, recipe, watch=Watch(on_note=notes.append))
    stages = rows(outcome, "train", "stage_low")
    assert stages[2] == 0.0
    assert stages[20] > 0.0
    assert any("the curriculum goes on to 10% - 60%" in note for note in notes)


def test_epochs_count_one_pair_per_identity(faces: Workspace) -> None:
    assert run(faces, tiny_recipe(batch_size=2), epochs=5).step == 5  # two training identities


def test_without_val_a_run_says_that_nothing_is_validated(faces: Workspace) -> None:
    notes: list[str] = []
    shutil.rmtree(faces.manifest("pairs") / "val")
    outcome = run(faces, watch=Watch(on_note=notes.append))
    assert outcome.metrics == {}
    assert any("val has no samples" in note for note in notes)


def test_a_broken_face_is_replaced_and_named(faces: Workspace) -> None:
    notes: list[str] = []
    train_faces(faces)[0].write_bytes(b"no picture")
    outcome = run(faces, watch=Watch(on_note=notes.append), stop_after=3)
    told = [note for note in notes if note.startswith("replaced: ") and "img_0_001.jpg is not a picture" in note]
    assert load(outcome.folder.last, torch.device("cpu"))["broken"] >= len(told) == 1


def test_too_many_broken_faces_stop_the_run(faces: Workspace) -> None:
    for path in train_faces(faces)[::4]:
        path.write_bytes(b"no picture")
    with pytest.raises(TooManyBrokenError, match="img_"):
        run(faces)


def train_faces(workspace: Workspace) -> list[Path]:
    names = PairIndex.open(workspace.manifest("pairs") / "train").identity_names
    return [path for name in names for path in sorted((workspace.root / "faces" / name).rglob("*.jpg"))]
