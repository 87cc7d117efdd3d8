"""Made-up faces: detections at a place, numbered pictures, and a detector that knows them."""

from collections.abc import Callable, Sequence

import numpy as np

from tcae.manifests.rows import Frame
from tcae.pipeline.align import apply, inverse
from tcae.pipeline.detect import Detection
from tcae.pipeline.pictures import Image
from tcae.pipeline.templates import Points, template_points


def landmarks_in(box: Sequence[float]) -> Points:
    """The five points of an upright face that fills a box as the detector's boxes do."""
    x0, y0, x1, y1 = box
    scale = 150 / (x1 - x0)
    alignment = np.array([[scale, 0, 127.5 - scale * (x0 + x1) / 2], [0, scale, 128 - scale * (y0 + y1) / 2]])
    return apply(inverse(alignment), template_points("tcae"))


def detection(x: float, y: float, width: float, score: float = 0.99, *, centre: bool = False) -> Detection:
    """A square face of a width at its first corner, or about its centre."""
    if centre:
        x, y = x - width / 2, y - width / 2
    box = np.array([x, y, x + width, y + width])
    return Detection(box=box, score=score, landmarks=landmarks_in(box.tolist()))


def frame_row(k: int, *, fps: float = 1.0, track_box: tuple[float, ...] | None = None) -> Frame:
    """The row of a clip's k-th frame."""
    return Frame(
        identity="id1",
        video="v1",
        clip=0,
        frame=k,
        source_frame=round(25 * k / fps),
        pts_seconds=k / fps,
        track_box=track_box,
    )


def picture(number: int, height: int = 120, width: int = 160) -> Image:
    """Noise with the number of the frame in its first pixel, by which ``detector_of`` knows it."""
    image = np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
    image[0, 0] = (number // 256, number % 256, 7)
    return image


def detector_of(faces: Sequence[Sequence[Detection]]) -> Callable[[Sequence[Image]], list[list[Detection]]]:
    """A detector that finds ``faces[number]`` in ``picture(number)``, in whatever batch."""

    def detect(images: Sequence[Image]) -> list[list[Detection]]:
        return [list(faces[256 * int(image[0, 0, 0]) + int(image[0, 0, 1])]) for image in images]

    return detect
