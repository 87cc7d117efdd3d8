"""A trained encoder for those who want embeddings and nothing else."""

from collections.abc import ItemsView, Iterator
from copy import deepcopy
from itertools import pairwise
from os import PathLike
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tcae.manifests.errors import ConfigError, MissingToolError
from tcae.model.data.sampler import centre_crop
from tcae.model.data.views import view
from tcae.model.encoders.export import read_export
from tcae.model.encoders.facts import EncoderFacts
from tcae.model.method import FaceNetwork
from tcae.model.methods.catalogue import encoder_of
from tcae.model.networks.weights import check_shapes, shapes_of
from tcae.model.recipe import NetworkConfig, ViewConfig

if TYPE_CHECKING:
    from tcae.model.training.runs import Trained

Precision: TypeAlias = Literal["fp32", "bf16"]
CPU_BATCH, GPU_BATCH = 16, 256
"""Faces at once."""

Faces: TypeAlias = NDArray[np.uint8] | Tensor
"""(N, S, S, 3) RGB uint8, any side S."""


class FaceEmbeddings(SimpleNamespace):
    """The embeddings of N faces, (N, D) float32 each, D of its own, of any sign and length.

    Each is an attribute, and an item, by its name: TCAE's are ``au``, the facial actions, and ``pose``, that of the
    head. Unpacking gives the arrays in the encoder's order: ``au, pose = encoder.embed(faces)``.
    """

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return iter(vars(self).values())

    def __len__(self) -> int:
        return len(vars(self))

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        array: NDArray[np.float32] = vars(self)[name]
        return array

    def items(self) -> ItemsView[str, NDArray[np.float32]]:
        """Names and arrays, in the encoder's order."""
        return vars(self).items()


class FaceEncoder:
    """A trained encoder in evaluation mode on one device."""

    method: str
    """That it was trained by; a name of `tcae train --method`."""
    network: NetworkConfig
    view: ViewConfig
    """Of each face its centre crop is seen, ``centre_px`` of 256 pixels wide."""
    template: str
    """What the faces must be aligned to; ``unknown`` for an imported network."""
    device: torch.device

    def __init__(
        self,
        encoder: FaceNetwork,
        *,
        method: str,
        network: NetworkConfig,
        view: ViewConfig,
        template: str,
        device: str | torch.device = "auto",
    ) -> None:
        """Copy an encoder to a device, for inference.

        Raises:
            ConfigError: there is no such kind of device.
            MissingToolError: this machine has none.
        """
        self.method, self.network, self.view, self.template = method, network, view, template
        self.device = _device_of(device)
        self._crop = torch.tensor(centre_crop(view), device=self.device)
        self._encoder = _folded(encoder).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def of(cls, trained: "Trained", device: str | torch.device = "auto") -> "FaceEncoder":
        """The encoder of a run's checkpoint."""
        recipe = trained.recipe
        return cls(
            trained.model.encoder,
            method=recipe.method,
            network=recipe.network,
            view=recipe.view,
            template=trained.template,
            device=device,
        )

    @property
    def widths(self) -> dict[str, int]:
        """D of each embedding, by its name; the first is meant where none is named."""
        return self.network.widths

    def named(self, embedding: str | None = None) -> str:
        """The name itself, if there is an embedding of it; the first embedding's where none is given.

        Raises:
            ConfigError: there is no such embedding; the message names those that there are.
        """
        if embedding is not None and embedding not in self.widths:
            raise ConfigError(f"{self.method} has no embedding {embedding!r}; it has {', '.join(self.widths)}")
        return embedding or next(iter(self.widths))

    def embed(self, faces: Faces, batch_size: int | None = None, precision: Precision = "fp32") -> FaceEmbeddings:
        """Embed aligned faces.

        Args:
            faces: (N, S, S, 3) RGB uint8 in 0-255, a NumPy array or a tensor on any device; N may be 0. The whole
                aligned face: cropping and resizing to what the network sees happen here.
            batch_size: Faces that go through the network at once, 4 to 8 MB each at 256 px; by default 256 on a GPU
                and 16 on a CPU. Results do not depend on it, up to rounding.
            precision: ``bf16`` computes the convolutions in bfloat16; some 2 to 3 digits remain.

        Returns:
            Embeddings in the order of the faces, on the CPU, float32 in either precision.

        Raises:
            ConfigError: the faces are of another type or shape, or another argument makes no sense.
        """
        _check(faces)
        if batch_size is None:
            batch_size = CPU_BATCH if self.device.type == "cpu" else GPU_BATCH
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
        if precision not in get_args(Precision):
            raise ConfigError(f"precision must be fp32 or bf16, not {precision!r}")
        made = {name: torch.empty(len(faces), width, device=self.device) for name, width in self.widths.items()}
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16"):
            for start in range(0, len(faces), batch_size):
                some = self._seen(_tensor(faces[start : start + batch_size]))
                for name, embeddings in self._encoder.embed(some).items():
                    made[name][start : start + len(some)] = embeddings
        return FaceEmbeddings(**{name: embeddings.cpu().numpy() for name, embeddings in made.items()})

    def _seen(self, faces: Tensor) -> Tensor:
        """What the network sees of some faces: (N, 3, size, size) float32 in 0-1."""
        faces = _bounded(faces.to(self.device, non_blocking=True), 2 * self.network.size)
        seen = view(faces, self._crop.expand(len(faces), -1), self.network.size)
        return seen.contiguous(memory_format=torch.channels_last)


def load_encoder(path: str | PathLike[str], device: str | torch.device = "auto") -> FaceEncoder:
    """Load what `tcae export` wrote.

    Args:
        path: The folder, or the ``.safetensors`` file in it.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...; ``auto`` is a GPU if there is one.

    Raises:
        CheckpointError: there is no export, or it is damaged.
        ConfigError: there is no such kind of device.
        MissingToolError: this machine has none.
    """
    facts, network = load_network(Path(path))
    return FaceEncoder(
        network, method=facts.method, network=facts.network, view=facts.view, template=facts.template, device=device
    )


def load_network(path: Path) -> tuple[EncoderFacts, FaceNetwork]:
    """What `tcae export` wrote, as a network that can be trained further, on the CPU.

    Raises:
        CheckpointError: there is no export, or it is damaged.
    """
    facts, tensors = read_export(path)
    with torch.random.fork_rng(devices=[]):  # its first weights are of no use
        network = encoder_of(facts.method, facts.network)
    check_shapes(path, shapes_of(network), tensors)
    network.load_state_dict(tensors)
    return facts, network


def _folded(encoder: FaceNetwork) -> FaceNetwork:
    """A copy in evaluation mode whose batch norms are part of the convolutions before them: the same up to rounding.

    Only where both are neighbours in an ``nn.Sequential``: nothing else says in which order layers come.
    """
    copy = deepcopy(encoder).eval().requires_grad_(False)
    for layers in [module for module in copy.modules() if isinstance(module, nn.Sequential)]:
        for i, (first, second) in enumerate(pairwise(layers)):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d) and second.running_var is not None:
                layers[i], layers[i + 1] = fuse_conv_bn_eval(first, second), nn.Identity()
    return copy


def _device_of(name: str | torch.device) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"there is no device {name!r}; name auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise MissingToolError(f"there is no GPU {name}: torch sees {torch.cuda.device_count()}; use --device cpu")
    return device


def _check(faces: Any) -> None:
    """Refuse what is no batch of faces."""
    if not isinstance(faces, np.ndarray | Tensor):
        raise ConfigError(f"faces must be a NumPy array or a tensor, (N, S, S, 3) uint8, not a {type(faces).__name__}")
    shape = tuple(faces.shape)
    if faces.dtype not in (np.uint8, torch.uint8):
        raise ConfigError(f"faces must be uint8 in 0-255, as they are read from a picture, not {faces.dtype}")
    if len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2] or shape[1] < 1:
        raise ConfigError(f"faces must have the shape (N, S, S, 3), the channels last, not {shape}{_hint(shape)}")


def _hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[2] == 3:
        return "; a single face is faces[None]"
    if len(shape) == 4 and shape[1] == 3:
        return "; put the channels last"
    return ""


def _tensor(faces: Faces) -> Tensor:
    """A batch as a tensor, without a copy where its memory allows."""
    if isinstance(faces, Tensor):
        return faces
    whole = np.ascontiguousarray(faces)
    return torch.from_numpy(whole if whole.flags.writeable else whole.copy())


def _bounded(faces: Tensor, side: int) -> Tensor:
    """Faces more than twice as large as ``side`` are averaged down to it, because ``view`` would alias them."""
    if faces.shape[1] <= 2 * side:
        return faces
    means = adaptive_avg_pool2d(faces.permute(0, 3, 1, 2).float(), side)
    return means.round().to(torch.uint8).permute(0, 2, 3, 1)
