"""From faces to embeddings, as a user of an export does it."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

import tcae
from tcae.manifests.errors import CheckpointError, ConfigError, MissingToolError
from tcae.model.data.sampler import centre_crop
from tcae.model.data.views import view
from tcae.model.encoders.export import export
from tcae.model.encoders.face_encoder import FaceEmbeddings, FaceEncoder, load_encoder
from tests.encoder_builders import trained

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(trained(), tmp_path_factory.mktemp("exports") / "encoder")


@pytest.fixture(scope="module")
def encoder(folder: Path) -> FaceEncoder:
    return load_encoder(folder, device="cpu")


def some_faces(num: int = 5, side: int = 16) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (num, side, side, 3), dtype=np.uint8)


def same(one: FaceEmbeddings, other: FaceEmbeddings) -> None:
    np.testing.assert_allclose(one.au, other.au, **CLOSE)  # type: ignore[call-overload]
    np.testing.assert_allclose(one.pose, other.pose, **CLOSE)  # type: ignore[call-overload]


def test_embeddings_are_those_of_the_trained_network(encoder: FaceEncoder) -> None:
    run, faces = trained(), some_faces()
    crops = torch.tensor([centre_crop(run.recipe.view)] * len(faces))
    with torch.inference_mode():
        wanted = run.model.encoder(view(torch.from_numpy(faces), crops, run.recipe.network.size))
    same(encoder.embed(faces), FaceEmbeddings(au=wanted.au.numpy(), pose=wanted.pose.numpy()))
    assert (wanted.au - wanted.pose).abs().max() > 0.01


def test_the_two_embeddings_are_float32_arrays_of_the_networks_width(encoder: FaceEncoder) -> None:
    made = encoder.embed(some_faces(3))
    assert [(part.shape, part.dtype.name) for part in made] == [((3, 8), "float32")] * 2
    assert dict(made.items()).keys() == {"au", "pose"} == encoder.widths.keys()
    assert (made["au"] is made.au, len(made), encoder.widths["pose"]) == (True, 2, 8)


def test_the_middle_of_the_face_is_what_counts(encoder: FaceEncoder) -> None:
    faces = some_faces(side=32)
    framed = faces.copy()
    framed[:, :3], framed[:, -3:], framed[:, :, :3], framed[:, :, -3:] = 0, 0, 0, 0  # 24 of 32 px are seen
    same(encoder.embed(framed), encoder.embed(faces))
    framed[:, 14:18, 14:18] = 0
    assert np.abs(encoder.embed(framed).au - encoder.embed(faces).au).max() > 1e-3


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_batches_change_nothing(encoder: FaceEncoder, batch_size: int) -> None:
    same(encoder.embed(some_faces(), batch_size=batch_size), encoder.embed(some_faces()))


@pytest.mark.parametrize("side", [1, 8, 31, 300])
def test_faces_of_any_side_are_taken(encoder: FaceEncoder, side: int) -> None:
    grey = np.full((2, side, side, 3), 128, np.uint8)
    same(encoder.embed(grey), encoder.embed(np.full((2, 16, 16, 3), 128, np.uint8)))


def test_large_faces_are_averaged_down_before_they_are_seen(encoder: FaceEncoder) -> None:
    large = some_faces(side=80)
    means = large.reshape(5, 16, 5, 16, 5, 3).mean(axis=(2, 4))
    same(encoder.embed(large), encoder.embed(means.round().astype(np.uint8)))


def test_arrays_and_tensors_of_any_memory_are_taken(encoder: FaceEncoder) -> None:
    faces = some_faces()
    wanted = encoder.embed(faces)
    same(encoder.embed(torch.from_numpy(faces)), wanted)
    same(encoder.embed(torch.from_numpy(faces.transpose(0, 3, 1, 2).copy()).permute(0, 2, 3, 1)), wanted)
    same(encoder.embed(np.ascontiguousarray(faces[..., ::-1])[..., ::-1]), wanted)
    faces.setflags(write=False)
    same(encoder.embed(faces), wanted)


def test_no_face_gives_no_embedding(encoder: FaceEncoder) -> None:
    assert [part.shape for part in encoder.embed(some_faces(0))] == [(0, 8), (0, 8)]


def test_bfloat16_comes_near(encoder: FaceEncoder) -> None:
    wanted, made = encoder.embed(some_faces()), encoder.embed(some_faces(), precision="bf16")
    assert made.au.dtype == np.float32
    assert 0 < np.abs(made.au - wanted.au).max() < 0.05 * np.abs(wanted.au).max()


@pytest.mark.parametrize(
    ("faces", "message"),
    [
        (some_faces().astype(np.float32), "must be uint8 in 0-255, as they are read from a picture, not float32"),
        (torch.zeros(1, 8, 8, 3), r"not torch\.float32"),
        (some_faces()[0], r"not \(16, 16, 3\); a single face is faces\[None\]"),
        (some_faces().transpose(0, 3, 1, 2), r"not \(5, 3, 16, 16\); put the channels last"),
        (some_faces()[:, :8], r"\(N, S, S, 3\), the channels last, not \(5, 8, 16, 3\)"),
        (some_faces()[..., :1], r"not \(5, 16, 16, 1\)"),
        (some_faces()[:, :0, :0], r"not \(5, 0, 0, 3\)"),
        ([some_faces()], "a NumPy array or a tensor, .* not a list"),
    ],
)
def test_what_is_no_batch_of_faces_is_refused(encoder: FaceEncoder, faces: NDArray[np.uint8], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        encoder.embed(faces)


def test_arguments_without_sense_are_refused(encoder: FaceEncoder) -> None:
    with pytest.raises(ConfigError, match="batch_size must be at least 1, not 0"):
        encoder.embed(some_faces(), batch_size=0)
    with pytest.raises(ConfigError, match="precision must be fp32 or bf16, not 'fp16'"):
        encoder.embed(some_faces(), precision="fp16")  # type: ignore[arg-type]


def test_devices_that_are_not_there_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is no device 'gpu'; name auto, cpu, cuda or cuda:N"):
        load_encoder(folder, device="gpu")
    with pytest.raises(MissingToolError, match=r"there is no GPU cuda:99: torch sees \d+"):
        load_encoder(folder, device="cuda:99")


def test_the_file_of_tensors_will_do_for_the_folder(folder: Path, encoder: FaceEncoder) -> None:
    same(load_encoder(str(folder / "encoder.safetensors")).embed(some_faces()), encoder.embed(some_faces()))


def test_an_encoder_knows_what_faces_it_needs(encoder: FaceEncoder) -> None:
    assert encoder.template == "tcae"
    assert encoder.view == trained().recipe.view
    assert (encoder.method, encoder.network) == ("tcae", trained().recipe.network)
    assert encoder.device.type == "cpu"


def test_a_run_gives_the_same_encoder_as_its_export(encoder: FaceEncoder) -> None:
    same(FaceEncoder.of(trained(), "cpu").embed(some_faces()), encoder.embed(some_faces()))


def test_the_trained_network_is_left_as_it_was() -> None:
    run = trained()
    FaceEncoder.of(run, "cpu").embed(some_faces())
    before, after = trained().model.state_dict(), run.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_tensors_of_another_network_are_named(tmp_path: Path) -> None:
    folder = export(trained(), tmp_path / "encoder")
    weights, described = folder / "encoder.safetensors", folder / "encoder.json"
    tensors = load_file(weights)
    tensors["trunk.9.bias"] = tensors.pop("trunk.0.bias")
    tensors["trunk.0.weight"] = tensors["trunk.0.weight"][:2].contiguous()
    save_file(tensors, weights)
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    described.write_text(json.dumps(json.loads(described.read_text()) | {"sha256": sha256}))
    other = "trunk.0.weight (2, 3, 4, 4) not (4, 3, 4, 4)"
    message = f"missing: trunk.0.bias; unexpected: trunk.9.bias; of another shape: {other}"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load_encoder(folder)


def test_the_package_offers_the_loader_without_importing_torch() -> None:
    slow = "{'torch', 'numpy'} & set(sys.modules)"
    script = f"import sys, tcae; assert not {slow}; tcae.load_encoder; assert {slow}"
    subprocess.run([sys.executable, "-c", script], check=True, stdin=subprocess.DEVNULL)
    assert tcae.load_encoder is load_encoder
    assert "load_encoder" in tcae.__all__
    with pytest.raises(AttributeError, match="module 'tcae' has no attribute 'load_decoder'"):
        tcae.load_decoder  # type: ignore[attr-defined]  # noqa: B018
