"""The only door to safetensors: an encoder as a folder that needs neither the workspace nor the run.

encoder.safetensors   the encoder's tensors, float32
encoder.json          EncoderFacts
README.md             the model card
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from tcae import __version__
from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.manifests.workspace import written_whole
from tcae.model.encoders.card import card
from tcae.model.encoders.facts import EncoderFacts

if TYPE_CHECKING:
    from tcae.model.training.runs import Trained

WEIGHTS = "encoder.safetensors"
FACTS = "encoder.json"
CARD = "README.md"


def export(trained: "Trained", folder: Path, data: Mapping[str, str | int] | None = None) -> Path:
    """Write the encoder of a trained model; its decoders stay behind.

    Args:
        trained: What ``load_trained`` gave.
        folder: Is made; an earlier export in it is replaced.
        data: What the card says of the training faces.

    Returns:
        The folder.

    Raises:
        ConfigError: the folder holds something else.
        WorkspaceError: it cannot be written.
    """
    if folder.exists() and not _is_free(folder):
        raise ConfigError(f"{folder} holds something other than an export; name a new or empty folder with --to")
    encoder = trained.model.encoder
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    content = save(tensors, {"format": "pt"})
    facts = EncoderFacts(
        tcae=__version__,
        run=trained.run,
        checkpoint=trained.checkpoint,
        step=trained.step,
        recipe=trained.recipe.name,
        method=trained.recipe.method,
        template=trained.template,
        network=trained.recipe.network,
        view=trained.recipe.view,
        data=dict(data or {}),
        metrics=dict(trained.metrics),
        num_parameters=sum(parameter.numel() for parameter in encoder.parameters()),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    _write(folder / WEIGHTS, content)
    _write(folder / FACTS, facts.to_json().encode())
    _write(folder / CARD, card(facts).encode())
    return folder


def _is_free(folder: Path) -> bool:
    return folder.is_dir() and ((folder / FACTS).is_file() or not any(folder.iterdir()))


def _write(path: Path, content: bytes) -> None:
    with written_whole(path) as partial, partial.open("wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())


def read_export(path: Path) -> tuple[EncoderFacts, dict[str, Tensor]]:
    """What ``export`` wrote.

    Args:
        path: The folder, or its file of tensors; the JSON file of the same name lies beside it.

    Raises:
        CheckpointError: a file is missing or damaged, or the tensors are not those that the JSON file describes.
    """
    weights = path / WEIGHTS if path.is_dir() else path
    described = weights.with_suffix(".json")
    if not path.exists() or weights.suffix != ".safetensors":
        raise CheckpointError(
            f"{path} is no exported encoder; name the folder that tcae export wrote, or its {WEIGHTS}"
        )
    facts = EncoderFacts.from_json(_read(described).decode(errors="replace"), described)
    content = _read(weights)
    found = hashlib.sha256(content).hexdigest()
    if found != facts.sha256:
        raise CheckpointError(
            f"{weights} has SHA-256 {found[:16]}... and {described.name} describes {facts.sha256[:16]}...: "
            "one of them is damaged or of another export; run tcae export again"
        )
    try:
        return facts, load(content)
    except SafetensorError as error:
        raise CheckpointError(f"{weights} is not a file of safetensors: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}; an export is {WEIGHTS} with {FACTS}") from error
