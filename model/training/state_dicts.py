"""The state dict in a file that torch wrote, whoever wrote it."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from tcae.manifests.errors import CheckpointError
from tcae.model.training import checkpoints


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """The state dict in a file, by the published names, without a ``module.`` that data parallelism left.

    Only tensors and plain values are unpickled; an ``argparse.Namespace`` of them, in which that code keeps its
    options, is taken too.

    Raises:
        CheckpointError: the file is missing, damaged, holds other objects, or no state dict.
    """
    with torch.serialization.safe_globals([argparse.Namespace]):
        content = checkpoints.read_tensors(file)
    found = list(_state_dicts(content))
    if len(found) != 1:
        held = ", ".join(map(str, content)) if isinstance(content, Mapping) else type(content).__name__
        raise CheckpointError(
            f"{file} holds {len(found)} state dicts; one is wanted, by itself or under a name such as state_dict. "
            f"It holds: {held or 'nothing'}"
        )
    prefix = "module." if all(name.startswith("module.") for name in found[0]) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in found[0].items()}


def _state_dicts(content: object) -> Iterator[dict[str, Tensor]]:
    """The content itself if it is a state dict, else those of its values that are."""
    values = [content, *content.values()] if isinstance(content, Mapping) else []
    for value in values:
        if isinstance(value, Mapping) and value and all(map(_is_named_tensor, value.items())):
            yield dict(value)


def _is_named_tensor(item: tuple[object, object]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)
