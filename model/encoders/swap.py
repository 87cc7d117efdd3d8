"""Give a face the facial actions of another, its pose, or both."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tcae.manifests.face_files import FaceFiles, Read
from tcae.model.data.faces import FaceFileError, decoded_side
from tcae.model.data.sampler import centre_crop
from tcae.model.data.views import view
from tcae.model.display.pictures import RGB, beside, enlarged, factor_of, picture_of, titled
from tcae.model.display.sheets import Swap
from tcae.model.encoders.reading import Face, face_files, read_ahead
from tcae.model.encoders.twin_cycles import tcae_of
from tcae.model.methods.tcae import TCAE, swaps_of
from tcae.model.recipe import Recipe

if TYPE_CHECKING:
    from tcae.model.training.runs import Trained

BATCH = 32
"""Pairs of a clip that go through the network at once."""

THREADS = 4
"""That decode the faces of a clip."""

LEAST_PX = 192
"""Faces in a video are enlarged to at least this side."""

GAP_PX = 4
"""Between two faces in a video."""

COLUMNS = {
    "source": "source",
    "target": "target",
    "au_image": "AU-changed",
    "pose_image": "pose-changed",
    "output": "both",
}
"""The columns of a video: the field of ``Swap`` and its title."""

PathPair: TypeAlias = tuple[Path, Path]


def swap(
    model: TCAE,
    recipe: Recipe,
    source: NDArray[np.uint8],
    target: NDArray[np.uint8],
    device: torch.device | str = "cpu",
) -> list[Swap]:
    """Move source faces towards target faces, of the same person or not.

    Args:
        model: In evaluation mode, on the device.
        recipe: That it was trained by; says which part of a face is seen.
        source: (N, S, S, 3) uint8, whole aligned faces.
        target: The same.
        device: Where the model is.

    Returns:
        One for each pair, pictures of the network's size.
    """
    with torch.inference_mode():
        faces = seen(source, recipe, device), seen(target, recipe, device)
        changed = model.change(faces[0], *model.embed(*faces))
    return swaps_of(*faces, changed)


def seen(faces: NDArray[np.uint8], recipe: Recipe, device: torch.device | str) -> Tensor:
    """The centre crops of whole faces (N, S, S, 3) uint8, as the network sees them: (N, 3, size, size) in 0-1."""
    crops = torch.tensor(centre_crop(recipe.view), device=device).expand(len(faces), -1)
    return view(torch.from_numpy(faces).to(device), crops, recipe.network.size)


@dataclass(kw_only=True)
class Film:
    """The pictures of a video, made as it is read."""

    model: TCAE
    recipe: Recipe
    pairs: Sequence[PathPair]
    read: Read = Path.read_bytes
    """Gives a file's bytes."""
    device: torch.device | str = "cpu"
    num_cut: int = 0
    """Faces of the longer clip that have no counterpart."""
    num_made: int = 0
    """Pictures made so far."""
    unreadable: list[str] = field(default_factory=list)
    """Messages of faces that could not be read; their pairs are left out."""

    @classmethod
    def of(
        cls,
        trained: "Trained",
        source: Path,
        target: Path,
        device: torch.device | str = "cpu",
        files: FaceFiles | None = None,
    ) -> "Film":
        """Two clips side by side in time; the longer one is cut, and a single face stands beside every face.

        Args:
            trained: The network, on the device.
            source: A face, or a folder with the faces of a clip.
            target: The same.
            device: Where the network is.
            files: Of the workspace whose packed faces count too.

        Raises:
            ConfigError: a folder holds no face, or another method trained the network.
        """
        clips = [face_files(path, files) if is_clip(path, files) else None for path in (source, target)]
        lengths = [len(clip) for clip in clips if clip is not None] or [1]
        num = min(lengths)
        sources, targets = (clip or [path] * num for clip, path in zip(clips, (source, target), strict=True))
        pairs = list(zip(sources[:num], targets[:num], strict=True))
        return cls(
            model=tcae_of(trained),
            recipe=trained.recipe,
            pairs=pairs,
            read=files.read if files else Path.read_bytes,
            device=device,
            num_cut=max(lengths) - num,
        )

    def __iter__(self) -> Iterator[RGB]:
        """Source, target, AU-changed, pose-changed and both, with titles; both sides of a picture are even."""
        side = decoded_side(self.recipe.network.size)
        batches = [(None, _files(self.pairs[start : start + BATCH])) for start in range(0, len(self.pairs), BATCH)]
        for _, faces in read_ahead(batches, side, batch_size=2 * BATCH, threads=THREADS, read=self.read):
            num = len(faces) // 2
            both = self._readable(zip(faces[:num], faces[num:], strict=True))
            if both:
                source, target = (np.stack(some) for some in zip(*both, strict=True))
                for made in swap(self.model, self.recipe, source, target, self.device):
                    self.num_made += 1
                    yield side_by_side(made)

    def _readable(self, pairs: Iterable[tuple[Face | FaceFileError, Face | FaceFileError]]) -> list[tuple[Face, Face]]:
        both = []
        for source, target in pairs:
            self.unreadable += [str(face) for face in (source, target) if isinstance(face, FaceFileError)]
            if not isinstance(source, FaceFileError) and not isinstance(target, FaceFileError):
                both.append((source, target))
        return both


def is_clip(path: Path, files: FaceFiles | None = None) -> bool:
    """Whether a path is a folder of faces, or would be one if they were not packed."""
    return path.is_dir() or bool(files and files.below(path))


def _files(pairs: Sequence[PathPair]) -> list[Path]:
    return [source for source, _ in pairs] + [target for _, target in pairs]


def side_by_side(made: Swap) -> RGB:
    """One picture of a video: (H, W, 3) uint8, H and W even, as H.264 wants it."""
    faces = {title: picture_of(getattr(made, name)) for name, title in COLUMNS.items()}
    factor = factor_of(made.source.shape[-1], LEAST_PX)
    picture = beside([titled(enlarged(face, factor), title) for title, face in faces.items()], GAP_PX)
    odd = [(0, length % 2) for length in picture.shape[:2]]
    return np.pad(picture, [*odd, (0, 0)], mode="edge")
