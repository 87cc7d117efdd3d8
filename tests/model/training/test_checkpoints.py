"""A checkpoint is whole or is refused, and nothing in it is ever run."""

import errno
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tcae.manifests.errors import CheckpointError, WorkspaceError
from tcae.model.training.checkpoints import FORMAT, load, read_tensors, save

FULL = Path("/dev/full")


def state_at(step: int) -> dict[str, Any]:
    layers = OrderedDict(weight=torch.arange(6.0).reshape(2, 3), steps=torch.tensor(step))
    return {
        "model": layers,
        "optimiser": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999)}]},
        "step": step,
        "recipe": {"name": "small", "curriculum": {"stages": ((0.0, 0.5), (0.1, 0.6))}},
        "data": {"pairs": "0123456789abcdef"},
        "metrics": {"loss": float("inf")},
        "random": torch.get_rng_state(),
    }


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.pt"
    state = state_at(7)
    save(path, state)
    found = load(path)
    assert found.pop("format") == FORMAT
    assert found.keys() == state.keys()
    for name, tensor in state["model"].items():
        assert torch.equal(found["model"][name], tensor)
    assert torch.equal(found["random"], state["random"])
    assert torch.equal(found["optimiser"]["state"][0]["exp_avg"], torch.ones(3))
    assert [found[key] for key in ("step", "recipe", "data", "metrics")] == [
        state[key] for key in ("step", "recipe", "data", "metrics")
    ]
    assert [entry.name for entry in path.parent.iterdir()] == ["last.pt"]


def test_only_the_model_goes_to_the_device(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", state_at(7))
    found = load(tmp_path / "a.pt", "meta")
    assert {tensor.device.type for tensor in found["model"].values()} == {"meta"}
    assert found["random"].device.type == "cpu"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*last\.pt"):
        load(tmp_path / "last.pt")
    with pytest.raises(CheckpointError, match=r"cannot read .*: Is a directory"):
        load(tmp_path)


def test_a_checkpoint_that_breaks_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save(path, state_at(7))
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"last\.pt (breaks off|holds more)"):
            load(path)


def test_a_flipped_bit_in_a_weight_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save(path, state_at(7))
    whole = bytearray(path.read_bytes())
    at = whole.index(torch.arange(6.0).numpy().tobytes())
    whole[at + 5] ^= 1
    path.write_bytes(whole)
    with pytest.raises(CheckpointError, match=r"last\.pt is damaged: the check sum of its part .* is wrong"):
        load(path)


@pytest.mark.parametrize("how", ["pickle", "torch", "torch before 1.6"])
def test_code_in_a_file_is_not_run(tmp_path: Path, how: str) -> None:
    path, made = tmp_path / "last.pt", tmp_path / "made"
    state = {**state_at(7), "format": FORMAT, "data": Bomb(made)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(state["data"]))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(CheckpointError, match=r"last\.pt holds more than tensors and plain values.*none of it was run"):
        load(path)
    assert not made.exists()
    pickle.loads(path.read_bytes()) if how == "pickle" else torch.load(path, weights_only=False)
    assert made.exists()  # so the file would have done it


@pytest.mark.parametrize("content", [b"", b"hello", b"}", b".", b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"last\.pt (breaks off|holds more|is damaged)"):
        load(path)


def test_tensors_of_another_program_are_read_but_are_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "released.pth"
    torch.save({"conv.weight": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    assert torch.equal(read_tensors(path)["conv.weight"], torch.ones(2))
    with pytest.raises(CheckpointError, match=r"released\.pth is no checkpoint of tcae train; .* tcae import-released"):
        load(path)


def test_another_format_and_missing_keys_are_named(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    torch.save({**state_at(7), "format": 99}, path)
    with pytest.raises(CheckpointError, match=f"of format 99; this release reads {FORMAT}"):
        load(path)
    torch.save({"format": FORMAT, "model": {}, "step": 3}, path)
    with pytest.raises(CheckpointError, match="a checkpoint without recipe, data, metrics"):
        load(path)
    with pytest.raises(ValueError, match="a checkpoint needs recipe, data, metrics"):
        save(path, {"model": {}, "step": 3})


@pytest.mark.parametrize(
    "value", [np.float64(1), np.zeros(2), Path("x"), {1, 2}], ids=lambda value: type(value).__name__
)
def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, value: object) -> None:
    state = {**state_at(7), "metrics": {"val": [1.0, value]}}
    with pytest.raises(
        TypeError, match=rf"metrics\.val\[1\] is a {type(value).__name__}, which a checkpoint cannot hold"
    ):
        save(tmp_path / "last.pt", state)
    assert not (tmp_path / "last.pt").exists()


def test_a_disk_that_is_full_at_the_end_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    save(path, state_at(7))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match=r"cannot write .*last\.pt: No space left on device"):
        save(path, state_at(8))
    assert load(path)["step"] == 7
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]


@pytest.mark.skipif(not FULL.exists(), reason="needs the system's ever-full device")
def test_a_disk_that_is_full_in_the_middle_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save(path, state_at(7))
    (tmp_path / ".last.pt.partial").symlink_to(FULL)
    with pytest.raises(WorkspaceError, match=r"cannot write .*last\.pt: No space left on device"):
        save(path, state_at(8))
    assert load(path)["step"] == 7


def test_a_compressed_checkpoint_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "last.pt", state_at(7))
    with (
        zipfile.ZipFile(tmp_path / "last.pt") as whole,
        zipfile.ZipFile(tmp_path / "small.pt", "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for name in whole.namelist():
            small.writestr(name, whole.read(name))
    with pytest.raises(CheckpointError, match=r"small\.pt has the compressed part .*; torch writes parts as they are"):
        load(tmp_path / "small.pt")
