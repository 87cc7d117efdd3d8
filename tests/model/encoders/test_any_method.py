"""Encoders with other embeddings than TCAE's go through every command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner, Result
from torch import nn

from tcae.cli.main import learn
from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.data.sampler import centre_crop
from tcae.model.data.views import view
from tcae.model.encoders.embeddings import names_of, vectors_of
from tcae.model.encoders.export import export
from tcae.model.encoders.face_encoder import FaceEncoder, load_encoder, load_network
from tcae.model.encoders.papers import PAPERS
from tcae.model.methods.catalogue import METHODS
from tcae.model.probing.encoders import START, UNTRAINED, kept_checkpoints, probed, started
from tcae.model.training.runs import load_trained
from tests.label_builders import drawn_angles, drawn_aus, label_faces
from tests.toy_methods import ONE, THREE, Toy, ToyNetwork, register_toy, write_toy_run
from tests.training_builders import make_training_workspace

QUERY = "faces/id1/v/0_folder/img_0_002.jpg"
NETWORKS = pytest.mark.parametrize("network", [ONE, THREE], ids=["one", "three"])


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    register_toy(monkeypatch)


def call(workspace: Workspace, command: str, *arguments: object) -> Result:
    options = ["--root", str(workspace.root), "--device", "cpu"]
    return CliRunner().invoke(learn, [command, *options, *map(str, arguments)])


def with_run(workspace: Workspace, network: ToyNetwork, start_from: str = "") -> Workspace:
    """48 labelled faces of 8 people, and the run ``toy``."""
    make_training_workspace(workspace, identities=8, tracks=2, faces=3, side=32)
    label_faces(workspace, drawn_aus(48), drawn_angles(48))
    write_toy_run(workspace, network, start_from)
    return workspace


def faces(num: int = 5) -> Any:
    return np.random.default_rng(0).integers(0, 256, (num, 16, 16, 3), dtype=np.uint8)


def report_of(workspace: Workspace, *arguments: object) -> Any:
    result = call(workspace, "probe", "--draws", 5, "--neighbours", 0, "--no-few", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads((workspace.root / "scores/synthetic/toy/best/scores.json").read_text())


def representations(report: Any) -> list[str]:
    return list(dict.fromkeys(row["representation"] for row in report["aus"]))


@NETWORKS
def test_an_export_embeds_as_the_network_does(workspace: Workspace, tmp_path: Path, network: ToyNetwork) -> None:
    write_toy_run(workspace, network)
    run = load_trained(workspace, "toy")
    folder = export(run, tmp_path / "export")
    encoder = load_encoder(folder, "cpu")
    crops = torch.tensor([centre_crop(run.recipe.view)] * 5)
    with torch.inference_mode():
        wanted = run.model.encoder.embed(view(torch.from_numpy(faces()), crops, 8))
    made = encoder.embed(faces(), batch_size=2)
    assert encoder.method == "toy"
    assert {name: array.shape for name, array in made.items()} == {
        name: (5, width) for name, width in network.widths.items()
    }
    assert list(encoder.widths) == list(network.names) == [name for name, _ in made.items()]
    for name in network.names:
        np.testing.assert_allclose(made[name], wanted[name].numpy(), rtol=1e-4, atol=1e-5)
    assert "| method | toy |" in (folder / "README.md").read_text()
    facts, trainable = load_network(folder)
    assert facts.network == network
    assert all(weights.requires_grad for weights in trainable.parameters())


@NETWORKS
def test_faces_are_embedded_and_found_by_each_embedding(workspace: Workspace, network: ToyNetwork) -> None:
    with_run(workspace, network)
    assert call(workspace, "embed").stdout.splitlines()[-1].startswith("48 faces in = 48 embedded")
    (path, *_) = sorted((workspace.manifest("embeddings") / "toy" / "best").glob("*.parquet"))
    table = pq.read_table(path)
    columns = {"identity": "identity_embedding"}
    for name, width in network.widths.items():
        assert vectors_of(table.column(columns.get(name, name))).shape[1] == width
    assert set(table.column("identity").to_pylist()) <= {f"id{number}" for number in range(8)}
    assert names_of(path) == list(network.names)
    assert f"by {network.names[0]} embedding" in call(workspace, "retrieve", QUERY).stdout
    for name in network.names:
        assert f"by {name} embedding" in call(workspace, "retrieve", QUERY, "--embedding", name).stdout
    refused = call(workspace, "retrieve", QUERY, "--embedding", "pose")
    message = f"Error: toy has no embedding 'pose'; it has {', '.join(network.names)}\n"
    assert (refused.exit_code, refused.stderr) == (1, message)


def test_three_embeddings_are_probed_each_and_side_by_side(workspace: Workspace) -> None:
    with_run(workspace, THREE)
    report = report_of(workspace)
    assert representations(report) == ["au", "identity", "features", "untrained", "pixels", "chance", "majority"]
    assert report["leak"] == []
    assert report["displacement_ratio"] is None
    assert any(note.startswith("this encoder has seen 200 samples") for note in report["notes"])
    assert not any("Movements of the head" in note for note in report["notes"])
    some = report_of(workspace, "--embedding", "features", "--embedding", "both", "--no-baselines")
    assert representations(some) == ["features", "both", "chance", "majority"]


def test_one_embedding_is_probed_and_has_no_other_beside_it(workspace: Workspace) -> None:
    with_run(workspace, ONE)
    assert representations(report_of(workspace)) == ["face", "untrained", "pixels", "chance", "majority"]
    for name in ("both", "au"):
        refused = call(workspace, "probe", "--embedding", name)
        message = f"Error: the encoder has no embedding {name!r}; there is face"
        assert refused.exit_code == 1
        assert refused.stderr.splitlines()[-1] == message


def test_a_run_that_began_with_weights_is_compared_with_them(workspace: Workspace, tmp_path: Path) -> None:
    start = tmp_path / "start.pt"
    recipe = load_trained(workspace, write_toy_run(workspace, ONE).name).recipe
    torch.save(Toy(recipe).state_dict(), start)
    with_run(workspace, ONE, str(start))
    report = report_of(workspace)
    assert representations(report) == ["face", UNTRAINED, START, "pixels", "chance", "majority"]
    (first, *_) = kept_checkpoints(workspace, "toy")
    subject = probed(workspace, "toy")
    begun = started(subject)
    assert begun is not None
    assert (first.origin, begun.pairs_seen) == (begun.origin, 0)
    assert begun.origin.weights != subject.origin.weights
    start.unlink()
    gone = report_of(workspace)
    assert START not in representations(gone)
    assert f"the weights that this run began with have no row: {start} is not there" in gone["notes"]


@pytest.mark.parametrize("command", [("swap", QUERY, QUERY), ("analyse",)])
def test_what_needs_displacements_is_refused_in_one_line(workspace: Workspace, command: tuple[str, ...]) -> None:
    refused = call(with_run(workspace, ONE), *command)
    assert refused.exit_code == 1
    assert refused.stderr == (
        "Error: run toy was trained by toy, which has no AU and pose displacements; "
        "tcae swap and tcae analyse need a run of tcae\n"
    )


def test_batch_norms_are_folded_wherever_they_follow_a_convolution(workspace: Workspace) -> None:
    write_toy_run(workspace, THREE)
    run = load_trained(workspace, "toy")
    folded = FaceEncoder.of(run, "cpu")._encoder
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in run.model.modules()) == 2
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())


def test_the_first_embedding_is_meant_where_none_is_named(workspace: Workspace) -> None:
    write_toy_run(workspace, THREE)
    encoder = FaceEncoder.of(load_trained(workspace, "toy"), "cpu")
    assert (encoder.named(), encoder.named("features")) == ("au", "features")
    with pytest.raises(ConfigError, match="toy has no embedding 'face'; it has au, identity, features"):
        encoder.named("face")


def test_the_card_knows_the_paper_of_every_method() -> None:
    assert set(METHODS) - {"toy"} <= set(PAPERS)
