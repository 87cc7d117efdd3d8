"""The only door to face-alignment: 68 landmarks of a face whose box is known, from weights that are on this machine.

Convention:
    - Boxes are x0 y0 x1 y1 and landmarks x then y, in frame pixels.
    - The 68 points are in the order of the 300-W annotation (iBUG): jaw, brows, nose, eyes, mouth.
    - The network sees a square around the box and answers on a 64x64 grid: a point is exact to about 1/60 of the face.

Nothing heavy is imported before a network is loaded.
"""

import hashlib
import struct
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import MissingToolError
from tcae.pipeline.align import LandmarksError
from tcae.pipeline.detect import describe_device
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.pictures import Image
from tcae.pipeline.templates import Points

WEIGHT_FILE: Final = "2DFAN4-11f355bf06.pth.tar"
"""The 2D network of face-alignment 1.4 and later, under the name that its author gives it."""

WEIGHT_URL: Final = f"https://www.adrianbulat.com/downloads/python-fan/{WEIGHT_FILE}"
"""Where a person can get it; this project never downloads it."""

_NUM_POINTS: Final = 68


class Landmarker:
    """Finds 68 landmarks; made by ``load_landmarker``."""

    def __init__(self, network: Any, weights: str) -> None:
        self._network = network
        self.name = "fan"
        """For the ``detector`` column, beside the detector's."""
        self.weights = weights
        """SHA-256 of the weight file, the first 16 hex digits."""

    def __call__(self, image: Image, box: NDArray[np.float64]) -> Points:
        """The landmarks of the face in ``box``.

        Args:
            image: The frame, (H, W, 3) uint8 RGB.
            box: (4,) in frame pixels.

        Returns:
            (68, 2) float64 in frame pixels.

        Raises:
            LandmarksError: the box is empty or wholly outside the frame.
        """
        height, width = image.shape[:2]
        shown = np.minimum(box[2:], (width, height)) - np.maximum(box[:2], 0)
        if not (np.isfinite(box).all() and (shown >= 1).all()):
            raise LandmarksError(f"box {box.round(1).tolist()} shows nothing of the {width}x{height} frame")
        points = self._network.get_landmarks_from_image(image, detected_faces=[box])[0]
        return np.asarray(points, np.float64).reshape(_NUM_POINTS, 2)


def weight_path(weights: str | None = None) -> Path:
    """Where the weight file is looked for: in ``weights``, else where torch hub keeps downloads (``$TORCH_HOME``)."""
    if weights is not None:
        return Path(weights) / WEIGHT_FILE
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHT_FILE


def load_landmarker(config: FaceConfig) -> Landmarker | None:
    """Load the network that ``config.landmarks`` asks for, once per process; None where the detector's points do.

    Nothing is downloaded.

    Raises:
        MissingToolError: the weights are not there, cannot be read, or a demanded GPU is absent.
    """
    if config.landmarks != "fan":
        return None
    return _load(_find_weights(config), describe_device(config.device).partition(" ")[0])


def landmark_weights(config: FaceConfig) -> str | None:
    """The ``weights`` that the landmarker would have, without loading it or asking for its device.

    Raises:
        MissingToolError: the weights are not there.
    """
    return _digest(_find_weights(config)) if config.landmarks == "fan" else None


def _find_weights(config: FaceConfig) -> Path:
    path = weight_path(config.weights)
    if not path.is_file():
        raise MissingToolError(
            f"landmarks by fan need face-alignment's weights: put {WEIGHT_FILE} (from {WEIGHT_URL}) "
            f"into {path.parent}, or name the folder that has it with --weights"
        )
    return path


@lru_cache(maxsize=2)
def _load(path: Path, device: str) -> Landmarker:
    return Landmarker(_load_network(path, device), _digest(path))


def _load_network(path: Path, device: str) -> Any:
    """Face-alignment with the network in ``path``, and with its ``folder`` detector, the one that needs no weights."""
    import face_alignment
    from face_alignment import api

    class Local(face_alignment.FaceAlignment):  # type: ignore[misc]
        """Its own loader would look in torch hub's folder only, and download."""

        def _load_native(self, network_name: str, network_size: int, device: str, dtype: Any) -> Any:
            return _restored(api.FAN(network_size), path).to(device, dtype=dtype).eval()

    kind = face_alignment.LandmarksType.TWO_D
    return Local(kind, device=device, face_detector="folder", compile=False)


_UNREADABLE = (
    *(RuntimeError, OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, AssertionError),
    *(UnpicklingError, BadZipFile, struct.error),
)
"""What is raised at weights that have flipped bits or are something else; which one hangs on the place."""


def _restored(network: Any, path: Path) -> Any:
    import torch

    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except _UNREADABLE as error:
        cause = str(error).partition("\n")[0]
        raise MissingToolError(f"{path} is not {WEIGHT_FILE} ({cause}); get it again from {WEIGHT_URL}") from error
    return network


@lru_cache(maxsize=2)
def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()[:16]
