"""Checkpoints and exports that can be damaged, and what reads each."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tcae.model.encoders.export import CARD, FACTS, WEIGHTS, export, read_export
from tcae.model.training import checkpoints
from tcae.model.training.state_dicts import read_state_dict
from tests.encoder_builders import trained
from tests.hostile.kept import Kept

FILE = "last.pt"


def gather_checkpoints(folder: Path) -> list[Kept]:
    """A training's checkpoint, the pickle within one, the published code's in both formats, and an export's files."""
    state = {
        "model": trained().model.encoder.state_dict(),
        "step": 7,
        "recipe": {"name": "tiny", "stages": ((0.0, 0.5), (0.1, 0.6))},
        "data": {"pairs": "0123456789abcdef"},
        "metrics": {"loss": float("inf")},
        "random": torch.get_rng_state(),
    }
    checkpoints.save(folder / FILE, state)
    export(trained(), folder / "encoder")
    whole = (folder / FILE).read_bytes()
    exported = {name: (folder / "encoder" / name).read_bytes() for name in (WEIGHTS, FACTS, CARD)}
    others = {name: content for name, content in exported.items() if name != CARD}
    return [
        Kept(name="checkpoint", data=whole, read=_read_checkpoint, file=FILE),
        Kept(
            name="checkpoint's pickle", data=pickle_in(whole), read=_read_checkpoint, file=FILE, wrap=with_pickle(whole)
        ),
        Kept(name="published", data=_published(is_new=True), read=_read_published, file=FILE),
        Kept(name="published before torch 1.6", data=_published(is_new=False), read=_read_published, file=FILE),
        Kept(name="tensors of an export", data=exported[WEIGHTS], read=_read_export, file=WEIGHTS, others=others),
        Kept(name="facts of an export", data=exported[FACTS], read=_read_export, file=FACTS, others=others),
    ]


def pickle_in(checkpoint: bytes) -> bytes:
    """The pickle that a checkpoint holds."""
    with zipfile.ZipFile(io.BytesIO(checkpoint)) as archive:
        return archive.read(_name_of_pickle(archive))


def _name_of_pickle(archive: zipfile.ZipFile) -> str:
    return next(name for name in archive.namelist() if name.endswith("data.pkl"))


def with_pickle(checkpoint: bytes) -> Callable[[bytes], bytes]:
    """Makes a checkpoint with another pickle, whose check sum is right."""

    def wrap(content: bytes) -> bytes:
        sink = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(checkpoint)) as archive, zipfile.ZipFile(sink, "w") as forged:
            for name in archive.namelist():
                forged.writestr(name, content if name == _name_of_pickle(archive) else archive.read(name))
        return sink.getvalue()

    return wrap


def _published(*, is_new: bool) -> bytes:
    sink = io.BytesIO()
    content = {"state_dict": trained().model.encoder.state_dict(), "epoch": 3}
    torch.save(content, sink, _use_new_zipfile_serialization=is_new)
    return sink.getvalue()


def _read_checkpoint(folder: Path) -> object:
    return _plain(checkpoints.load(folder / FILE))


def _read_published(folder: Path) -> object:
    return _plain(read_state_dict(folder / FILE))


def _read_export(folder: Path) -> object:
    facts, tensors = read_export(folder)
    return facts, _plain(tensors)


def _plain(value: Any) -> object:
    """Tensors as lists."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value.tolist() if isinstance(value, torch.Tensor) else value
