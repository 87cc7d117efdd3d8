"""What an export writes, and what is refused when it is read."""

import hashlib
import json
import math
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tcae import __version__
from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.model.encoders.export import export, read_export
from tests.encoder_builders import trained


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return export(trained(), tmp_path / "encoder")


def rewrite(folder: Path, **values: object) -> None:
    path = folder / "encoder.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_an_export_is_three_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "encoder.json", "encoder.safetensors"]


def test_only_the_encoder_is_exported(folder: Path) -> None:
    tensors = load_file(folder / "encoder.safetensors")
    wanted = trained().model.encoder.state_dict()
    assert tensors.keys() == wanted.keys()
    assert all(torch.equal(tensors[name], wanted[name]) for name in wanted)


def test_channels_last_weights_are_written_in_their_order(tmp_path: Path) -> None:
    run = trained()
    run.model.to(memory_format=torch.channels_last)
    tensors = load_file(export(run, tmp_path / "encoder") / "encoder.safetensors")
    assert torch.equal(tensors["trunk.0.weight"], trained().model.encoder.state_dict()["trunk.0.weight"])


def test_the_json_says_what_the_tensors_do_not(tmp_path: Path) -> None:
    metrics = {"displacement_ratio": 4.5, "reconstruction": math.nan}
    folder = export(trained(template="arcface", metrics=metrics), tmp_path / "encoder", {"identities": 7})
    said = json.loads((folder / "encoder.json").read_text())
    content = (folder / "encoder.safetensors").read_bytes()
    assert said.pop("network")["branch"] == [6, 8]
    assert said.pop("view")["centre_px"] == 192
    assert said == {
        "format": 1,
        "tcae": __version__,
        "run": "run",
        "checkpoint": "best",
        "step": 40,
        "recipe": "tiny",
        "method": "tcae",
        "template": "arcface",
        "data": {"identities": 7},
        "metrics": {"displacement_ratio": 4.5, "reconstruction": None},
        "num_parameters": sum(weights.numel() for weights in trained().model.encoder.parameters()),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_reading_is_the_inverse_of_writing(tmp_path: Path) -> None:
    run = trained(metrics={"displacement_ratio": 4.5, "reconstruction": math.nan})
    facts, tensors = read_export(export(run, tmp_path / "encoder"))
    assert facts.network == run.recipe.network
    assert facts.view == run.recipe.view
    assert facts.metrics["displacement_ratio"] == 4.5
    assert math.isnan(facts.metrics["reconstruction"])
    assert tensors.keys() == run.model.encoder.state_dict().keys()


def test_a_json_from_before_there_were_methods_is_of_tcae(folder: Path) -> None:
    path = folder / "encoder.json"
    path.write_text(
        json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != "method"})
    )
    assert read_export(folder)[0].method == "tcae"


def test_an_earlier_export_is_replaced(folder: Path) -> None:
    export(trained(template="arcface"), folder)
    assert read_export(folder)[0].template == "arcface"


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ConfigError, match="holds something other than an export; name a new or empty folder"):
        export(trained(), tmp_path)
    with pytest.raises(ConfigError, match=r"README\.md holds something other"):
        export(trained(), tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name", ["nowhere", "best.pt", "nowhere/encoder.safetensors"])
def test_what_is_no_export_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "best.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match=rf"{re.escape(name)} is no exported encoder; name the folder"):
        read_export(tmp_path / name)


@pytest.mark.parametrize("name", ["encoder.json", "encoder.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=rf"cannot read .*{re.escape(name)}: No such file.*; an export is"):
        read_export(folder)


def test_one_flipped_bit_is_seen(folder: Path) -> None:
    path = folder / "encoder.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"has SHA-256 .* and encoder\.json describes .* run tcae export again"):
        read_export(folder)


def test_other_bytes_than_tensors_are_refused(folder: Path) -> None:
    (folder / "encoder.safetensors").write_bytes(b"no tensors")
    rewrite(folder, sha256=hashlib.sha256(b"no tensors").hexdigest())
    with pytest.raises(CheckpointError, match="is not a file of safetensors"):
        read_export(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 2}, "has format 2; this release reads format 1"),
        ({"network": {"size": 16}}, "is not what tcae export writes: network: 5 \\+ 3 encoder"),
        ({"network": {"deep": 16}}, r"is not what tcae export writes: network\.deep is no setting"),
        ({"network": None}, "is not what tcae export writes: network holds settings"),
        ({"method": "cat"}, "is not what tcae export writes: there is no method 'cat'"),
        ({"metrics": 3}, "is not what tcae export writes: .*items"),
        ({"sha256": 3}, "is not what tcae export writes: sha256 is 3"),
        ({"step": "many"}, "is not what tcae export writes: step is 'many'"),
    ],
)
def test_a_json_of_another_kind_is_refused(folder: Path, values: dict[str, object], message: str) -> None:
    rewrite(folder, **values)
    with pytest.raises(CheckpointError, match=message):
        read_export(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "lacks 'format'"),
        ('{"format": 1}', "lacks 'tcae'"),
        ("", "is not what tcae export writes"),
        ("[3]", "is not what tcae export writes"),
        ('{"format": 1, "tc', "is not what tcae export writes"),
    ],
)
def test_a_json_without_its_fields_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "encoder.json").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        read_export(folder)
