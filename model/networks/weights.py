"""Whether named tensors are those that a network wants."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from tcae.manifests.errors import CheckpointError

NUM_NAMED = 3
"""So many of each kind of difference are named in a message; the rest is counted."""


def shapes_of(module: nn.Module) -> dict[str, torch.Size]:
    """The shape of every parameter and buffer, by its name in the state dict."""
    return {name: tensor.shape for name, tensor in module.state_dict().items()}


def check_shapes(path: Path, wanted: Mapping[str, torch.Size], found: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not the wanted ones.

    Args:
        path: Where they come from, for the message.
        wanted: Shapes by name.
        found: Tensors by name.

    Raises:
        CheckpointError: names the first tensors that are missing, unexpected or of another shape.
    """
    shared = [name for name in wanted if name in found and found[name].shape != wanted[name]]
    kinds = {
        "missing": _some(name for name in wanted if name not in found),
        "unexpected": _some(name for name in found if name not in wanted),
        "of another shape": _some(f"{name} {tuple(found[name].shape)} not {tuple(wanted[name])}" for name in shared),
    }
    wrong = "; ".join(f"{kind}: {names}" for kind, names in kinds.items() if names)
    if wrong:
        raise CheckpointError(f"{path} holds other tensors than the {len(wanted)} that the network has; {wrong}")


def _some(names: Iterable[str]) -> str:
    first = list(names)
    more = f" and {len(first) - NUM_NAMED} more" if len(first) > NUM_NAMED else ""
    return ", ".join(first[:NUM_NAMED]) + more
