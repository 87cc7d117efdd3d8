"""Checkpoint files: tensors and plain values, written whole, read without running anything that is in them."""

import io
import os
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tcae.manifests.errors import CheckpointError
from tcae.manifests.workspace import written_whole

FORMAT = 1
"""Raised by hand when a key changes its meaning; another one is refused by name."""

KEYS = ("model", "step", "recipe", "data", "metrics")
"""What every checkpoint holds; those of a training hold what else it needs to go on."""

_PLAIN = (int, float, str, bool, bytes, type(None))

_UNREADABLE = (
    *(OSError, RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError, AssertionError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""What is raised at a file that has flipped bits or is something else; which one hangs on the place."""


def save(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint beside ``path``, flush it to the disk and rename it; ``format`` is added.

    Args:
        path: The file; its folder is made.
        state: At least ``KEYS``. Tensors, dicts, lists, tuples, numbers, texts and None, nested as you like.

    Raises:
        WorkspaceError: the disk is full, or the folder cannot be written; the old file is kept.
        TypeError: the state holds a value that ``load`` would refuse, as numpy's numbers are.
        ValueError: a key is missing.
    """
    missing = [key for key in KEYS if key not in state]
    if missing:
        raise ValueError(f"a checkpoint needs {', '.join(missing)}")
    _check_plain(state, "")
    memory = io.BytesIO()  # because torch turns a full disk into a RuntimeError about positions
    torch.save({**state, "format": FORMAT}, memory)
    with written_whole(path) as partial, partial.open("wb") as sink:
        sink.write(memory.getbuffer())
        sink.flush()
        os.fsync(sink.fileno())


def load(path: Path, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Read a checkpoint; nothing but tensors and plain values is ever unpickled.

    Args:
        path: The file.
        device: Where the model's tensors go; all others stay on the CPU, where generators want their states.

    Returns:
        What ``save`` was given, and ``format``.

    Raises:
        CheckpointError: there is no such file, or it is damaged, or holds something else.
    """
    state = read_tensors(path)
    if not isinstance(state, dict) or "format" not in state:
        raise CheckpointError(
            f"{path} is no checkpoint of tcae train; the published code's are for tcae import-released"
        )
    if state["format"] != FORMAT:
        raise CheckpointError(f"{path} is a checkpoint of format {state['format']}; this release reads {FORMAT}")
    missing = [key for key in KEYS if key not in state]
    if missing:
        raise CheckpointError(f"{path} is a checkpoint without {', '.join(missing)}")
    state["model"] = {name: tensor.to(device) for name, tensor in state["model"].items()}
    return state


def read_tensors(path: Path) -> Any:
    """Whatever a file holds that torch wrote, on the CPU, if it is made of tensors and plain values.

    The check sums of all its parts are compared first, which torch does for some; its format before 1.6 has none.

    Raises:
        CheckpointError: there is no such file, or it is damaged, or holds objects or code.
    """
    try:
        damaged = _damaged_part(path)
        if damaged:
            raise CheckpointError(f"{path} is damaged: the check sum of its part {damaged} is wrong")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}") from error
    except (PermissionError, IsADirectoryError) as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors and plain values, or is damaged; none of it was run"
        ) from error
    except _UNREADABLE as error:
        why = str(error).partition(". ")[0] or type(error).__name__
        raise CheckpointError(f"{path} breaks off, is damaged or was not written by torch: {why}") from error


def _damaged_part(path: Path) -> str | None:
    """The first part whose check sum is wrong; None if there is none, or if the file is no archive.

    Raises:
        CheckpointError: a part is compressed: a small file could fill the memory.
    """
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            if part.compress_type != zipfile.ZIP_STORED or part.file_size != part.compress_size:
                raise CheckpointError(f"{path} has the compressed part {part.filename}; torch writes parts as they are")
        return archive.testzip()


def _check_plain(value: Any, name: str) -> None:
    """Exact types: numpy's float64 is a float, too, and cannot be read back."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_plain(key, f"{name}.{key}")
            _check_plain(item, f"{name}.{key}")
    elif type(value) in (list, tuple):
        for number, item in enumerate(value):
            _check_plain(item, f"{name}[{number}]")
    elif type(value) not in (*_PLAIN, Tensor, torch.nn.Parameter):
        raise TypeError(f"{name.lstrip('.')} is a {type(value).__name__}, which a checkpoint cannot hold")
