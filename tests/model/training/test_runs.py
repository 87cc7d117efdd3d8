"""A run is found by its name, goes on only as it began, and has one writer."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import filelock
import pytest
import torch

from tcae.manifests import locks
from tcae.manifests.errors import CheckpointError, ConfigError, WorkspaceError
from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.methods.tcae import TCAE
from tcae.model.overrides import overridden
from tcae.model.recipes.tcae import SMALL, TCAENetwork
from tcae.model.training import checkpoints
from tcae.model.training.runs import (
    RunFolder,
    check_same,
    data_provenance,
    free_name,
    held,
    load_trained,
    read_config,
    run_folder,
    write_config,
)
from tcae.pipeline.pairs import PairConfig, split
from tests.method_builders import views
from tests.pair_builders import write_tree

TINY = replace(SMALL, network=TCAENetwork(size=8, trunk=(4,), branch=(6, 8), decoder=(8, 6)))
DATA = {"pairs": "0123456789abcdef", "within": "track", "template": "tcae", "margin": "0.0"}


@pytest.fixture
def folder(workspace: Workspace) -> RunFolder:
    return run_folder(workspace, "tiny")


def state_at(step: int, **others: Any) -> dict[str, Any]:
    model = TCAE(TINY).state_dict()
    metrics = {"total": 0.5}
    return {"model": model, "step": step, "recipe": asdict(TINY), "data": DATA, "metrics": metrics} | others


@pytest.mark.parametrize("name", ["released", "released-2", "small_v1.5", "2", "A" * 100])
def test_a_plain_name_is_a_folder_of_runs(workspace: Workspace, name: str) -> None:
    folder = run_folder(workspace, name)
    assert folder.path == workspace.root / "runs" / name
    assert folder.name == name


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", "/a", ".hidden", "-x", "a b", "a\n", "é", "A" * 101])
def test_a_name_that_is_no_plain_name_is_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a run; take at most 100 letters, digits"):
        run_folder(workspace, name)


def test_a_taken_name_gets_the_next_number(workspace: Workspace) -> None:
    found = []
    for _ in range(3):
        found.append(free_name(workspace, "released"))
        run_folder(workspace, found[-1]).path.mkdir(parents=True)
    assert found == ["released", "released-2", "released-3"]
    assert free_name(workspace, "released-2") == "released-2-2"


def test_everything_of_a_run_lies_below_its_folder(folder: RunFolder) -> None:
    parts = (folder.config, folder.metrics, folder.last, folder.best, folder.samples, folder.tensorboard)
    relative = [part.relative_to(folder.path).as_posix() for part in (*parts, folder.step_checkpoint(1000))]
    assert relative == [
        "run.json",
        "metrics.parquet",
        "checkpoints/last.pt",
        "checkpoints/best.pt",
        "samples",
        "tensorboard",
        "checkpoints/step-00001000.pt",
    ]


def test_a_checkpoint_is_best_last_or_a_step(folder: RunFolder) -> None:
    assert folder.checkpoint("best") == folder.best
    assert folder.checkpoint("last") == folder.last
    assert folder.checkpoint("50") == folder.step_checkpoint(50)
    for which in ("../x", "best.pt", "-1", "1.5", "", "²"):
        with pytest.raises(ConfigError, match="a checkpoint is best, last or the number of a step, not"):
            folder.checkpoint(which)


def test_what_a_run_was_started_with_is_written_down(folder: RunFolder) -> None:
    write_config(folder, TINY, DATA)
    config = read_config(folder)
    assert config["data"] == DATA
    assert config["recipe"]["network"]["branch"] == [6, 8]
    assert config["versions"].keys() == {"tcae", "torch", "numpy"}
    check_same(folder, TINY, DATA)


def test_a_changed_run_is_refused_with_all_that_changed(folder: RunFolder) -> None:
    write_config(folder, TINY, DATA)
    other = overridden(TINY, {"optimiser": {"lr": 1e-4}, "batch_size": 8})
    with pytest.raises(
        ConfigError,
        match=r"run tiny was started with other settings: batch_size: 32 -> 8; "
        r'data\.pairs: "0123456789abcdef" -> "other"; data\.template: "tcae" -> missing; '
        r"optimiser\.lr: 0\.0005 -> 0\.0001\. Go on with its own, or start a run of another name with --run",
    ):
        check_same(folder, other, {"pairs": "other", "within": "track", "margin": "0.0"})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"recipe": {}}', '{"recipe": {}, "data": 3}'])
def test_a_damaged_or_missing_config_is_named(folder: RunFolder, text: str) -> None:
    with pytest.raises(CheckpointError, match=r"cannot read .*run\.json: No such file"):
        check_same(folder, TINY, DATA)
    folder.path.mkdir(parents=True)
    folder.config.write_text(text)
    with pytest.raises(CheckpointError, match=r"run\.json is damaged: "):
        check_same(folder, TINY, DATA)


def test_a_run_has_one_writer(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.05)
    with held(folder):
        with pytest.raises(WorkspaceError, match="another tcae train holds the run tiny; wait"), held(folder):
            pass
        with held(RunFolder(folder.path.with_name("other"))):
            pass
    with held(folder):
        pass


def test_a_folder_that_cannot_be_locked_is_named(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.path.parent.parent.mkdir(parents=True)
    folder.path.parent.write_text("a file")
    with pytest.raises(WorkspaceError, match=r"cannot write .*tiny: "), held(folder):
        pass
    folder.path.parent.unlink()

    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(WorkspaceError, match="has no file locks"), held(folder):
        pass


def test_the_data_are_named_by_split_and_alignment(workspace: Workspace) -> None:
    write_tree(workspace, {identity: {"v": [3, 2]} for identity in "abcdefgh"})
    split(workspace, PairConfig())
    index = PairIndex.open(workspace.manifest("pairs") / "train")
    assert data_provenance(workspace, index) == {
        "pairs": index.fingerprint,
        "within": "track",
        "template": "unknown",
        "margin": "unknown",
    }


def test_a_loaded_network_computes_what_the_saved_one_did(workspace: Workspace, folder: RunFolder) -> None:
    torch.manual_seed(3)
    model = TCAE(TINY)
    faces = torch.rand(4, 3, 8, 8)
    model(views(faces, faces.flip(0)))  # moves the running statistics
    checkpoints.save(folder.best, state_at(9, model=model.state_dict()))
    before = torch.get_rng_state()
    found = load_trained(workspace, "tiny")
    assert torch.equal(torch.get_rng_state(), before)
    assert (found.step, found.run, found.checkpoint, found.path) == (9, "tiny", "best", folder.best)
    assert (found.recipe, found.template, found.metrics) == (TINY, "tcae", {"total": 0.5})
    assert not found.model.training
    with torch.inference_mode():
        ours, theirs = found.model(views(faces, faces.flip(0))), model.eval()(views(faces, faces.flip(0)))
    assert torch.equal(ours.changed.output, theirs.changed.output)
    assert torch.equal(ours.au_back, theirs.au_back)
    assert all(weights.requires_grad for weights in found.model.parameters())


def test_a_checkpoint_is_loaded_by_its_step(workspace: Workspace, folder: RunFolder) -> None:
    checkpoints.save(folder.step_checkpoint(1000), state_at(1000, data={}))
    found = load_trained(workspace, "tiny", "1000")
    assert (found.step, found.template) == (1000, "unknown")


def test_what_is_not_there_is_answered_with_what_there_is(workspace: Workspace, folder: RunFolder) -> None:
    with pytest.raises(CheckpointError, match=r"there is no run tiny in .*runs; there is none yet; train one"):
        load_trained(workspace, "tiny")
    folder.checkpoints.mkdir(parents=True)
    with pytest.raises(CheckpointError, match="run tiny has no checkpoint best; there is none yet"):
        load_trained(workspace, "tiny")
    for path in (folder.last, folder.step_checkpoint(50), folder.step_checkpoint(1000)):
        path.touch()
    (folder.checkpoints / ".best.pt.partial").touch()
    with pytest.raises(CheckpointError, match=r"run tiny has no checkpoint best; there is last, 50, 1000$"):
        load_trained(workspace, "tiny")
    with pytest.raises(CheckpointError, match=r"there is no run small in .*runs; there is tiny$"):
        load_trained(workspace, "small")


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (
            {"recipe": {**asdict(TINY), "nesterov": True}},
            "has a recipe that this release does not know: nesterov is no setting",
        ),
        ({"recipe": asdict(SMALL)}, "holds other tensors than the .*; missing: "),
        ({"model": {}}, "holds other tensors than the .*; missing: "),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_named(
    workspace: Workspace, folder: RunFolder, others: Mapping[str, Any], message: str
) -> None:
    checkpoints.save(folder.best, state_at(9, **others))
    with pytest.raises(CheckpointError, match=rf"best\.pt {message}"):
        load_trained(workspace, "tiny")


def test_no_pathname_is_taken_for_a_run(workspace: Workspace, tmp_path: Path) -> None:
    RunFolder(tmp_path / "x").path.mkdir()
    with pytest.raises(ConfigError, match=r"'\.\./\.\./x' cannot name a run"):
        load_trained(workspace, "../../x")
