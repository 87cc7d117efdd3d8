"""Faces in frames: the only door to facenet-pytorch, whose MTCNN networks and weights our own cascade drives.

Convention:
    axes: frames are (H, W, 3) uint8 RGB; boxes x0 y0 x1 y1; landmarks x then y.
    unit: frame pixels; boxes and landmarks are fractional and may lie outside the frame.
    order: of landmarks the eye that is left in the picture (the person's right), the other eye, nose, mouth corner left
        in the picture, the other corner; of faces the best score first.

Nothing heavy is imported before a detector is loaded.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError, MissingToolError
from tcae.pipeline.pictures import Image
from tcae.pipeline.tuning import tune_process

if TYPE_CHECKING:
    import torch

    from tcae.pipeline.mtcnn.cascade import Cascade, Faces

LEAST_FACE_PX = 12.0
"""The first network sees 12 pixels; smaller faces would have to be enlarged for it."""

GPU_WORKER_BYTES = 1.5e9
"""Memory that a worker takes of its GPU, CUDA's own half a gigabyte included; reckoned, not measured."""

WEIGHT_FILES = ("pnet.pt", "rnet.pt", "onet.pt")
"""In facenet-pytorch's data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectConfig:
    """How to look for faces.

    Raises:
        ConfigError: a value is out of range.
    """

    min_face_px: float = 40.0
    """Where the search starts: the face size in frame pixels that the first network sees as one cell. Boxes can come
    out somewhat smaller."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:N``, or ``auto``: a GPU if there is one."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_face_px) and self.min_face_px >= LEAST_FACE_PX):
            raise ConfigError(f"min_face_px is {self.min_face_px}; it must be at least {LEAST_FACE_PX:g} pixels")
        kind, _, number = self.device.partition(":")
        if not (self.device in ("auto", "cpu", "cuda") or (kind == "cuda" and number.isdecimal())):
            raise ConfigError(f"device is {self.device!r}; it must be auto, cpu, cuda or cuda:N")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detection:
    """One face in one frame."""

    box: NDArray[np.float64]
    """(4,) x0 y0 x1 y1, frame pixels."""
    score: float
    """0-1, above the last network's threshold of 0.7."""
    landmarks: NDArray[np.float64]
    """(5, 2) x y, frame pixels."""


Detect: TypeAlias = Callable[[Sequence[Image]], list[list[Detection]]]
"""One list per image, best score first; sizes may differ; no images give no lists."""


class Detector:
    """MTCNN, ready to run; a :data:`Detect`."""

    name = "mtcnn"

    def __init__(self, cascade: "Cascade", *, weights: str, device: str) -> None:
        self._cascade = cascade
        self.weights = weights
        """First 16 hexadecimal digits of the SHA-256 over the three weight files."""
        self.device = device
        """``cpu``, or ``cuda:N``."""

    def __call__(self, images: Sequence[Image]) -> list[list[Detection]]:
        """The faces of each image.

        On the CPU the faces of an image do not depend on the other images, to the last bit.
        """
        return [_to_detections(faces) for faces in self._cascade(images)]


@lru_cache(maxsize=4)
def load_detector(config: DetectConfig) -> Detector:
    """Load the networks, once per process and config.

    Sets torch to one thread on the CPU (and the rest as ``tune_process`` does), and on a GPU to full float32
    convolutions, for the whole process.

    Raises:
        MissingToolError: facenet-pytorch does not import, its weights are gone, or the GPU asked for is not there.
    """
    try:
        import torch
        from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

        from tcae.pipeline.mtcnn.cascade import Cascade
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision beside another build of torch
        raise MissingToolError(
            f"facenet-pytorch cannot be imported ({error}); install it with the torchvision that belongs to torch"
        ) from error
    weights = hash_weights()
    device = _find_device(config.device)
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    else:
        torch.set_num_threads(1)
        tune_process()
    cascade = Cascade(PNet(), RNet(), ONet(), min_face_px=config.min_face_px, device=device)
    return Detector(cascade, weights=weights, device=str(device))


def hash_weights() -> str:
    """First 16 hexadecimal digits of the SHA-256 over the weight files of the three networks, in their order.

    Raises:
        MissingToolError: facenet-pytorch is not installed as its authors packed it.
    """
    import facenet_pytorch

    folder = Path(facenet_pytorch.__file__).parent / "data"
    digest = hashlib.sha256()
    for name in WEIGHT_FILES:
        try:
            digest.update((folder / name).read_bytes())
        except OSError as error:
            raise MissingToolError(f"facenet-pytorch's {name} is missing; install facenet-pytorch again") from error
    return digest.hexdigest()[:16]


def describe_device(device: str = "auto") -> str:
    """The device that a config's ``device`` means here, in words: ``cpu``, or ``cuda:0 (NVIDIA ...)``.

    Raises:
        MissingToolError: a GPU is asked for and not there.
    """
    import torch

    found = _find_device(device)
    return f"{found} ({torch.cuda.get_device_name(found)})" if found.type == "cuda" else str(found)


def gpu_room(device: str) -> tuple[int, ...]:
    """How many workers each GPU that a config's ``device`` gives has memory for; at least 1, and () on the CPU.

    Raises:
        MissingToolError: a GPU is asked for and not there.
    """
    if device == "cpu":
        return ()
    import torch

    found = _find_device(device)
    if found.type == "cpu":
        return ()
    indices = [found.index] if ":" in device else range(torch.cuda.device_count())
    sizes = (torch.cuda.get_device_properties(index).total_memory for index in indices)
    return tuple(max(1, int(size / GPU_WORKER_BYTES)) for size in sizes)


def _find_device(device: str) -> "torch.device":
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "cpu" or (device == "auto" and count == 0):
        return torch.device("cpu")
    index = int(device.partition(":")[2] or 0)
    if index >= count:
        raise MissingToolError(
            f"device is {device!r} but torch sees {count} CUDA GPUs; use cpu or auto, or install a driver"
        )
    return torch.device("cuda", index)


def _to_detections(faces: "Faces") -> list[Detection]:
    return [
        Detection(box=box.astype(np.float64), score=float(score), landmarks=landmarks.astype(np.float64))
        for box, score, landmarks in zip(*faces, strict=True)
    ]
