"""Checkpoints of the published code become runs."""

import argparse
import io
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

import tcae
from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.manifests.workspace import Workspace
from tcae.model.data.sampler import centre_crop
from tcae.model.data.views import view
from tcae.model.encoders.export import export
from tcae.model.encoders.released import import_released
from tcae.model.encoders.twin_cycles import tcae_of
from tcae.model.recipes.tcae import RELEASED
from tcae.model.training.runs import load_trained
from tcae.model.training.state_dicts import read_state_dict
from tests.encoder_builders import stirred
from tests.released_builders import Released

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def released() -> Released:
    torch.manual_seed(0)
    network = Released()
    stirred(network)
    return network


@pytest.fixture(scope="module")
def file(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("released") / "epoch_1000.pth"
    torch.save(released.state_dict(), path)
    return path


def small(**others: Any) -> dict[str, Any]:
    return {"encoder.conv1.weight": torch.ones(2), "encoder.conv1.bias": torch.zeros(1)} | others


def test_the_published_names_are_all_known(released: Released) -> None:
    assert len(released.state_dict()) == 169
    assert sum(weights.numel() for weights in released.parameters()) == 14_717_094


def test_an_imported_network_computes_what_the_published_one_does(
    released: Released, file: Path, workspace: Workspace
) -> None:
    import_released(workspace, file, "imported")
    model = tcae_of(load_trained(workspace, "imported")).to(memory_format=torch.contiguous_format)
    faces = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        pose, au = released.encoder(faces)
        ours = model.encoder(faces)
        assert torch.equal(ours.pose, pose)
        assert torch.equal(ours.au, au)
        pose_map, au_map = released.decode((pose[:1], pose[1:]), (au[:1], au[1:]))
        moved = [model.pose_decoder(pose[:1], pose[1:]), model.au_decoder(au[:1], au[1:])]
    for movement, wanted in zip(moved, (pose_map, au_map), strict=True):
        assert torch.equal(movement.displacement, wanted[:, :2])
        assert torch.equal(movement.logit, wanted[:, 2:])
    assert not torch.equal(pose_map, au_map)


def test_an_imported_run_is_exported_and_embeds_as_the_published_network(
    released: Released, file: Path, workspace: Workspace
) -> None:
    import_released(workspace, file, "imported")
    folder = export(load_trained(workspace, "imported"), workspace.root / "encoder")
    encoder = tcae.load_encoder(folder, device="cpu")
    faces = torch.randint(0, 256, (2, 256, 256, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    made = encoder.embed(faces)
    with torch.inference_mode():
        seen = view(faces, torch.tensor([centre_crop(RELEASED.view)] * 2), 256)
        pose, au = released.encoder(seen)
    torch.testing.assert_close(torch.from_numpy(made.pose), pose, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.from_numpy(made.au), au, rtol=1e-4, atol=1e-5)
    assert encoder.template == "unknown"


def test_an_imported_run_has_both_checkpoints_and_is_not_replaced(file: Path, workspace: Workspace) -> None:
    folder = import_released(workspace, file, "imported")
    assert folder.config.is_file()
    for checkpoint in ("best", "last"):
        run = load_trained(workspace, "imported", checkpoint)
        assert (run.recipe, run.step, run.template) == (RELEASED, 0, "unknown")
    before = folder.last.read_bytes()
    with pytest.raises(ConfigError, match=r"there is a run imported already in .*runs; name another with --run"):
        import_released(workspace, file, "imported")
    assert folder.last.read_bytes() == before


def test_a_refused_file_leaves_no_run(tmp_path: Path, workspace: Workspace) -> None:
    torch.save(small(), tmp_path / "some.pth")
    with pytest.raises(CheckpointError):
        import_released(workspace, tmp_path / "some.pth", "imported")
    assert not (workspace.root / "runs" / "imported").exists()


def nested(state: State, name: str) -> dict[str, Any]:
    options = argparse.Namespace(lr=0.001, gpus=[0], name="tcae")
    optimiser = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    return {"epoch": 7, name: state, "optimizer": optimiser, "opts": options}


WRAPPINGS: dict[str, Callable[[State], Any]] = {
    "bare": lambda state: state,
    "ordered": OrderedDict,
    "state_dict": lambda state: nested(state, "state_dict"),
    "state_dict_model": lambda state: nested(state, "state_dict_model"),
    "model": lambda state: nested(state, "model"),
    "parallel": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "parallel-nested": lambda state: nested({f"module.{name}": tensor for name, tensor in state.items()}, "model"),
}


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_state_dict_is_found_wherever_that_code_put_it(tmp_path: Path, wrapping: str, is_zip: bool) -> None:
    path = tmp_path / "some.pth"
    torch.save(WRAPPINGS[wrapping](small()), path, _use_new_zipfile_serialization=is_zip)
    found = read_state_dict(path)
    assert found.keys() == small().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in small().items())


class PythonTwo(pickle._Pickler):
    """Writes texts as Python 2 wrote its byte strings."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def save_text(self, text: str) -> None:
        content = text.encode()
        self.write(pickle.SHORT_BINSTRING + bytes([len(content)]) + content)  # type: ignore[attr-defined]
        self.memoize(text)  # type: ignore[attr-defined]

    dispatch[str] = save_text


def test_a_file_of_python_2_is_read(tmp_path: Path) -> None:
    class Module:
        """What ``torch.save`` wants of a pickle module."""

        Pickler = PythonTwo

        @staticmethod
        def dump(value: object, file: io.BufferedIOBase, protocol: int) -> None:
            PythonTwo(file, protocol).dump(value)

    path = tmp_path / "some.pth"
    torch.save(nested(small(), "state_dict"), path, Module, 2, _use_new_zipfile_serialization=False)
    assert b"X\x14\x00\x00\x00encoder.conv1.weight" not in path.read_bytes()
    assert torch.equal(read_state_dict(path)["encoder.conv1.weight"], torch.ones(2))


def test_older_files_count_no_batches(released: Released, tmp_path: Path, workspace: Workspace) -> None:
    state = {name: tensor for name, tensor in released.state_dict().items() if "num_batches" not in name}
    assert len(state) == 169 - 23
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    import_released(workspace, tmp_path / "old.pth", "old")
    variances = tcae_of(load_trained(workspace, "old")).encoder.state_dict()["trunk.13.running_var"]
    torch.testing.assert_close(variances, state["encoder.batch_norm8_1.running_var"])


def broken(state: Mapping[str, Tensor]) -> State:
    state = dict(state)
    for name in [name for name in state if name.startswith("pose_decoder.2")]:
        state.pop(name)
    return state | {"encoder.conv9.weight": torch.ones(1), "encoder.conv1.weight": torch.ones(32, 3, 3, 3)}


def test_other_tensors_are_refused_by_their_published_names(
    released: Released, tmp_path: Path, workspace: Workspace
) -> None:
    torch.save(broken(released.state_dict()), tmp_path / "other.pth")
    with pytest.raises(CheckpointError) as refused:
        import_released(workspace, tmp_path / "other.pth", "other")
    message = str(refused.value)
    assert re.search(
        r"missing: pose_decoder\.2\.weight, pose_decoder\.2\.bias, pose_decoder\.22\.weight and \d+ more;", message
    )
    assert "unexpected: encoder.conv9.weight;" in message
    assert "of another shape: encoder.conv1.weight (32, 3, 3, 3) not (32, 3, 4, 4)" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(1)], "holds 0 state dicts; .* It holds: list"),
        ({"epoch": 3, "lr": 0.1}, "holds 0 state dicts; .* such as state_dict. It holds: epoch, lr"),
        ({}, "holds 0 state dicts; .* It holds: nothing"),
        ({"one": small(), "other": small()}, "holds 2 state dicts; one is wanted"),
    ],
)
def test_a_file_without_one_state_dict_is_refused(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "some.pth")
    with pytest.raises(CheckpointError, match=message):
        read_state_dict(tmp_path / "some.pth")


class Trap:
    """Would make a folder if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.mkdir, (self.path,)


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_nothing_in_a_file_is_ever_run(tmp_path: Path, is_zip: bool) -> None:
    path, sprung = tmp_path / "trap.pth", tmp_path / "sprung"
    torch.save(small(opts=Trap(sprung)), path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(CheckpointError, match=r"trap\.pth holds more than tensors and plain values"):
        read_state_dict(path)
    assert not sprung.exists()


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_a_file_that_breaks_off_anywhere_is_refused(tmp_path: Path, is_zip: bool) -> None:
    path = tmp_path / "some.pth"
    torch.save(small(), path, _use_new_zipfile_serialization=is_zip)
    whole = path.read_bytes()
    for length in range(0, len(whole), 41):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"some\.pth"):
            read_state_dict(path)


def test_files_that_are_no_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*nowhere\.pth"):
        read_state_dict(tmp_path / "nowhere.pth")
    with pytest.raises(CheckpointError, match=r"cannot read .*Is a directory"):
        read_state_dict(tmp_path)
    (tmp_path / "text.pth").write_text("<html>not found</html>")
    with pytest.raises(CheckpointError, match=r"text\.pth holds more than tensors and plain values, or is damaged"):
        read_state_dict(tmp_path / "text.pth")
