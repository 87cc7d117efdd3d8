"""``tcae finetune``, of a run and of an export."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from tcae.cli.main import learn
from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.data.batches import LoaderConfig
from tcae.model.encoders.export import export
from tcae.model.finetune import FinetuneConfig, start_of
from tcae.model.train import train
from tcae.model.training.options import RunOptions
from tcae.model.training.runs import load_trained
from tests.label_builders import drawn_aus, face_keys, label_faces
from tests.recipe_builders import TINY
from tests.training_builders import make_training_workspace

QUICK = ("--draws", "20", "--steps", "3", "--batch-size", "4", "--threads", "1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Six people with eight labelled faces each, a run of ``noisy`` and one of ``tcae``."""
    workspace = make_training_workspace(Workspace(tmp_path_factory.mktemp("root")), identities=6, side=16)
    label_faces(workspace, drawn_aus(face_keys(workspace).num_rows))
    for method in ("noisy", "tcae"):
        recipe = replace(TINY[method], steps=2)
        train(workspace, recipe, RunOptions(device="cpu", loader=LoaderConfig(workers=0)), f"{method}-tiny")
    return workspace


def call(workspace: Workspace, *arguments: object) -> Result:
    given = ["finetune", "--root", str(workspace.root), "--device", "cpu", *QUICK, *map(str, arguments)]
    return CliRunner().invoke(learn, given)


def rows_of(folder: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(folder / "scores.parquet").to_pylist()
    return rows


def test_a_run_is_fine_tuned_and_scored_beside_knowing_nothing(trained: Workspace) -> None:
    result = call(trained, "--encoder", "noisy-tiny")
    assert result.exit_code == 0, result.output
    folder = trained.root / "scores/synthetic/noisy-tiny/best/finetuned"
    assert result.stdout.splitlines()[-1].startswith(f"{folder}: probe.html")
    assert "fold test, 1 of 1: 3 steps on 24 faces of 3 identities" in result.stderr
    rows = rows_of(folder)
    assert list(dict.fromkeys(row["representation"] for row in rows)) == ["fine-tuned face", "chance", "majority"]
    assert {row["au"] for row in rows} == {"AU01", "AU12", "mean"}
    assert all(row["num_labelled"] == 24 for row in rows if row["au"] != "mean")
    content = json.loads((folder / "scores.json").read_text())
    assert content["origin"]["run"] == "noisy-tiny"
    assert content["protocol"]["fine-tuning steps"] == "3"
    assert "embedding: face" in (folder / "probe.md").read_text()


def test_an_export_is_fine_tuned_as_its_run_is(trained: Workspace, tmp_path: Path) -> None:
    exported = export(load_trained(trained, "noisy-tiny"), tmp_path / "export")
    for name, folder in (("noisy-tiny", "one"), (exported, "other")):
        result = call(trained, "--encoder", name, "--to", tmp_path / folder)
        assert result.exit_code == 0, result.output
    assert rows_of(tmp_path / "one") == rows_of(tmp_path / "other")


def test_any_embedding_of_any_method_can_be_named(trained: Workspace, tmp_path: Path) -> None:
    for arguments, name in (((), "au"), (("--embedding", "pose"), "pose")):
        result = call(trained, "--encoder", "tcae-tiny", "--to", tmp_path / name, *arguments)
        assert result.exit_code == 0, result.output
        assert rows_of(tmp_path / name)[0]["representation"] == f"fine-tuned {name}"


def test_a_list_says_who_is_tested(trained: Workspace, tmp_path: Path) -> None:
    split = tmp_path / "split.csv"
    split.write_text("identity,split\nid0,train\nid1,train\nid2,test\n")
    result = call(trained, "--encoder", "noisy-tiny", "--split-file", split, "--to", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "16 faces of 2 identities" in result.stderr
    assert {row["num_labelled"] for row in rows_of(tmp_path / "out") if row["au"] != "mean"} == {8}


def test_an_embedding_that_there_is_not_is_refused(trained: Workspace) -> None:
    result = call(trained, "--encoder", "noisy-tiny", "--embedding", "pose")
    assert result.exit_code == 1
    assert "noisy-tiny has no embedding 'pose'; it has face" in result.stderr


def test_a_set_without_aus_is_refused() -> None:
    with pytest.raises(ConfigError, match="rafdb has no AUs to fine-tune on"):
        FinetuneConfig(dataset="rafdb")
    with pytest.raises(ConfigError, match="draws must be at least 1, not 0"):
        FinetuneConfig(dataset="bp4d", draws=0)


def test_batch_norms_are_not_folded_away_before_they_are_trained(trained: Workspace) -> None:
    start, origin = start_of(trained, "tcae-tiny")
    assert any("running_mean" in name for name in start.encoder.state_dict())
    assert (start.embedding, start.width, origin.step) == ("au", 8, 2)
